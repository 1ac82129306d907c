"""Panels that the figures of branches share: one SGD run, and gradient descent from many points of the run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from sgd_valleys.figures.style import ITERATION, annotate_corner, colorbar, label_panel, mark_empty
from sgd_valleys.storage import hdf5

T_C = "$t_c$"
NO_BRANCH = "no branch"


def load_branches(paths: dict[str, Any], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read curves of the branches and of their SGD run.

    Args:
        paths: ``run``, the file of the SGD run; ``train`` and ``endpoints`` of the branches.
        names: of the curves.

    Returns:
        ``t_c``; ``total`` (branch, time), the branching time plus the branch's own iteration; ``names`` (branch, time);
        ``run_iteration`` and ``names`` with the prefix ``run_`` (run time).
    """
    data = hdf5.read(paths["train"], ["t_c", "iteration", *names])
    row = hdf5.position(paths["run"], "realization", hdf5.read_attributes(paths["endpoints"])["realization"])
    run = hdf5.read(paths["run"], ["iteration", *names], row)
    data["total"] = data["t_c"][:, None] + data.pop("iteration")
    return data | {f"run_{name}": array for name, array in run.items()}


def draw_branches(
    axes: Axes,
    letter: str,
    data: dict[str, np.ndarray],
    name: str,
    symbol: str,
    settings: dict[str, Any],
    inset: tuple[float, float, float, float],
    log: bool = False,
) -> None:
    """Draw a quantity of the branches, coloured by t_c, and of their SGD run up to its end.

    The inset at ``inset`` shows the final values of the branches against t_c.
    """
    label_panel(axes, letter)
    axes.set_xlabel(ITERATION)
    axes.set_ylabel(symbol)
    end = data["run_iteration"][-1]
    shown = (data["total"] <= end) & np.isfinite(data[name])
    if not shown.any():
        mark_empty(axes, NO_BRANCH)
        return
    branches = zip(data["total"], data[name], shown, strict=True)
    lines = LineCollection(
        [np.column_stack([total[use], values[use]]) for total, values, use in branches],
        cmap=settings["t_c_colormap"],
        norm=t_c_norm(data["t_c"]),
        linewidths=0.5,
    )
    lines.set_array(data["t_c"])
    axes.add_collection(lines)
    axes.plot(data["run_iteration"], data[f"run_{name}"], color=settings["run_color"], linewidth=1.3, zorder=3)
    axes.set_xlim(0, end)
    if log:
        axes.set_yscale("log")
    axes.autoscale_view(scalex=False)
    colorbar(axes, ScalarMappable(lines.norm, settings["t_c_colormap"]), T_C)
    small = axes.inset_axes(inset)
    small.scatter(
        data["t_c"], data[f"final_{name}"], c=data["t_c"], cmap=settings["t_c_colormap"], norm=lines.norm, s=3, zorder=3
    )
    small.yaxis.set_major_locator(MaxNLocator(4))
    small.set_xlabel(T_C, labelpad=0)
    small.set_title("final", pad=2)
    small.patch.set_alpha(0.85)


def draw_scatter(
    axes: Axes, data: dict[str, np.ndarray], x: str, y: str, line: tuple[float, float, float], settings: dict[str, Any]
) -> None:
    """Draw final values of the branches against each other, coloured by t_c, and a line (slope, intercept, R^2)."""
    usable = np.isfinite(data[x]) & np.isfinite(data[y])
    if not usable.any():
        mark_empty(axes, NO_BRANCH)
        return
    points = axes.scatter(
        data[x][usable], data[y][usable], c=data["t_c"][usable], cmap=settings["t_c_colormap"],
        norm=t_c_norm(data["t_c"]), s=9, linewidths=0,
    )  # fmt: skip
    colorbar(axes, points, T_C)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    slope, intercept, r_squared = line
    if np.isfinite(slope):
        ends = np.array([data[x][usable].min(), data[x][usable].max()])
        axes.plot(ends, intercept + slope * ends, color="black", linewidth=1.0)
        annotate_corner(axes, f"$R^2$ = {r_squared:.2f}", "right" if slope < 0 else "left")


def t_c_norm(t_c: np.ndarray) -> Normalize:
    """Return the norm of the colours of branching times, from the first to the last."""
    return Normalize(t_c[0], t_c[-1])
