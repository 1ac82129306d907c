"""Fig. S4: training loss and accuracies of the branches, and their flatness against test accuracy.

Reads ``run`` (the file that holds the SGD run), and of its branches ``train`` and ``endpoints``.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sgd_valleys.figures.branches import draw_branches, draw_scatter, load_branches
from sgd_valleys.figures.style import Arrays, label_panel, styled_figure
from sgd_valleys.figures.symbols import TEST_ACCURACY, TRAIN_ACCURACY, TRAIN_LOSS
from sgd_valleys.storage import hdf5

SERIES = ("train_loss", "train_accuracy", "test_accuracy")


def load(paths: dict[str, Any]) -> Arrays:
    """Read what the panels show."""
    ends = hdf5.read(paths["endpoints"], [*SERIES, "flatness"])
    return load_branches(paths, SERIES) | {f"final_{name}": array for name, array in ends.items()}


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-D."""
    with styled_figure(style, 4.6) as figure:
        (loss, train), (test, flat) = figure.subplots(2, 2)
        draw_branches(loss, "A", data, "train_loss", TRAIN_LOSS, settings, (0.5, 0.55, 0.47, 0.37), log=True)
        draw_branches(train, "B", data, "train_accuracy", TRAIN_ACCURACY, settings, (0.5, 0.22, 0.47, 0.37))
        draw_branches(test, "C", data, "test_accuracy", TEST_ACCURACY, settings, (0.5, 0.22, 0.47, 0.37))
        label_panel(flat, "D")
        draw_scatter(flat, data, "final_test_accuracy", "final_flatness", (np.nan,) * 3, settings)
        flat.set(xlabel=f"final {TEST_ACCURACY}", ylabel="final $F$")
    return figure
