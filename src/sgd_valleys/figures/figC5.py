"""Fig. C5: whether dissimilar solutions lie in different valleys, and from which time on.

Reads ``control``, the analysis of control C5. Estimates have three entries: the value and the bounds of its interval.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sgd_valleys.figures.branches import NO_BRANCH, T_C
from sgd_valleys.figures.panels import read_loss_units
from sgd_valleys.figures.style import INK, Arrays, label_panel, mark_empty, styled_figure
from sgd_valleys.figures.symbols import BARRIER, TRAIN_ACCURACY, with_loss_units
from sgd_valleys.storage import hdf5

GROUPS = ("the sweep", "equal starts", "independent starts")  # kinds of pairs, in the order of the file
CRITERIA = ("barrier", "chord", "agreement", r"$\mathrm{Sim}_J$")  # in the order of the file
FREEZE = r"$t_{\mathrm{freeze}}$"
LINEAR = 1e-3  # nat: below it, axes of heights are linear
NO_PAIR = "no pair of dissimilar\nconverged runs"


def load(paths: dict[str, Any]) -> Arrays:
    """Read the analysis, and the unit of the loss."""
    return hdf5.read(paths["control"]) | read_loss_units(paths["control"], "straight_height")


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-G."""
    colors = settings["colors"]
    with styled_figure(style, 5.0) as figure:
        above, below = figure.add_gridspec(2, 1)
        above = above.subgridspec(1, 3, width_ratios=[1.25, 0.9, 1])
        heights, along = figure.add_subplot(above[0]), figure.add_subplot(above[2])
        excess, accuracy = above[1].subgridspec(2, 1).subplots(sharex=True)
        ends, branches, times = below.subgridspec(1, 3).subplots()
        _draw_heights(heights, data, colors)
        _draw_curves(excess, accuracy, data, colors)
        _draw_along(along, data, colors[0])
        _draw_growth(ends, data, colors[0])
        _draw_branches(branches, data, colors[0])
        _draw_times(times, data, colors[0])
        shown = np.unique(data["pair_group"])
        options = {"linestyle": "", "marker": "o"}
        handles = [Line2D([], [], color=colors[g], label=f"pairs of {GROUPS[g]}", **options) for g in shown]
        threshold = with_loss_units(f"{data['threshold']:g}", data["loss_units"]).replace("(", "").replace(")", "")
        line = {"color": INK, "linewidth": 0.6, "linestyle": "--"}
        handles.append(Line2D([], [], label=f"A, B, F: connected up to {threshold}", **line))
        figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), borderaxespad=0.2)
    return figure


def _symmetric_log(axes: Axes, data: Arrays, values: Sequence[np.ndarray]) -> None:
    """Set a symmetric-logarithmic axis of heights, and draw the threshold of a connection."""
    axes.axhline(data["threshold"], color=INK, linewidth=0.6, linestyle="--")
    highest = max((np.nanmax(each) for each in values if np.isfinite(each).any()), default=0)
    axes.set_yscale("symlog", linthresh=LINEAR)
    axes.set_ylim(-0.1 * LINEAR, 2 * max(highest, float(data["threshold"])))


def _draw_heights(axes: Axes, data: Arrays, colors: list[str]) -> None:
    """Draw the height of every pair along the straight line, the aligned line and the curve, with medians."""
    label_panel(axes, "A")
    final = data["curve_excess"][:, -1]
    found = [(data["pair_group"], data["straight_height"]), (data["pair_group"], data["aligned_height"])]
    found.append((data["curve_group"], final))
    if not len(data["pair_group"]):
        mark_empty(axes, NO_PAIR)
        return
    groups = np.unique(data["pair_group"])
    for x, (group, height) in enumerate(found):
        for k, g in enumerate(groups):
            own = height[group == g]
            at = x + 0.26 * (k - (len(groups) - 1) / 2)
            spread = at + 0.08 * (np.linspace(-1, 1, len(own)) if len(own) > 1 else np.zeros(len(own)))
            axes.plot(spread, own, "o", color=colors[g], markersize=1.8, markeredgewidth=0, alpha=0.6)
            if len(own):
                axes.plot([at - 0.11, at + 0.11], [np.median(own)] * 2, color="black", linewidth=1)
    _symmetric_log(axes, data, [height for _, height in found])
    axes.set_xticks(range(3), ["straight\nline", "aligned\nline", "curve"])
    axes.set_ylabel(with_loss_units("height", data["loss_units"]))


def _draw_curves(excess: Axes, accuracy: Axes, data: Arrays, colors: list[str]) -> None:
    """Draw excess and lowest training accuracy of every curve against its training steps."""
    label_panel(excess, "B")
    label_panel(accuracy, "C")
    accuracy.set(xlabel="steps of the curve", ylabel=f"lowest {TRAIN_ACCURACY}")
    excess.set_ylabel(with_loss_units("excess", data["loss_units"]))
    if not len(data["curve_group"]):
        mark_empty(excess, "no curve")
        mark_empty(accuracy, "no curve")
        return
    for g, own, lowest in zip(data["curve_group"], data["curve_excess"], data["curve_accuracy"], strict=True):
        excess.plot(own, color=colors[g], linewidth=0.7)
        accuracy.plot(lowest, color=colors[g], linewidth=0.7)
    _symmetric_log(excess, data, [data["curve_excess"]])
    accuracy.axhline(1, color=INK, linewidth=0.6, linestyle="--")


