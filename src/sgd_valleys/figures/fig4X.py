"""Fig. 4X: Fig. 4 over all realizations of the SGD run's cell.

Reads ``statistics``. Bands and brackets are central 95% intervals of means and medians over realizations. The file
has no intervals for few realizations.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sgd_valleys.figures import panels
from sgd_valleys.figures.branches import NO_BRANCH, T_C
from sgd_valleys.figures.style import INK, Arrays, format_interval, label_panel, mark_empty, styled_figure
from sgd_valleys.figures.symbols import SIMILARITY, TEST_LOSS, with_loss_units
from sgd_valleys.storage import hdf5

Sets = dict[str, tuple[str, str]]  # colour and label of a test set, by the name of the loss on it
FREEZE = r"$t_{\mathrm{freeze}}$"


def load(paths: dict[str, Any]) -> Arrays:
    """Read all arrays and the unit of the loss from the files ``paths``."""
    return hdf5.read(paths["statistics"]) | panels.read_loss_units(paths["statistics"], "test_loss")


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-F."""
    color = settings["color"]
    sets = {"test_loss": (color, "test set"), "test_file_loss": (settings["test_file_color"], "whole test file")}
    with styled_figure(style, 4.4) as figure:
        (lines, cloud, similarity), (flatness, loss, freezing) = figure.subplots(2, 3)
        _draw_lines(lines, data, sets)
        _draw_cloud(cloud, data, sets)
        label_panel(similarity, "C", "\n")
        _draw_runs(similarity, data, "similarity_to_last", f"final {SIMILARITY} to the last branch", color)
        _mark_freezing(similarity, data)
        label_panel(flatness, "D")
        _draw_runs(flatness, data, "flatness", with_loss_units("final $F$", data["loss_units"], -1), color)
        _mark_freezing(flatness, data)
        label_panel(loss, "E")
        for name, (shade, label) in sets.items():
            _draw_mean(loss, data, name, shade, label)
        loss.set_ylabel(with_loss_units(rf"final $\langle${TEST_LOSS}$\rangle$", data["loss_units"]))
        loss.legend()
        _mark_freezing(loss, data)
        _draw_freezing(freezing, data, color)
    return figure


def _draw_lines(axes: Axes, data: Arrays, sets: Sets) -> None:
    """Draw slope and R^2 of Fig. 4D, one point for each realization, with the median R^2."""
    label_panel(axes, "A", "line of Fig. 4D, each realization\n")
    slope_label = with_loss_units(f"slope of $F$ against {TEST_LOSS}", data["loss_units"], -2)
    axes.set(xlabel=slope_label, ylabel="$R^2$", ylim=(0, 1.05))
    axes.set_yticks(np.linspace(0, 1, 6))
    shown = False
    for name, (color, label) in sets.items():
        slope, r_squared = data[f"{name}_slope"], data[f"{name}_r_squared"]
        if np.isfinite(slope).any():
            shown = True
            axes.plot(slope, r_squared, "o", color=color, label=label, markeredgewidth=0, alpha=0.8)
            axes.axhline(data[f"{name}_r_squared_median"], color=color, linewidth=0.7, linestyle="--")
    if not shown:
        mark_empty(axes, "no line")
        return
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderaxespad=0)


def _draw_cloud(axes: Axes, data: Arrays, sets: Sets) -> None:
    """Draw flatness against test loss of all branches, relative to the means of their realization."""
    less, units = "less its realization's mean", data["loss_units"]
    axes.set(xlabel=with_loss_units(f"{TEST_LOSS} {less}", units), ylabel=with_loss_units(f"$F$ {less}", units, -1))
    title = []
    for name, (color, label) in sets.items():
        slope, r_squared = (float(data[f"{name}_within_{kind}"]) for kind in ("slope", "r_squared"))
        usable = np.isfinite(data[name]) & np.isfinite(data["flatness"])
        if not usable.any() or not np.isfinite(slope):
            continue
        x, y = (_center(np.where(usable, data[each], np.nan)) for each in (name, "flatness"))
        axes.plot(x, y, "o", color=color, markersize=1.6, alpha=0.4, markeredgewidth=0, rasterized=True)
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, slope * ends, color=color, linewidth=1.0)
        interval = format_interval(data[f"{name}_within_r_squared_interval"])
        title.append(f"{label}: $R^2$ = {r_squared:.2f}{interval}")
    label_panel(axes, "B", "\n".join(title) or "\n")
    if not title:
        mark_empty(axes, "no line")


