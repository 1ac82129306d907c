"""Fig. C2: does the noise of minibatch gradients have the shape of the Hessian, and does the noise last?

Reads ``control``, the analysis of control C2.
"""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgd_valleys.figures.panels import read_loss_units
from sgd_valleys.figures.style import (
    INK,
    Arrays,
    colorbar,
    label_few_decades,
    label_panel,
    mark_empty,
    styled_figure,
)
from sgd_valleys.figures.symbols import TRAIN_LOSS, with_loss_units
from sgd_valleys.statistics.reduce import finite_mean
from sgd_valleys.storage import hdf5

TRACE_C = r"$\mathrm{Tr}\,C$"
TRACE_H = r"$\mathrm{Tr}\,H$"
ETA_T = r"$\eta\,t$"
EXPONENTS = {  # label of each exponent
    "eigenvector_exponent": r"$v^{\mathsf{T}}Cv \sim \lambda^p$",
    "hessian_trace_exponent": rf"{TRACE_C} $\sim$ ({TRACE_H})$^p$",
    "loss_exponent": rf"{TRACE_C} $\sim \mathcal{{L}}^p$",
}
NO_FINITE_RUN = "no finite run"
TIMES = 5  # number of times of the first run in panel C


def load(paths: dict[str, Any]) -> Arrays:
    """Read the analysis, and the unit of the loss."""
    return hdf5.read(paths["control"]) | read_loss_units(paths["control"], "loss")


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A to H."""
    data = data | {"eta_t": data["cell_eta"] * data["iteration"]}
    with styled_figure(style, 4.1) as figure:
        panels = figure.subplots(2, 4)
        (first, second, third, fourth), (fifth, sixth, seventh, last) = panels
        _draw_power_law(first, "A", data, "loss", TRAIN_LOSS, settings, slopes=(1, 2))
        _draw_power_law(second, "B", data, "hessian_trace", TRACE_H, settings, slopes=(1,))
        _draw_eigenvectors(third, data, settings)
        _draw_exponents(fourth, data, settings)
        _draw_along(fifth, "E", data, {"eigenvector_slope": "exponent $p$"}, settings, nulls=(1, 2))
        _draw_overlap(sixth, data, settings)
        _draw_prediction(seventh, data, settings)
        _draw_decay(last, data, settings)
    return figure


def _draw_power_law(
    axes: Axes, letter: str, data: Arrays, name: str, symbol: str, settings: dict, slopes: tuple[int, ...]
) -> None:
    """Draw Tr C against another quantity along every run, with the slope of each hypothesis."""
    label_panel(axes, letter)
    x, y = data[name], data["covariance_trace"]
    if not np.isfinite(y).any():
        mark_empty(axes, NO_FINITE_RUN)
        return
    axes.plot(x.T, y.T, color=settings["color"], linewidth=0.5, alpha=0.7)
    axes.plot(x[:, -1], y[:, -1], "o", color=settings["color"], markersize=2.5)
    for k in np.flatnonzero(np.isfinite(data["freezing_time"])):
        at = np.searchsorted(data["iteration"], data["freezing_time"][k])
        axes.plot(x[k, at], y[k, at], "o", color=settings["color"], markerfacecolor="white", markersize=2.8, zorder=3)
    units = data["loss_units"]
    axes.set(xscale="log", yscale="log", xlabel=with_loss_units(symbol, units))
    axes.set_ylabel(with_loss_units(TRACE_C, units, 2))
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    _draw_slopes(axes, float(finite_mean(x[:, -1])), float(finite_mean(y[:, -1])), slopes)
    low, high = axes.get_xlim()
    if high < 30 * low:
        label_few_decades(axes.xaxis)


def _draw_slopes(axes: Axes, x: float, y: float, slopes: tuple[int, ...]) -> None:
    """Draw lines of the given slopes through a point of a doubly logarithmic panel, with labels above the panel."""
    ends = np.array(axes.get_xlim())
    for p, line in zip(slopes, ("--", ":"), strict=False):
        axes.plot(ends, y * (ends / x) ** p, line, color=INK, linewidth=0.8, label=f"$p$ = {p}")
    axes.legend(loc="lower right", bbox_to_anchor=(1.02, 1.0), ncols=len(slopes), columnspacing=0.8, borderaxespad=0.1)


def _draw_eigenvectors(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw v^T C v against lambda at some times of the first run, with the slopes 1 and 2 at the last time."""
    label_panel(axes, "C")
    if not np.isfinite(data["eigenvector_noise"][0]).any():
        mark_empty(axes, NO_FINITE_RUN)
        return
    times = np.unique(np.linspace(0, len(data["eta_t"]) - 1, TIMES).astype(int))
    norm = mpl.colors.Normalize(0, data["eta_t"][-1])
    colors = mpl.colormaps[settings["time_colormap"]]
    for at in times:
        curvature, noise = data["eigenvalue"][0, at], data["eigenvector_noise"][0, at]
        axes.plot(curvature, noise, "o", color=colors(norm(data["eta_t"][at])), markersize=2.2)
    units = data["loss_units"]
    axes.set(xscale="log", yscale="log", xlabel=with_loss_units(r"$\lambda$", units))
    axes.set_ylabel(with_loss_units(r"$v^{\mathsf{T}}Cv$", units, 2))
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    last = data["eigenvalue"][0, -1], data["eigenvector_noise"][0, -1]
    positive = (last[0] > 0) & (last[1] > 0)
    if positive.any():
        x, y = (float(np.exp(np.log(each[positive]).mean())) for each in last)
        _draw_slopes(axes, x, y, (1, 2))
    colorbar(axes, mpl.cm.ScalarMappable(norm, colors), ETA_T)


