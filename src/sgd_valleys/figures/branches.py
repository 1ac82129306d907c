"""Shared panels of the figures of branches: one SGD run, and gradient descent from checkpoints of the run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from sgd_valleys.figures import panels
from sgd_valleys.figures.style import (
    MIN_FONT_SIZE,
    Arrays,
    annotate_corner,
    colorbar,
    label_few_decades,
    label_panel,
    mark_empty,
)
from sgd_valleys.figures.symbols import ITERATION, with_loss_units
from sgd_valleys.statistics.thinning import select_curves
from sgd_valleys.storage import hdf5

T_C = "$t_c$"
NO_BRANCH = "no branch"
Bounds = tuple[float, float, float, float]  # left, bottom, width and height, as fractions of a panel


def load_branches(paths: dict[str, Any], names: Sequence[str]) -> Arrays:
    """Read curves ``names`` of the branches and of their SGD run.

    Returns:
        ``t_c`` (branch); ``total`` (branch, time), t_c plus the branch's own iteration; ``names`` (branch, time);
        ``run_iteration`` and ``names`` with the prefix ``run_`` (run time); ``loss_units``. Times are iterations.
    """
    data = hdf5.read(paths["train"], ["t_c", "iteration", *names])
    row = hdf5.position(paths["run"], "realization", hdf5.read_attributes(paths["endpoints"])["realization"])
    run = hdf5.read(paths["run"], ["iteration", *names], row)
    data["total"] = data["t_c"][:, None] + data.pop("iteration")
    data |= panels.read_loss_units(paths["train"], names[0])
    return data | {f"run_{name}": array for name, array in run.items()}


def draw_branches(
    axes: Axes, letter: str, data: Arrays, name: str, symbol: str, settings: dict, inset: Bounds, log: bool = False,
    power: int = 0,
) -> None:  # fmt: skip
    """Draw a quantity of the branches, coloured by t_c, and of their SGD run.

    Only a part of many branches is drawn along training. The inset at ``inset`` shows the final values of all branches
    against t_c. ``power`` is the power of the loss in the quantity, which determines the unit.
    """
    label_panel(axes, letter)
    axes.set(xlabel=ITERATION, ylabel=with_loss_units(symbol, data["loss_units"], power))
    end = data["run_iteration"][-1]
    shown = (data["total"] <= end) & np.isfinite(data[name])
    if not shown.any():
        mark_empty(axes, NO_BRANCH)
        return
    some = select_curves(data["t_c"])
    branches = zip(data["total"][some], data[name][some], shown[some], strict=True)
    curves = [np.column_stack([total[use], values[use]]) for total, values, use in branches]
    colors = _t_c_colors(data, settings)
    lines = LineCollection(curves, **colors, linewidths=0.8)
    lines.set_array(data["t_c"][some])
    axes.add_collection(lines)
    axes.plot(data["run_iteration"], data[f"run_{name}"], color=settings["run_color"], linewidth=1.3, zorder=3)
    axes.set_xlim(0, end)
    if log:
        axes.set_yscale("log")
        label_few_decades(axes.yaxis)
    axes.autoscale_view(scalex=False)
    colorbar(axes, ScalarMappable(**colors), T_C)
    small = axes.inset_axes(inset)
    small.scatter(data["t_c"], data[f"final_{name}"], c=data["t_c"], **colors, s=6, zorder=3)
    small.yaxis.set_major_locator(MaxNLocator(4))
    small.set_xlabel(T_C, labelpad=0)
    small.set_title("final, all branches", pad=2, fontsize=MIN_FONT_SIZE)
    small.patch.set_alpha(0.85)


def draw_scatter(axes: Axes, data: Arrays, x: str, y: str, line: tuple[float, float, float], settings: dict) -> None:
    """Draw final values of the branches against each other, coloured by t_c, and a line (slope, intercept, R^2)."""
    usable = np.isfinite(data[x]) & np.isfinite(data[y])
    if not usable.any():
        mark_empty(axes, NO_BRANCH)
        return
    colors = {"c": data["t_c"][usable], **_t_c_colors(data, settings)}
    points = axes.scatter(data[x][usable], data[y][usable], **colors, s=9, linewidths=0)
    colorbar(axes, points, T_C)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    slope, intercept, r_squared = line
    if np.isfinite(slope):
        ends = np.array([data[x][usable].min(), data[x][usable].max()])
        axes.plot(ends, intercept + slope * ends, color="black", linewidth=1.0)
        annotate_corner(axes, f"$R^2$ = {r_squared:.2f}", "right" if slope < 0 else "left")


def _t_c_colors(data: Arrays, settings: dict) -> dict[str, Any]:
    """Return the colour map of branching times, and its norm from the first to the last time."""
    return {"cmap": settings["t_c_colormap"], "norm": Normalize(*data["t_c"][[0, -1]])}