def _center(values: np.ndarray) -> np.ndarray:
    """Return the finite values (realization, branch) minus the mean of their realization, as a flat array."""
    used = values[np.isfinite(values).any(axis=1)]
    centered = used - np.nanmean(used, axis=1, keepdims=True)
    return centered[np.isfinite(centered)]


def _draw_runs(axes: Axes, data: Arrays, name: str, label: str, color: str) -> None:
    """Draw final values of the branches against t_c: every realization, their mean, and the interval of the mean."""
    axes.plot(data["t_c"], data[name].T, color="0.75", linewidth=0.4)
    _draw_mean(axes, data, name, color, None)
    axes.set_ylabel(label)
    handles = [
        Line2D([], [], color="0.75", linewidth=0.8, label="realization"),
        Line2D([], [], color=color, linewidth=1.3, label="mean"),
    ]
    if np.isfinite(data[f"{name}_interval"]).any():
        handles.append(Patch(color=color, alpha=0.25, linewidth=0, label="95% of the mean"))
    if np.isfinite(data["freezing_time"]).any():
        handles.append(Patch(color=INK, alpha=0.15, linewidth=0, label=f"{FREEZE}, all runs"))
    axes.legend(handles=handles, loc="lower right")


def _draw_mean(axes: Axes, data: Arrays, name: str, color: str, label: str | None) -> None:
    """Draw the mean of final values over realizations against t_c, with its interval."""
    axes.plot(data["t_c"], data[f"{name}_mean"], color=color, linewidth=1.3, label=label)
    if np.isfinite(data[f"{name}_interval"]).any():
        axes.fill_between(data["t_c"], *data[f"{name}_interval"], color=color, alpha=0.25, linewidth=0)
    axes.set(xlabel=T_C, xlim=(data["t_c"][0], data["t_c"][-1]))
    if not np.isfinite(data[f"{name}_mean"]).any():
        mark_empty(axes, NO_BRANCH)


def _mark_freezing(axes: Axes, data: Arrays) -> None:
    """Shade the range of freezing times by loss over the realizations."""
    times = data["freezing_time"][np.isfinite(data["freezing_time"])]
    if times.size:
        axes.axvspan(times.min(), times.max(), color=INK, alpha=0.15, linewidth=1, zorder=0)


def _draw_freezing(axes: Axes, data: Arrays, color: str) -> None:
    """Draw the freezing time by basin against the freezing time by loss, one point for each run."""
    label_panel(axes, "F")
    axes.set(xlabel=f"{FREEZE} by loss", ylabel="by basin")
    x, y = data["freezing_time"], data["basin_freezing_time"]
    if not (np.isfinite(x) & np.isfinite(y)).any():
        mark_empty(axes, "no run froze")
        return
    axes.plot(x, y, "o", color=color, markeredgewidth=0, alpha=0.8)
    shown = np.isfinite(x) & np.isfinite(y)
    low, high = min(x[shown].min(), y[shown].min()), max(x[shown].max(), y[shown].max())
    margin = 0.08 * max(high - low, np.diff(data["t_c"]).min())
    ends = [low - margin, high + margin]
    axes.plot(ends, ends, color=INK, linewidth=0.6, linestyle="--", label="equal")
    axes.set(xlim=ends, ylim=ends)
    axes.legend(loc="best")
