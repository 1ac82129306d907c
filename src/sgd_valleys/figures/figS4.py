"""Fig. S4: training loss and accuracies of the branches, and their flatness against test accuracy.

Reads ``run``, the file of the SGD run, and ``train`` and ``endpoints`` of its branches.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sgd_valleys.figures.branches import draw_branches, draw_scatter, load_branches
from sgd_valleys.figures.style import Arrays, label_panel, styled_figure
from sgd_valleys.figures.symbols import TEST_ACCURACY, TRAIN_ACCURACY, TRAIN_LOSS, with_loss_units
from sgd_valleys.storage import hdf5

SERIES = ("train_loss", "train_accuracy", "test_accuracy")


def load(paths: dict[str, Any]) -> Arrays:
    """Read the plotted arrays from the files ``paths``."""
    ends = hdf5.read(paths["endpoints"], [*SERIES, "flatness"])
    return load_branches(paths, SERIES) | {f"final_{name}": array for name, array in ends.items()}


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-D."""
    with styled_figure(style, 5.4) as figure:
        (loss, train), (test, flat) = figure.subplots(2, 2)
        draw_branches(loss, "A", data, "train_loss", TRAIN_LOSS, settings, (0.46, 0.5, 0.52, 0.42), log=True, power=1)
        draw_branches(train, "B", data, "train_accuracy", TRAIN_ACCURACY, settings, (0.32, 0.26, 0.65, 0.5))
        draw_branches(test, "C", data, "test_accuracy", TEST_ACCURACY, settings, (0.32, 0.26, 0.65, 0.5))
        label_panel(flat, "D")
        draw_scatter(flat, data, "final_test_accuracy", "final_flatness", (np.nan,) * 3, settings)
        flat.set(xlabel=f"final {TEST_ACCURACY}", ylabel=with_loss_units("final $F$", data["loss_units"], -1))
    return figure
