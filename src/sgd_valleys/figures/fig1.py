"""Fig. 1: distinct solution valleys separated by loss barriers.

Reads ``projection``, ``jaccard`` and ``barriers``.
"""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from sgd_valleys.figures import runs
from sgd_valleys.figures.style import (
    Arrays,
    annotate_corner,
    colorbar,
    format_interval,
    label_panel,
    mark_empty,
    styled_figure,
)
from sgd_valleys.figures.symbols import BARRIER, SIMILARITY, TRAIN_LOSS
from sgd_valleys.storage import hdf5

FIT = ("pair_similarity", "pair_barrier", "slope", "intercept", "r_squared", "r_squared_interval")
PATHS = ("alpha", "time_fraction", "path_loss", "path_similarity", "path_barrier", "path_eta", "path_B")
NO_PAIR = "no pair of converged runs"


def load(paths: dict[str, str]) -> Arrays:
    """Read what the panels show."""
    return runs.load_block(paths["projection"], paths["jaccard"]) | hdf5.read(paths["barriers"], [*FIT, *PATHS])


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-E."""
    with styled_figure(style, 5.3, grey="not available") as figure:
        upper, lower = figure.add_gridspec(2, 1, height_ratios=[1.35, 1])
        above = upper.subgridspec(1, 2, width_ratios=[1.2, 1])
        below = lower.subgridspec(1, 3)
        runs.draw_trajectories(figure.add_subplot(above[0], projection="3d"), "A", data, settings["eta_colors"])
        runs.draw_similarity(figure.add_subplot(above[1]), "B", data, settings["similarity_colormap"])

        similar = figure.add_subplot(below[0])
        dissimilar = figure.add_subplot(below[1], sharey=similar)
        for path, axes in enumerate((similar, dissimilar)):
            _draw_path(axes, data, path, settings["time_colormap"])
        _draw_barriers(figure.add_subplot(below[2]), data, settings["point_color"])
    return figure


def _draw_path(axes: Axes, data: Arrays, path: int, colormap: str) -> None:
    """Draw the loss along the straight line between two runs, one curve for each time, the last one heavier."""
    letter = "CD"[path]
    axes.set(xlabel=r"$\alpha$", ylabel=TRAIN_LOSS)
    if path >= len(data["path_loss"]):
        label_panel(axes, letter, "\n")
        mark_empty(axes, NO_PAIR)
        return
    pair = [f"({eta:g}, {B})" for eta, B in zip(data["path_eta"][path], data["path_B"][path], strict=True)]
    barrier = data["path_barrier"][path, -1]
    title = f"{SIMILARITY} = {data['path_similarity'][path]:.3g}, {BARRIER} = {barrier:.2g}"
    # Eq. 5: alpha = 0 is the second solution
    label_panel(axes, letter, f"{title}\n" + rf"$(\eta, B)$: {pair[1]} to {pair[0]}")
    curves = [np.column_stack([data["alpha"], loss]) for loss in data["path_loss"][path]]
    lines = LineCollection(curves, cmap=colormap, norm=Normalize(0, 1), linewidths=0.6)
    lines.set_array(data["time_fraction"])
    axes.add_collection(lines)
    axes.set(xlim=(0, 1), yscale="log")
    axes.autoscale_view(scalex=False)
    last = data["path_loss"][path][-1]
    axes.plot(data["alpha"], last, color=colormaps[colormap](1.0), linewidth=1.8)
    colorbar(axes, ScalarMappable(Normalize(0, 1), colormap), r"$t/t_{\mathrm{max}}$")


def _draw_barriers(axes: Axes, data: Arrays, color: str) -> None:
    """Draw the barrier of pairs of runs against their similarity, and the fitted line."""
    label_panel(axes, "E", "\n")  # as tall as the titles beside it
    axes.set(xlabel=SIMILARITY, ylabel=BARRIER)
    x, y = data["pair_similarity"], data["pair_barrier"]
    usable = np.isfinite(x) & np.isfinite(y)
    if not usable.any():
        mark_empty(axes, NO_PAIR)
        return
    x, y = x[usable], y[usable]
    # Thousands of points: a raster image keeps the PDF small.
    axes.plot(x, y, "o", color=color, markersize=1.8, alpha=0.25, markeredgewidth=0, rasterized=True)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, data["intercept"] + data["slope"] * ends, color="black", linewidth=1.2)
    if np.isfinite(data["r_squared"]):
        interval = format_interval(data["r_squared_interval"])
        annotate_corner(axes, f"$R^2$ = {data['r_squared']:.2f}" + (f"\n95%:{interval}" if interval else ""))
