"""Fig. C1: is an effect one of the learning rate or of the noise?

Reads ``control``, the analysis of control C1.
"""

from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from sgd_valleys.figures.panels import read_loss_units
from sgd_valleys.figures.style import INK, Arrays, label_few_decades, label_panel, mark_empty, styled_figure
from sgd_valleys.figures.symbols import FLATNESS, TEST_LOSS, with_loss_units
from sgd_valleys.storage import hdf5

RATIO = r"$F(\eta, B)/F(\eta, \mathrm{GD})$"
NOISE = r"noise $\eta\,(1/B - 1/M)$"
QUANTITIES = (FLATNESS, r"$\eta\,t_{\mathrm{freeze}}$", f"test file\n{TEST_LOSS}")  # in the order of the control's file
ALONG = {  # titles, by letter
    "E": (r"$\lambda_{\max}$, gradient descent", "sharpness"),
    "F": (r"$\lambda_{\max}$, SGD", "sharpness"),
    "G": ("batch sharpness, SGD", "batch_sharpness"),
}
LINES = ("-", "--", ":", "-.")  # line styles of the batch sizes along training


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read the analysis, and the unit of the loss in the flatness."""
    return hdf5.read(paths["control"]) | read_loss_units(paths["control"], "test_file_loss")


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A to H."""
    colors = _palette(settings["eta_colormap"], data["eta"])
    with styled_figure(style, 4.4) as figure:
        (first, second, third, fourth), (*along, last) = figure.subplots(2, 4)
        _draw_ratio(first, data, colors)
        _draw_rates(second, data, settings)
        _draw_exponents(third, data, settings)
        _draw_stability(fourth, data, colors)
        for axes, letter in zip(along, ALONG, strict=True):
            _draw_along(axes, letter, data, colors)
        _draw_spread(last, data)
        handles = [Line2D([], [], color=color, marker="o", label=f"{eta:g}") for eta, color in colors.items()]
        options = {"columnspacing": 0.9, "borderaxespad": 0.2, "handletextpad": 0.4, "alignment": "left"}
        figure.legend(handles=handles, title=r"$\eta$ (A, D to G)", loc="outside lower left", ncols=7, **options)
        lines = [Line2D([], [], color=INK, linestyle=line, label=f"{data['B'][j]}") for j, line in _lines(data).items()]
        if lines:
            figure.legend(handles=lines, title="$B$ (F, G)", loc="outside lower center", ncols=len(lines), **options)
        palette = _palette(settings["B_colormap"], data["B"][~_is_descent(data)])
        sizes = [Line2D([], [], color=color, marker="o", label=f"{B}") for B, color in palette.items()]
        sizes.append(Line2D([], [], color="black", marker="s", label="GD"))
        figure.legend(handles=sizes, title="$B$ (B)", loc="outside lower right", ncols=len(sizes), **options)
    return figure


def _is_descent(data: Arrays) -> np.ndarray:
    return data["gradient_descent"].astype(bool)


def _palette(colormap: str, values: np.ndarray) -> dict[float, Any]:
    """Return a colour for each value, without the lightest colours of the map."""
    return dict(zip(values.tolist(), mpl.colormaps[colormap](np.linspace(0, 0.88, len(values))), strict=True))


def _draw_ratio(axes: Axes, data: Arrays, colors: dict[float, Any]) -> None:
    """Draw F relative to F of gradient descent at the same eta against the noise; the null is 1."""
    label_panel(axes, "A")
    axes.axhline(1, color=INK, linestyle="--", linewidth=0.8)
    for i, color in enumerate(colors.values()):
        noise, ratio = data["noise"][i], data["flatness_ratio"][i]
        axes.vlines(noise, *data["flatness_ratio_interval"][:, i], color=color, linewidth=0.8)
        axes.plot(noise[noise > 0], ratio[noise > 0], "o-", color=color, linewidth=0.6, markersize=2.5)
    axes.set(xscale="log", yscale="log", xlabel=f"{NOISE} (1/sample)", ylabel=RATIO)
    axes.xaxis.set_minor_formatter(NullFormatter())  # labels of 2e-4, 3e-4, ... overlap within a decade
    _label_plainly(axes.yaxis)


def _draw_rates(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw F against eta, for gradient descent from every start and for each batch size of SGD."""
    label_panel(axes, "B")
    descent = _is_descent(data)
    palette = _palette(settings["B_colormap"], data["B"][~descent])
    for color, values in zip(palette.values(), data["flatness"][:, ~descent].T, strict=True):
        axes.plot(data["eta"], values, "o-", color=color, linewidth=0.7, markersize=2.5)
    starts = data["descent_flatness"]
    if not np.isfinite([*data["flatness"].ravel(), *starts.ravel()]).any():
        mark_empty(axes)
        return
    if starts.shape[1]:
        axes.plot(data["eta"], starts, "s", color="0.55", markersize=1.8, zorder=3)
        axes.plot(data["eta"], starts[:, 0], "s-", color="black", linewidth=1.2, markersize=3, zorder=4)
    axes.set(xscale="log", yscale="log", xlabel=r"$\eta$", ylabel=with_loss_units(FLATNESS, data["loss_units"], -1))
    _label_plainly(axes.xaxis, axes.yaxis)


def _draw_exponents(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw the exponents of each quantity with eta and noise, and with eta for gradient descent; the null is 0."""
    label_panel(axes, "C")
    axes.axvline(0, color=INK, linestyle="--", linewidth=0.8)
    eta, noise = settings["eta_color"], settings["noise_color"]
    shown = (  # label, marker, value, interval, colour, and whether the marker is open
        ("noise, SGD", "o", data["exponent"][:, 1], data["exponent_interval"][:, :, 1], noise, False),
        (r"$\eta$, SGD", "o", data["exponent"][:, 0], data["exponent_interval"][:, :, 0], eta, False),
        (r"$\eta$, GD", "s", data["descent_exponent"][:, 0], data["descent_exponent_interval"][:, :, 0], eta, True),
    )
    for k, (label, marker, value, bounds, color, is_open) in enumerate(shown):
        at = np.arange(len(QUANTITIES)) + 0.22 * (k - 1)
        axes.hlines(at, bounds[:, 0], bounds[:, 1], color=color, linewidth=1.2)
        face = "white" if is_open else color
        axes.plot(value, at, marker, color=color, markerfacecolor=face, markersize=3.2, label=label)
    axes.set(xlabel="exponent", ylim=(len(QUANTITIES) - 0.5, -0.5))
    axes.set_yticks(range(len(QUANTITIES)), QUANTITIES)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.05, 1.0), ncols=2, columnspacing=0.8, handletextpad=0.2)