def _draw_along(axes: Axes, data: Arrays, color: str) -> None:
    """Draw the height between dissimilar runs along training, its mean, and the mean of Eq. 5."""
    label_panel(axes, "D")
    axes.set(xlabel=r"$t/t_{\mathrm{max}}$ of both runs", ylabel=with_loss_units("height", data["loss_units"]))
    if not len(data.get("path_height", ())):
        mark_empty(axes, NO_PAIR)
        return
    time = data["time_fraction"]
    axes.plot(time, data["path_height"].T, color="0.8", linewidth=0.4)
    axes.plot(time, data["path_height"].mean(axis=0), color=color, linewidth=1.3)
    axes.plot(time, data["path_barrier"].mean(axis=0), color="black", linestyle=":", linewidth=1)
    frozen = data["path_freezing"][np.isfinite(data["path_freezing"])]
    handles = [
        Line2D([], [], color="0.75", linewidth=0.8, label="pair"),
        Line2D([], [], color=color, linewidth=1.3, label="mean"),
        Line2D([], [], color="black", linestyle=":", linewidth=1, label="mean of Eq. 5"),
    ]
    if frozen.size:
        axes.axvspan(frozen.min(), frozen.max(), color=INK, alpha=0.15, linewidth=1, zorder=0)
        handles.append(Patch(color=INK, alpha=0.15, linewidth=0, label=FREEZE))
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.legend(handles=handles, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0)


def _draw_growth(axes: Axes, data: Arrays, color: str) -> None:
    """Draw the height of every pair at the end against the height at freezing; on the line, both are equal."""
    label_panel(axes, "E")
    x, y = (np.asarray(data.get(f"path_{name}", ()), dtype=float) for name in ("at_freezing", "at_end"))
    axes.set(
        xlabel=with_loss_units(f"height at {FREEZE}", data["loss_units"]),
        ylabel=with_loss_units("height at the end", data["loss_units"]),
    )
    if not np.isfinite(x).any():
        mark_empty(axes, NO_PAIR)
        return
    top = 1.08 * np.nanmax([x, y])
    axes.plot([0, top], [0, top], color=INK, linewidth=0.6, linestyle="--", label="no change")
    axes.plot(x, y, "o", color=color, markeredgewidth=0, alpha=0.7, clip_on=False)
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="lower right")


def _draw_branches(axes: Axes, data: Arrays, color: str) -> None:
    """Draw the barrier of every run's branches to the last branch against t_c, with the ranges of both times."""
    label_panel(axes, "F")
    axes.set(xlabel=T_C, ylabel=with_loss_units(f"{BARRIER} to the last branch", data["loss_units"]))
    if not np.isfinite(data.get("branch_barrier", np.nan)).any():
        mark_empty(axes, NO_BRANCH)
        return
    axes.plot(data["t_c"], data["branch_barrier"].T, color="0.8", linewidth=0.4)
    axes.plot(data["t_c"], np.nanmedian(data["branch_barrier"], axis=0), color=color, linewidth=1.3)
    _symmetric_log(axes, data, [data["branch_barrier"]])
    spans = [(FREEZE, data["t_freeze"], INK), ("basin time", data["basin_time"][:, 0], color)]
    handles = [Line2D([], [], color=color, linewidth=1.3, label="median")]
    for label, times, shade in spans:
        times = times[np.isfinite(times)]
        if times.size:
            axes.axvspan(times.min(), times.max(), color=shade, alpha=0.2, linewidth=1, zorder=0)
            handles.append(Patch(color=shade, alpha=0.2, linewidth=0, label=label))
    axes.set_xlim(data["t_c"][0], data["t_c"][-1])
    axes.legend(handles=handles, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0)


def _draw_times(axes: Axes, data: Arrays, color: str) -> None:
    """Draw basin time over freezing time of every run by each criterion, with the median and its interval."""
    label_panel(axes, "G")
    axes.set_ylabel(f"basin time over {FREEZE}")
    if "vanishing" not in data or not np.isfinite(data["vanishing"][:, 0]).any():
        mark_empty(axes, NO_BRANCH)
        return
    axes.axhline(1, color=INK, linewidth=0.6, linestyle="--")
    ratio, at = data["basin_time"] / data["t_freeze"][:, None], np.arange(len(CRITERIA))
    spread = np.linspace(-0.18, 0.18, len(ratio)) if len(ratio) > 1 else np.zeros(1)
    axes.plot(at + spread[:, None], ratio, "o", color="0.7", markersize=2, markeredgewidth=0)
    median, low, high = data["vanishing"].T
    axes.vlines(at, low, high, color=color, linewidth=1.2)
    axes.plot(at, median, "o", color=color)
    axes.set(xticks=at, ylim=(0, max(1.15, 1.08 * np.nanmax(ratio))))
    axes.set_xticklabels(CRITERIA, rotation=30, ha="right", rotation_mode="anchor")
