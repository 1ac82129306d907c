"""Fig. S3: the freezing time at other thresholds.

Reads ``freezing`` and ``endpoints``. The first threshold of ``freezing`` is L_c, shown in Fig. 3C.
"""

from string import ascii_uppercase

import numpy as np
from matplotlib.figure import Figure

from sgd_valleys.figures import panels
from sgd_valleys.figures.style import DOUBLE, FREEZING, heatmap, panel, styled_figure
from sgd_valleys.storage import hdf5


def load(paths: dict[str, str]) -> dict[str, np.ndarray]:
    """Read what the panels show."""
    return panels.load_grid(paths["endpoints"]) | hdf5.read(paths["freezing"], ["threshold", "freezing_time"])


def draw(data: dict[str, np.ndarray], settings: dict, style: dict) -> Figure:
    """Draw a panel for every threshold but the first."""
    others = range(1, len(data["threshold"]))
    with styled_figure(style, DOUBLE, 2.3, note=r"no converged run, or none below $\mathcal{L}_c$") as figure:
        row = figure.subplots(1, len(others), squeeze=False)[0]
        for axes, letter, threshold in zip(row, ascii_uppercase[: len(row)], others, strict=True):
            panel(axes, letter, rf"$\mathcal{{L}}_c = {data['threshold'][threshold]:g}$")
            heatmap(axes, data, panels.mean_freezing(data, threshold), FREEZING, settings["colormap"])
    return figure
