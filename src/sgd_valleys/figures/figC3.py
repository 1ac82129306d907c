"""Fig. C3: the effect of each property of the noise, in arms of one cell that differ only in their noise.

Reads ``control``, the analysis of control C3.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures.panels import read_loss_units
from sgd_valleys.figures.style import INK, Arrays, label_panel, styled_figure
from sgd_valleys.figures.symbols import (
    FREEZING,
    ITERATION,
    SIMILARITY,
    TEST_ACCURACY,
    TEST_LOSS,
    TRAIN_LOSS,
    with_loss_units,
)
from sgd_valleys.storage import hdf5

PANELS = {  # letter: quantity, its symbol, and the power of the loss in it
    "A": ("flatness", r"$\langle F\rangle$", -1),
    "B": ("eta_t_freeze", FREEZING, 0),
    "C": ("similarity", rf"$\langle${SIMILARITY}$\rangle$", 0),
    "D": ("train_loss", rf"$\langle${TRAIN_LOSS}$\rangle$", 1),
    "E": ("test_file_loss", rf"$\langle${TEST_LOSS}$\rangle$", 1),
    "F": ("test_file_accuracy", rf"$\langle${TEST_ACCURACY}$\rangle$", 0),
}


def load(paths: dict[str, Any]) -> Arrays:
    """Read the analysis, the names of the arms and the unit of the loss."""
    data = hdf5.read(paths["control"])
    parameters = hdf5.read_attributes(paths["control"])["parameters"]
    return data | read_loss_units(paths["control"], "train_loss") | {"arms": np.array(parameters["experiments"])}


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A to F, and G where the noise is measured."""
    with styled_figure(style, 2.4 + 0.22 * len(data["arms"]) + 1.3 * ("relative_power" in data)) as figure:
        rows = 3 if "relative_power" in data else 2
        heights = [1, 1] + [0.35] * (rows - 2)
        grid = figure.add_gridspec(rows, 3, height_ratios=heights)
        for place, letter in enumerate(PANELS):
            axes = figure.add_subplot(grid[place // 3, place % 3])
            draw_arms(axes, letter, data, *PANELS[letter], settings, names=place % 3 == 0)
        if rows == 3:
            _draw_power(figure.add_subplot(grid[2, :]), data, settings)
    return figure


def draw_arms(
    axes: Axes, letter: str, data: Arrays, name: str, symbol: str, power: int, settings: dict, *, names: bool
) -> None:
    """Draw the mean of every arm with its interval; lines show the reference and the arm without noise.

    Args:
        axes: axes of the panel.
        letter: letter of the panel.
        data: arrays of the control.
        name: name of the quantity in ``data``.
        symbol: label of the quantity.
        power: power of the loss in the quantity.
        settings: settings of the figure.
        names: whether the panel shows the names of the arms.
    """
    label_panel(axes, letter)
    at, quiet = np.arange(len(data["arms"])), data["deterministic"] == 1
    axes.axvline(data[name][0], color=settings["reference_color"], linewidth=0.6)
    for value in data[name][quiet]:
        axes.axvline(value, color=INK, linewidth=0.6, linestyle="--")
    axes.hlines(at, *data[f"{name}_interval"], color=settings["color"], linewidth=1.2)
    axes.plot(data[name][~quiet], at[~quiet], "o", color=settings["color"])
    axes.plot(data[name][quiet], at[quiet], "o", color=settings["color"], markerfacecolor="white")
    axes.set(xlabel=with_loss_units(symbol, data["loss_units"], power), ylim=(at[-1] + 0.5, -0.5))
    labels = [arm.replace("_", " ") for arm in data["arms"]] if names else []
    axes.set_yticks(at, labels if names else [""] * len(at))


def _draw_power(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw the power of minibatch noise along the curvature relative to isotropic noise of equal trace."""
    label_panel(axes, "G")
    axes.axhline(1, color=INK, linewidth=0.6, linestyle="--")
    axes.plot(data["iteration"], data["relative_power"], color=settings["reference_color"])
    axes.set(yscale="log", xlabel=ITERATION, ylabel="Tr(HC) over that\nof isotropic noise")
