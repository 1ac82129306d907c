"""Fig. 1: distinct solution valleys separated by loss barriers.

Reads ``projection``, ``similarity`` and ``barriers``.
"""

from itertools import cycle

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgd_valleys import storage
from sgd_valleys.figures import panels
from sgd_valleys.figures.style import (
    BARRIER,
    DOUBLE,
    INK,
    SIMILARITY,
    TRAIN_LOSS,
    colorbar,
    empty,
    matrix,
    panel,
    spatial,
    styled_figure,
)

FIT = ("pair_similarity", "pair_barrier", "slope", "intercept", "r_squared", "r_squared_interval")
MARKERS = "os^DvPX<"  # end points by batch size; the star is the start's


def load(paths: dict[str, str]) -> dict[str, np.ndarray]:
    """Read what the panels show."""
    return (
        storage.read(paths["projection"], ["block_pc", "block_loss", "block_eta", "block_B", "block_explained"])
        | storage.read(paths["similarity"], ["block_jaccard"])
        | storage.read(
            paths["barriers"],
            [*FIT, "alpha", "time_fraction", "path_loss", "path_similarity", "path_barrier", "path_eta", "path_B"],
        )
    )


def draw(data: dict[str, np.ndarray], settings: dict, style: dict) -> Figure:
    """Draw panels A-E."""
    with styled_figure(style, DOUBLE, 5.3, note="not available") as figure:
        upper, lower = figure.add_gridspec(2, 1, height_ratios=[1.35, 1])
        above = upper.subgridspec(1, 2, width_ratios=[1.2, 1])
        below = lower.subgridspec(1, 3)
        valleys = figure.add_subplot(above[0], projection="3d")
        panel(valleys, "A")
        _draw_valleys(valleys, data, settings["eta_colors"])

        similarity = figure.add_subplot(above[1])
        panel(similarity, "B")
        names = [f"{eta:g}, {B}" for eta, B in zip(data["block_eta"], data["block_B"], strict=True)]
        matrix(similarity, data["block_jaccard"], names, names, SIMILARITY, settings["similarity_colormap"])
        similarity.invert_yaxis()
        similarity.set_box_aspect(1)
        similarity.tick_params(axis="x", labelrotation=90)
        similarity.set_xlabel(r"$\eta,\ B$")
        similarity.set_ylabel(r"$\eta,\ B$")

        similar = figure.add_subplot(below[0])
        dissimilar = figure.add_subplot(below[1], sharey=similar)
        for path, axes in enumerate((similar, dissimilar)):
            _draw_path(axes, data, path, settings["time_colormap"])
        _draw_barriers(figure.add_subplot(below[2]), data, settings["point_color"])
    return figure


def _draw_valleys(axes: Axes, data: dict[str, np.ndarray], colors: list[str]) -> None:
    color = dict(zip(dict.fromkeys(data["block_eta"].tolist()), cycle(colors)))
    marker = dict(zip(dict.fromkeys(data["block_B"].tolist()), cycle(MARKERS)))
    height = panels.log10_positive(data["block_loss"])
    for run in range(len(data["block_eta"])):
        eta, B = data["block_eta"][run].item(), data["block_B"][run].item()
        x, y, z = data["block_pc"][run, :, 0], data["block_pc"][run, :, 1], height[run]
        axes.plot(x, y, z, color=color[eta], linewidth=0.7, alpha=0.8)
        axes.plot(x[-1:], y[-1:], z[-1:], marker[B], color=color[eta], markeredgecolor="black", markeredgewidth=0.4)
    if np.isfinite(height).any():
        start = data["block_pc"][0, 0]
        axes.plot(start[:1], start[1:2], height[0, :1], "*", color="black", markersize=7, zorder=10)
    else:
        empty(axes)
    spatial(axes, data["block_explained"], rf"$\log_{{10}}${TRAIN_LOSS}")
    rates = [Line2D([], [], color=shade, label=f"{eta:g}") for eta, shade in color.items()]
    sizes = [
        Line2D([], [], marker=shape, color="0.6", markeredgecolor="black", markeredgewidth=0.4, linestyle="", label=B)
        for B, shape in marker.items()
    ]
    start = [Line2D([], [], marker="*", color="black", markersize=6, linestyle="", label="start")]
    axes.add_artist(axes.legend(handles=rates, title=r"$\eta$", loc="upper left", bbox_to_anchor=(1.17, 1.0)))
    axes.legend(handles=sizes + start, title=r"$B$", loc="upper left", bbox_to_anchor=(1.17, 0.6))


def _draw_path(axes: Axes, data: dict[str, np.ndarray], path: int, colormap: str) -> None:
    """Draw the loss along the straight line between two runs, one curve a time, the last one heavier."""
    letter = "CD"[path]
    axes.set_xlabel(r"$\alpha$")
    axes.set_ylabel(TRAIN_LOSS)
    if path >= len(data["path_loss"]):
        panel(axes, letter, "\n")
        empty(axes, "no pair of converged runs")
        return
    pair = [f"({eta:g}, {B})" for eta, B in zip(data["path_eta"][path], data["path_B"][path], strict=True)]
    barrier = data["path_barrier"][path, -1]
    title = f"{SIMILARITY} = {data['path_similarity'][path]:.3g}, {BARRIER} = {barrier:.2g}"
    # Eq. 5: alpha = 0 is the second solution
    panel(axes, letter, f"{title}\n" + rf"$(\eta, B)$: {pair[1]} to {pair[0]}")
    curves = [np.column_stack([data["alpha"], loss]) for loss in data["path_loss"][path]]
    lines = LineCollection(curves, cmap=colormap, norm=Normalize(0, 1), linewidths=0.6)
    lines.set_array(data["time_fraction"])
    axes.add_collection(lines)
    axes.set_xlim(0, 1)
    axes.set_yscale("log")
    axes.autoscale_view(scalex=False)
    last = data["path_loss"][path][-1]
    axes.plot(data["alpha"], last, color=colormaps[colormap](1.0), linewidth=1.8)
    colorbar(axes, ScalarMappable(Normalize(0, 1), colormap), r"$t/t_{\mathrm{max}}$")


def _draw_barriers(axes: Axes, data: dict[str, np.ndarray], color: str) -> None:
    panel(axes, "E", "\n")  # as tall as the titles beside it
    axes.set_xlabel(SIMILARITY)
    axes.set_ylabel(BARRIER)
    x, y = data["pair_similarity"], data["pair_barrier"]
    usable = np.isfinite(x) & np.isfinite(y)
    if not usable.any():
        empty(axes, "no pair of converged runs")
        return
    x, y = x[usable], y[usable]
    # Thousands of points: as an image inside the PDF they stay light to open.
    axes.plot(x, y, "o", color=color, markersize=1.8, alpha=0.25, markeredgewidth=0, rasterized=True)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, data["intercept"] + data["slope"] * ends, color="black", linewidth=1.2)
    low, high = data["r_squared_interval"]
    axes.annotate(
        f"$R^2$ = {data['r_squared']:.2f}\n95%: [{low:.2f}, {high:.2f}]",
        (0.97, 0.97),
        xycoords="axes fraction",
        ha="right",
        va="top",
        color=INK,
    )