def _draw_exponents(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw the exponents before and after t_freeze with their intervals over runs; the hypotheses are 0, 1 and 2."""
    label_panel(axes, "D")
    for null, line in ((0, "-"), (1, "--"), (2, ":")):
        axes.axvline(null, color=INK, linestyle=line, linewidth=0.8)
    phases = {1: (r"$t < t_{\mathrm{freeze}}$", "second_color"), 2: (r"$t \geq t_{\mathrm{freeze}}$", "color")}
    for phase, (label, key) in phases.items():
        at = np.arange(len(EXPONENTS)) + 0.3 * (phase - 1.5)
        value, low, high = np.array([data[name][phase] for name in EXPONENTS]).T
        axes.hlines(at, low, high, color=settings[key], linewidth=1.2)
        axes.plot(value, at, "o", color=settings[key], markersize=3, label=label)
    axes.set(xlabel="exponent $p$", ylim=(len(EXPONENTS) - 0.5, -0.5))
    axes.set_yticks(range(len(EXPONENTS)), EXPONENTS.values())
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.02, 1.0), ncols=2, columnspacing=0.8, handletextpad=0.1, borderaxespad=0.1
    )


def _draw_along(
    axes: Axes, letter: str, data: Arrays, names: dict[str, str], settings: dict, nulls: tuple[int, ...]
) -> None:
    """Draw measures along every run, with their mean over runs and a horizontal line for each null."""
    label_panel(axes, letter)
    for null, line in zip(nulls, ("--", ":"), strict=False):
        axes.axhline(null, color=INK, linestyle=line, linewidth=0.8)
    for name, key in zip(names, ("color", "second_color"), strict=False):
        axes.plot(data["eta_t"], data[name].T, color=settings[key], linewidth=0.4, alpha=0.4)
        axes.plot(data["eta_t"], _mean(data[name]), color=settings[key], linewidth=1.2)
    _mark_freezing(axes, data)
    axes.set(xlabel=ETA_T, ylabel=next(iter(names.values())))


def _draw_overlap(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw the Frobenius cosine of C and H; the references are isotropic noise and 1."""
    _draw_along(axes, "F", data, {"overlap": "Frobenius cosine"}, settings, nulls=(1,))
    axes.plot(data["eta_t"], _mean(data["isotropic_overlap"]), ":", color=INK, linewidth=0.8)
    axes.set_ylim(0, 1.05)
    handles = [Line2D([], [], color=settings["color"]), Line2D([], [], color=INK, linestyle=":")]
    _name_above(axes, handles, ["$C$ and $H$", "isotropic and $H$"])


def _draw_prediction(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw the ratio of measured to predicted covariance of minibatch gradients; the null is 1."""
    names = {"trace_over_prediction": r"$C_m$ over $C_B$", "eigenvalue_over_prediction": ""}
    _draw_along(axes, "G", data, names, settings, nulls=(1,))
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.9), max(high, 1.1))  # a minimum range: nearly equal matrices appear equal
    handles = [Line2D([], [], color=settings[key]) for key in ("color", "second_color")]
    _name_above(axes, handles, ["trace", "largest eigenvalue"])


def _draw_decay(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw Tr C along every run, and write the share of Tr C at t_freeze that remains at the end."""
    label_panel(axes, "H")
    trace = data["covariance_trace"]
    if not np.isfinite(trace).any():
        mark_empty(axes, NO_FINITE_RUN)
        return
    axes.plot(data["eta_t"], trace.T, color=settings["color"], linewidth=0.6, alpha=0.7)
    _mark_freezing(axes, data)
    axes.set(yscale="log", xlabel=ETA_T, ylabel=with_loss_units(TRACE_C, data["loss_units"], 2))
    value, low, high = data["noise_left"]
    if np.isfinite(value):
        bounds = f" [{low:.2g}, {high:.2g}]" if np.isfinite(low) else ""
        text = f"share left at the end:\n{value:.2g}{bounds}"
        axes.annotate(text, (1.02, 1.02), xycoords="axes fraction", ha="right", va="bottom", color=INK)


def _mean(values: np.ndarray) -> np.ndarray:
    """Average (run, time) over the runs with finite values at all times; NaN without such a run."""
    finite = values[np.isfinite(values).all(axis=1)]
    return finite.mean(axis=0) if len(finite) else np.full(values.shape[1], np.nan)


def _mark_freezing(axes: Axes, data: Arrays) -> None:
    """Shade the range of eta t_freeze over the runs."""
    frozen = data["cell_eta"] * data["freezing_time"][np.isfinite(data["freezing_time"])]
    if frozen.size:
        axes.axvspan(frozen.min(), frozen.max(), color="0.85", linewidth=1, zorder=0)


def _name_above(axes: Axes, handles: list[Line2D], names: list[str]) -> None:
    """Draw the legend above the panel, where no curve crosses the legend."""
    axes.legend(handles, names, loc="lower right", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.1, labelspacing=0.1)
