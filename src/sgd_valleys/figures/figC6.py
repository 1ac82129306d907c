"""Fig. C6: the freezing time by continuation and by loss, and the maps of Fig. 2 in the paper's revision.

Reads ``control``, the analysis of control C6.
"""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from sgd_valleys.figures.style import INK, Arrays, Quantity, draw_matrix, label_panel, styled_figure
from sgd_valleys.figures.symbols import FLATNESS, FREEZING, SIMILARITY, TEST_ACCURACY, with_loss_units
from sgd_valleys.storage import hdf5

T_F = r"$\eta\,\langle t_{\mathrm{f}}\rangle$"
MAPS = {  # letter: array and its quantity
    "A": ("eta_t_f", Quantity(T_F, missing="no continued run that freezes")),
    "B": ("eta_t_freeze", Quantity(FREEZING, missing="no continued run that freezes")),
    "C": ("spread", Quantity(r"$r_\theta$, layer ", log=True)),
    "D": ("mean_flatness", Quantity(rf"$\langle${FLATNESS}$\rangle$", loss_power=-1)),
    "E": ("max_test_accuracy", Quantity(f"max({TEST_ACCURACY})", levels=True)),
    "F": ("mean_test_accuracy", Quantity(rf"$\langle${TEST_ACCURACY}$\rangle$")),
}
ROWS = {  # array: label of its numbers
    "within": "rank correlation within cells",
    "ratio": r"$\langle t_{\mathrm{f}}\rangle\,/\,\langle t_{\mathrm{freeze}}\rangle$",
    "trend": r"rank correlation with 1/$B$ at fixed $\eta$",
}


