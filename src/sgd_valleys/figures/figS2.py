"""Fig. S2: displacement, convergence, accuracy and losses over the grid.

Reads ``endpoints``.
"""

import numpy as np
from matplotlib.figure import Figure

from sgd_valleys.figures import panels
from sgd_valleys.figures.style import DOUBLE, TEST_LOSS, TRAIN_ACCURACY, TRAIN_LOSS, heatmap, panel, styled_figure

MEANS = ("displacement", "train_accuracy", "train_loss", "test_loss")  # over a cell's runs


def load(paths: dict[str, str]) -> dict[str, np.ndarray]:
    """Read what the panels show."""
    return panels.load_grid(paths["endpoints"], ["displacement_cosine", "convergence_probability", *MEANS])


def draw(data: dict[str, np.ndarray], settings: dict, style: dict) -> Figure:
    """Draw panels A-F."""
    mean = {name: panels.reduce_cells(data[name], np.mean) for name in MEANS}
    contents = (
        (data["displacement_cosine"], r"$\langle\cos(\Delta\theta^{(i)}, \Delta\theta^{(j)})\rangle$", False),
        (mean["displacement"], r"$\langle\|\Delta\theta\|\rangle$", False),
        (data["convergence_probability"], r"$P_{\mathrm{converge}}$", False, (0.0, 1.0)),
        (mean["train_accuracy"], rf"$\langle${TRAIN_ACCURACY}$\rangle$", False),
        (mean["train_loss"], rf"$\langle${TRAIN_LOSS}$\rangle$", True),
        (mean["test_loss"], rf"$\langle${TEST_LOSS}$\rangle$", True),
    )
    with styled_figure(style, DOUBLE, 4.2) as figure:
        for axes, letter, content in zip(figure.subplots(2, 3).flat, "ABCDEF", contents, strict=True):
            panel(axes, letter)
            values, label, *scale = content
            heatmap(axes, data, values, label, settings["colormap"], *scale)
    return figure
