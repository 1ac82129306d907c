"""Fig. C7: effects of the noise for each initialization and each set of training images.

Reads ``control``, the analysis of control C7.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures.panels import read_loss_units
from sgd_valleys.figures.style import INK, Arrays, label_panel, styled_figure
from sgd_valleys.figures.symbols import SIMILARITY, TEST_ACCURACY, TEST_LOSS, with_loss_units
from sgd_valleys.storage import hdf5

PANELS = {  # letter: quantity, symbol of its effect, null of the effect, power of the loss in the effect
    "A": ("flatness", r"$\langle F\rangle / F_{\mathrm{GD}}$", 1, 0),
    "B": ("eta_t_freeze", r"$\langle t_{\mathrm{freeze}}\rangle / t_{\mathrm{freeze, GD}}$", 1, 0),
    "C": ("similarity", rf"$\langle${SIMILARITY}$\rangle - 1$", 0, 0),
    "D": ("test_file_loss", rf"$\langle${TEST_LOSS}$\rangle -$ GD", 0, 1),
    "E": ("test_file_accuracy", rf"$\langle${TEST_ACCURACY}$\rangle -$ GD", 0, 0),
}
KINDS = {"initializations": "initialization_color", "images": "image_color"}


def load(paths: dict[str, Any]) -> Arrays:
    """Read the analysis and the unit of the loss."""
    return hdf5.read(paths["control"]) | read_loss_units(paths["control"], "test_file_loss_noisy")


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A to F."""
    with styled_figure(style, 4.4) as figure:
        *panels, last = figure.subplots(2, 3).ravel()
        for axes, letter in zip(panels, PANELS, strict=True):
            _draw_effects(axes, letter, data, settings)
        _draw_spread(last, data, settings)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), borderaxespad=0.2)
    return figure


def _draw_effects(axes: Axes, letter: str, data: Arrays, settings: dict) -> None:
    """Draw the effect of the noise in every group at every learning rate, with mean and interval over groups."""
    name, symbol, null, power = PANELS[letter]
    label_panel(axes, letter)
    axes.axhline(null, color=INK, linewidth=0.6, linestyle="--", label="no effect of the noise")
    is_start = data["group_of_initializations"] == 1
    for side, ((kind, color), members) in enumerate(zip(KINDS.items(), (is_start, ~is_start), strict=True)):
        at = np.arange(len(data["eta"])) + (side - 0.5) * 0.36
        own = data[f"{name}_effect"][:, members]
        shift = np.linspace(-0.1, 0.1, own.shape[1]) if own.shape[1] > 1 else np.zeros(own.shape[1])
        axes.plot((at[:, None] + shift).ravel(), own.ravel(), "o", markersize=2, alpha=0.6, color=settings[color])
        low, high = data[f"{name}_effect_{kind}_interval"]
        axes.vlines(at, low, high, color=settings[color], linewidth=1.6)
        axes.plot(at, data[f"{name}_effect_{kind}"], "_", markersize=9, color=settings[color], label=f"other {kind}")
    axes.set_xticks(range(len(data["eta"])), [f"{eta:g}" for eta in data["eta"]])
    axes.set(xlabel=r"$\eta$", ylabel=with_loss_units(symbol, data["loss_units"], power))
    axes.margins(x=0.15)


def _draw_spread(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw the spread of F between groups against the spread of runs within a group."""
    label_panel(axes, "F")
    at = np.arange(len(data["eta"]))
    for side, (kind, color) in enumerate(KINDS.items()):
        for k, (part, filled) in enumerate((("between", True), ("within", False))):
            x = at + (2 * side + k - 1.5) * 0.2
            face = settings[color] if filled else "none"
            heights = data[f"flatness_{part}_{kind}"]
            axes.bar(x, heights, 0.17, facecolor=face, edgecolor=settings[color], linewidth=0.8)
    for face, text in ((INK, "between groups"), ("none", "runs within one")):
        axes.bar(np.nan, np.nan, facecolor=face, edgecolor=INK, linewidth=0.8, label=text)
    axes.set_xticks(at, [f"{eta:g}" for eta in data["eta"]])
    axes.set(xlabel=r"$\eta$", ylabel=with_loss_units("standard deviation of $F$", data["loss_units"], -1))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2, columnspacing=1)
