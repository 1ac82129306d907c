"""Fig. C4: the effect of the noise on flatness, at equal training loss and by every measure of flatness.

Reads ``control``, the analysis of control C4. Every estimate has three rows: the value and the bounds of its interval.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgd_valleys.figures.panels import read_loss_units
from sgd_valleys.figures.style import INK, Arrays, label_few_decades, label_panel, mark_empty, styled_figure
from sgd_valleys.figures.symbols import FLATNESS, TRAIN_LOSS, with_loss_units
from sgd_valleys.storage import hdf5

COLUMNS = {  # array of correlations: quantity that is correlated with flatness
    "noise_correlation": "noise at\nfixed $\\eta$",
    "within_correlation": "test loss\nin a cell",
    "between_correlation": "test loss\nof cells",
}
INVARIANCES = ("changed by rescaling", "invariant: layers", "invariant: layers and units")
NO_CROSSING = "no run with curvature\nalong training crosses"


def load(paths: dict[str, Any]) -> Arrays:
    """Read the analysis, and the unit of the loss."""
    return hdf5.read(paths["control"]) | read_loss_units(paths["control"], "level")


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-C and, to their right, panels D-F."""
    with styled_figure(style, 1.8 + max(3.6, 0.19 * len(data["measure"]))) as figure:
        left, right = figure.add_gridspec(1, 2, width_ratios=[0.9, 1.2])
        level, ratio, share = left.subgridspec(3, 1).subplots(sharex=True)
        _draw_levels(level, "A", data, "level_flatness", settings)
        level.set_ylabel(with_loss_units(f"{FLATNESS} at equal loss", data["loss_units"], -1))
        _draw_levels(ratio, "B", data, "level_ratio", settings)
        ratio.set_ylabel(f"{FLATNESS} over that of GD")
        ratio.axhline(1, color=INK, linewidth=0.6, linestyle="--")
        level.legend(title=f"at {TRAIN_LOSS} =", loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.2)
        _draw_share(share, data, settings)
        columns = right.subgridspec(1, 3).subplots(sharey=True)
        for axes, letter, (name, title) in zip(columns, "DEF", COLUMNS.items(), strict=True):
            _draw_column(axes, letter, data, name, title, settings["invariance_colors"])
        columns[0].set_yticks(range(len(data["measure"])), [_label(each.decode()) for each in data["measure"]])
        columns[1].set_xlabel("rank correlation")
        handles = [
            Line2D([], [], linestyle="", marker="o", color=color, label=label)
            for color, label in zip(settings["invariance_colors"], INVARIANCES, strict=True)
        ]
        figure.legend(handles=handles, loc="outside lower right", ncols=3, borderaxespad=0.2)
    return figure


def _label(name: str) -> str:
    """Return the label of a measure such as flatness_9."""
    words = name.replace("_", " ").replace("hessian", "Hessian").replace("fisher rao", "Fisher-Rao")
    return f"{FLATNESS}, N = {words.split()[1]}" if words.split()[-1].isdigit() else words


def _positions(data: Mapping[str, Any]) -> np.ndarray:
    """Return the position of each B, with a gap beside gradient descent, the control without noise."""
    return np.arange(len(data["B"])) + 0.6 * data["gradient_descent"]


def _draw_estimates(axes: Axes, data: Arrays, values: np.ndarray, **options: Any) -> None:
    """Draw values (estimate, B) with their intervals; a line joins the values with noise."""
    at, noisy = _positions(data), data["gradient_descent"] == 0
    color = options["color"]
    axes.vlines(at, *values[1:], color=color, linewidth=0.8)
    axes.plot(at[noisy], values[0, noisy], "o-", linewidth=0.8, **options)
    axes.plot(at[~noisy], values[0, ~noisy], "o", color=color, markerfacecolor="white", markeredgewidth=0.8)


def _draw_levels(axes: Axes, letter: str, data: Arrays, name: str, settings: dict) -> None:
    """Draw an array (estimate, B, level) against B, one line for each level."""
    label_panel(axes, letter, rf"$\eta$ = {data['eta']:g}" if letter == "A" else "")
    colors = mpl.colormaps[settings["level_colormap"]](np.linspace(0, 0.85, len(data["level"])))
    for k, (level, color) in enumerate(zip(data["level"], colors, strict=True)):
        label = with_loss_units(f"{level:g}", data["loss_units"]).replace("(", "").replace(")", "")
        _draw_estimates(axes, data, data[name][..., k], color=color, label=label)
    if not np.isfinite(data[name][0]).any():
        mark_empty(axes, NO_CROSSING, ticks=True)
        return
    axes.set_yscale("log")
    label_few_decades(axes.yaxis)


def _draw_share(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw F at t_freeze as a share of F at the end, against B."""
    label_panel(axes, "C")
    axes.axhline(1, color=INK, linewidth=0.6, linestyle="--")
    _draw_estimates(axes, data, data["freezing_share"], color=INK)
    axes.set(ylim=(0, 1.08), xlabel="$B$", ylabel=f"share of final {FLATNESS}\nat $t_{{\\mathrm{{freeze}}}}$")
    labels = [f"{B}\nGD" if descent else str(B) for B, descent in zip(data["B"], data["gradient_descent"], strict=True)]
    axes.set_xticks(_positions(data), labels)


def _draw_column(axes: Axes, letter: str, data: Arrays, name: str, title: str, colors: list[str]) -> None:
    """Draw one correlation of every measure with its interval; points are filled if the interval excludes 0."""
    label_panel(axes, letter, title)
    axes.axvline(0, color=INK, linewidth=0.6)
    at = np.arange(len(data["measure"]))
    value, low, high = data[name].T
    for kind, color in enumerate(colors):
        chosen = data["invariance"] == kind
        clear = chosen & ((low > 0) | (high < 0))
        axes.hlines(at[chosen], low[chosen], high[chosen], color=color, linewidth=0.9)
        marker = {"linestyle": "", "marker": "o", "color": color, "markersize": 2.6, "markeredgewidth": 0.7}
        axes.plot(value[chosen], at[chosen], **marker, markerfacecolor="white")
        axes.plot(value[clear], at[clear], **marker)
    axes.set(xlim=(-1.08, 1.08), ylim=(len(at) - 0.5, -0.5), xticks=[-1, 0, 1])
    axes.grid(axis="y", color="0.92", linewidth=0.4)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