def _draw_stability(axes: Axes, data: Arrays, colors: dict[float, Any]) -> None:
    """Draw the ratio of F against the largest sharpness along training; there is no instability left of the edge."""
    label_panel(axes, "D")
    axes.axhline(1, color=INK, linestyle="--", linewidth=0.8)
    axes.axvline(1, color=INK, linestyle=":", linewidth=0.8)
    cells = _measured_cells(data)
    for (i, j), rows in cells.items():
        if _is_descent(data)[j]:
            continue
        x, color = max(data["sharpness"][row].max() for row in rows), colors[data["eta"][i]]
        axes.vlines(x, *data["flatness_ratio_interval"][:, i, j], color=color, linewidth=0.8)
        axes.plot(x, data["flatness_ratio"][i, j], "o", color=color, markersize=3.2)
    axes.set(xscale="log", yscale="log", xlabel=r"largest $\lambda_{\max}\,\eta/2$", ylabel=RATIO)
    _label_plainly(axes.xaxis, axes.yaxis)
    if not cells:
        mark_empty(axes, "no measured cell")


def _draw_along(axes: Axes, letter: str, data: Arrays, colors: dict[float, Any]) -> None:
    """Draw a sharpness divided by 2 / eta along training; the edge is 1."""
    title, name = ALONG[letter]
    label_panel(axes, letter, title)
    axes.axhline(1, color=INK, linestyle="--", linewidth=0.8)
    of_descent, cells, lines = letter == "E", _measured_cells(data), _lines(data)
    for (i, j), rows in cells.items():
        if _is_descent(data)[j] != of_descent:
            continue
        for row in rows:
            axes.plot(
                data["eta_t"][row], data[name][row], lines.get(j, "-"), color=colors[data["eta"][i]], linewidth=0.8
            )
    axes.set(yscale="log", xlabel=r"$\eta\,t$", ylabel=r"sharpness $\times\;\eta/2$")
    _label_plainly(axes.yaxis)
    if not any(_is_descent(data)[j] == of_descent for _, j in cells):
        mark_empty(axes, "no measured run")


def _draw_spread(axes: Axes, data: Arrays) -> None:
    """Draw the spread of ln F over displaced starts of gradient descent, and over SGD runs."""
    label_panel(axes, "H")
    eta, below = data["eta"], data["descent_stable"].astype(bool)
    sgd = data["run_spread"][:, ~_is_descent(data)]
    axes.plot(np.broadcast_to(eta[:, None], sgd.shape), sgd, ".", color="0.7", markersize=3)
    axes.vlines(eta, *data["start_spread_interval"], color="black", linewidth=0.8)
    for chosen, face in ((below, "black"), (~below, "white")):
        axes.plot(eta[chosen], data["start_spread"][chosen], "s", color="black", markerfacecolor=face, markersize=3.2)
    axes.set(xscale="log", xlabel=r"$\eta$", ylabel=r"s.d. of $\ln F$")
    _label_plainly(axes.xaxis)
    handles = [
        Line2D([], [], linestyle="", marker=marker, color=color, markerfacecolor=face, markersize=3.2)
        for marker, color, face in (("s", "black", "black"), ("s", "black", "white"), (".", "0.7", "0.7"))
    ]
    names = ("GD below edge", "GD, not below", "SGD runs")
    axes.legend(handles, names, loc="lower left", bbox_to_anchor=(0.08, 1.0), handletextpad=0.1)
    shown = np.concatenate([sgd.ravel(), data["start_spread"]])
    if (shown > 0).any():
        axes.set_yscale("log")


def _measured_cells(data: Arrays) -> dict[tuple[int, int], list[int]]:
    """Return the rows of the runs whose sharpness is measured, by their cell (i, j)."""
    found: dict[tuple[int, int], list[int]] = {}
    for row, (eta, B) in enumerate(zip(data.get("measured_eta", ()), data.get("measured_B", ()), strict=True)):
        place = np.flatnonzero(data["eta"] == eta)[0], np.flatnonzero(data["B"] == B)[0]
        found.setdefault((int(place[0]), int(place[1])), []).append(row)
    return found


def _lines(data: Arrays) -> dict[int, str]:
    """Return the line style of each measured batch size of SGD, by its position j."""
    sizes = sorted({j for _, j in _measured_cells(data) if not _is_descent(data)[j]})
    return dict(zip(sizes, cycle(LINES)))


def _label_plainly(*axes: Axis) -> None:
    """Label logarithmic axes of less than 1.5 decades with plain numbers."""
    for axis in axes:
        low, high = axis.get_view_interval()
        if high < 30 * low:
            label_few_decades(axis)