def load(paths: dict[str, Any]) -> Arrays:
    """Read the analysis, the number of the studied layer and the unit of the loss."""
    data = hdf5.read(paths["control"])
    layer = hdf5.read_attributes(paths["control"])["parameters"]["layer"]
    units = hdf5.describe(paths["control"])["mean_flatness"].units
    return data | {"layer": np.array(layer), "loss_units": np.array(units.removeprefix("1/") or "1")}


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A to L."""
    with styled_figure(style, 8.6) as figure:
        rows = figure.add_gridspec(4, 1)
        grids = [row.subgridspec(1, 3).subplots() for row in rows]  # a grid for each row has its own label space
        panels = dict(zip("ABCDEFGHIJKL", np.concatenate(grids), strict=True))
        for letter in MAPS:
            _draw_map(panels[letter], letter, data, settings["colormap"])
        colors = mpl.colormaps[settings["eta_colormap"]](np.linspace(0, 0.9, len(data["eta"])))
        _draw_against_noise(panels["G"], data, colors)
        _draw_cells(panels["H"], data, colors)
        _draw_within(panels["I"], data, colors)
        for letter, name in zip("JKL", ROWS, strict=True):
            _draw_rows(panels[letter], letter, data, name, settings["color"])
        names = [*_criteria(data), r"$t_{\mathrm{freeze}}$"]
        panels["J"].set_yticks(range(len(names)), names)
        handles, labels = panels["H"].get_legend_handles_labels()
        figure.legend(handles, labels, title=r"G-I: $\eta$", loc="outside lower left", ncols=len(labels))
    return figure


def _draw_map(axes: Axes, letter: str, data: Arrays, colormap: str) -> None:
    """Draw a map over (eta, B); cells without a converged run, or without a value, are grey or hatched."""
    label_panel(axes, letter)
    name, quantity = MAPS[letter]
    symbol = with_loss_units(quantity.symbol, data["loss_units"], quantity.loss_power)
    symbol += str(data["layer"]) if name == "spread" else ""
    x, y = (r"$\eta$", [f"{eta:g}" for eta in data["eta"]]), ("$B$", [str(B) for B in data["B"]])
    shown = Quantity(symbol, quantity.log, missing=quantity.missing, levels=quantity.levels)
    times = name in ("eta_t_f", "eta_t_freeze")
    converged = data["frozen"] >= 0 if times else data["converged"] > 0
    draw_matrix(axes, data[name], x, y, shown, colormap, converged)


def _draw_against_noise(axes: Axes, data: Arrays, colors: np.ndarray) -> None:
    """Draw eta t_f of each run, and the mean over each cell, against the batch size."""
    label_panel(axes, "G")
    for eta, color, mean in zip(data["eta"], colors, data["eta_t_f"], strict=True):
        own = data["run_eta"] == eta
        axes.plot(data["run_B"][own], data["run_eta_t_f"][own, 0], "o", color=color, markersize=1.5, alpha=0.6)
        axes.plot(data["B"], mean, color=color)
    axes.set(xscale="log", xlabel="$B$ (noise falls to the right)", ylabel=r"$\eta\,t_{\mathrm{f}}$", ylim=(0, None))
    axes.set_xticks(data["B"][::2], [str(B) for B in data["B"][::2]])
    axes.xaxis.set_minor_formatter(NullFormatter())


def _draw_cells(axes: Axes, data: Arrays, colors: np.ndarray) -> None:
    """Draw the mean freezing time of each cell, by continuation against by loss; on the line, both times are equal."""
    label_panel(axes, "H")
    for eta, color, x, y in zip(data["eta"], colors, data["eta_t_freeze"], data["eta_t_f"], strict=True):
        axes.plot(x, y, "o", color=color, label=f"{eta:g}")
    found = np.concatenate([data[name][np.isfinite(data[name])] for name in ("eta_t_f", "eta_t_freeze")])
    top = 1.05 * found.max(initial=1)
    axes.plot([0, top], [0, top], color=INK, linewidth=0.6, zorder=0)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel=FREEZING, ylabel=T_F)


def _draw_within(axes: Axes, data: Arrays, colors: np.ndarray) -> None:
    """Draw both freezing times of each run relative to the mean of its cell, and the line of equal values."""
    label_panel(axes, "I")
    for i, eta in enumerate(data["eta"]):
        for j, B in enumerate(data["B"]):
            own = (data["run_eta"] == eta) & (data["run_B"] == B)
            x = data["run_eta_t_freeze"][own] - data["eta_t_freeze"][i, j]
            y = data["run_eta_t_f"][own, 0] - data["eta_t_f"][i, j]
            axes.plot(x, y, "o", color=colors[i], markersize=2)
    axes.axline((0, 0), slope=1, color=INK, linewidth=0.6, zorder=0)
    axes.axhline(0, color=INK, linewidth=0.6, linestyle="--", zorder=0)
    axes.set(xlabel=r"$\eta\,(t_{\mathrm{freeze}} - \langle t_{\mathrm{freeze}}\rangle)$")
    axes.set(ylabel=r"$\eta\,(t_{\mathrm{f}} - \langle t_{\mathrm{f}}\rangle)$")


def _criteria(data: Arrays) -> list[str]:
    """Return the labels of the criteria of the same basin."""
    return [
        f"{SIMILARITY if similar else 'agreement'} $\\geq$ {threshold:g}"
        for similar, threshold in zip(data["is_similarity"], data["threshold"], strict=True)
    ]


def _draw_rows(axes: Axes, letter: str, data: Arrays, name: str, color: str) -> None:
    """Draw an estimate by each criterion in its own row, with its interval and its null."""
    label_panel(axes, letter)
    at, rows = np.arange(len(data[name])), len(data["threshold"]) + 1  # the last row is that of t_freeze
    axes.axvline(1 if name == "ratio" else 0, color=INK, linewidth=0.6, linestyle="--")
    if f"{name}_null" in data:
        axes.hlines(at, *data[f"{name}_null"], color="0.8", linewidth=6)
        axes.set_xlim(-1.05, 1.05)
    axes.hlines(at, *data[f"{name}_interval"], color=color, linewidth=1.2)
    axes.plot(data[name], at, "o", color=color)
    axes.set(xlabel=ROWS[name], ylim=(rows - 0.5, -0.5))
    axes.set_yticks(range(rows), [""] * rows)
    if name == "ratio":
        left, right = axes.get_xlim()
        axes.set_xlim(left, right + 0.45 * (right - left))  # space for the shares
        for row, share in zip(at, data["frozen_share"], strict=True):
            at_right = {"xycoords": axes.get_yaxis_transform(), "ha": "right", "color": INK}
            axes.annotate(f"{share:.0%} freeze", (0.99, row - 0.2), **at_right)
