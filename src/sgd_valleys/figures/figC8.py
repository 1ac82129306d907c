"""Fig. C8: effects of schedules against the time at which the noise or the learning rate is switched.

Reads ``control``, the analysis of control C8.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures.panels import read_loss_units
from sgd_valleys.figures.style import INK, Arrays, label_panel, mark_empty, styled_figure
from sgd_valleys.figures.symbols import FREEZING, TEST_ACCURACY, TEST_LOSS, TRAIN_LOSS, with_loss_units
from sgd_valleys.storage import hdf5

PANELS = {  # letter: quantity, its symbol, and the power of the loss in it
    "A": ("flatness", r"$\langle F\rangle$", -1),
    "B": ("flatness_at_level", r"$\langle F\rangle$ at equal loss", -1),
    "C": ("test_file_loss", rf"$\langle${TEST_LOSS}$\rangle$", 1),
    "D": ("test_file_accuracy", rf"$\langle${TEST_ACCURACY}$\rangle$", 0),
    "E": ("train_loss", rf"$\langle${TRAIN_LOSS}$\rangle$", 1),
    "F": ("eta_t_freeze", FREEZING, 0),
}
KINDS = {  # kinds of schedules, by their number in the file
    1: "minibatches until the switch, then gradient descent",
    2: "gradient descent until the switch, then minibatches",
    3: r"minibatches, $\eta/10$ from the switch on",
}


def load(paths: dict[str, Any]) -> Arrays:
    """Read the analysis and the unit of the loss."""
    return hdf5.read(paths["control"]) | read_loss_units(paths["control"], "train_loss")


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A to F."""
    with styled_figure(style, 4.4) as figure:
        panels = figure.subplots(2, 3).ravel()
        for axes, letter in zip(panels, PANELS, strict=True):
            _draw_panel(axes, letter, data, settings)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, borderaxespad=0.2)
    return figure


def _draw_panel(axes: Axes, letter: str, data: Arrays, settings: dict) -> None:
    """Draw a quantity against the switch time, one line for each kind; bands are the arms without a switch."""
    name, symbol, power = PANELS[letter]
    label_panel(axes, letter)
    if name == "flatness_at_level" and not np.isfinite(data["level"]):
        mark_empty(axes, "no run with\nF along training")
        return
    values, (low, high) = data[name], data[f"{name}_interval"]
    axes.axhline(values[0], color=settings["reference_color"], linewidth=0.8, label="minibatches throughout")
    if np.isfinite(low[0]):
        axes.axhspan(low[0], high[0], color=settings["reference_color"], alpha=0.15, linewidth=0)
    for k in np.flatnonzero(data["deterministic"] == 1)[:1]:
        axes.axhline(values[k], color=INK, linewidth=0.8, linestyle="--", label="gradient descent throughout")
    for (kind, text), color in zip(KINDS.items(), settings["kind_colors"], strict=False):
        chosen = np.flatnonzero(data["kind"] == kind)
        chosen = chosen[np.argsort(data["switch"][chosen])]
        if len(chosen):
            x = data["switch"][chosen]
            axes.vlines(x, low[chosen], high[chosen], color=color, linewidth=1.2)
            axes.plot(x, values[chosen], "o-", color=color, linewidth=0.8, label=text)
    axes.set(xlabel="switch, share of $T$", xlim=(0, None))
    axes.set_ylabel(with_loss_units(symbol, data["loss_units"], power))
    if name == "flatness_at_level":
        axes.set_title(with_loss_units(f"{TRAIN_LOSS} = {data['level']:.2g}", data["loss_units"]))
