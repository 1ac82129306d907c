"""Fig. 1: distinct solution valleys separated by loss barriers.

Reads ``projection``, ``jaccard`` and ``barriers``.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.scale import SymmetricalLogTransform

from sgd_valleys.figures import runs
from sgd_valleys.figures.style import (
    MIN_FONT_SIZE,
    Arrays,
    colorbar,
    format_interval,
    label_panel,
    mark_empty,
    styled_figure,
)
from sgd_valleys.figures.symbols import BARRIER, SIMILARITY, TRAIN_LOSS, with_loss_units
from sgd_valleys.storage import hdf5

FIT = ("pair_similarity", "pair_barrier", "slope", "intercept", "r_squared", "r_squared_interval")
BLOCK = ("block_pair_similarity", "block_pair_barrier", "block_slope", "block_intercept", "block_r_squared")
PATHS = ("alpha", "time_fraction", "path_loss", "path_similarity", "path_barrier", "path_eta", "path_B")
NO_PAIR = "no pair of converged runs"
LINEAR_SHARE = 1e-3  # share of the largest barrier below which the axis of barriers is linear
BINS = 24  # number of bins of similarity and of barriers


def load(paths: dict[str, str]) -> Arrays:
    """Read the plotted arrays from the files ``paths``."""
    return runs.load_block(paths["projection"], paths["jaccard"]) | hdf5.read(paths["barriers"], [*FIT, *BLOCK, *PATHS])


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-E."""
    with styled_figure(style, 5.3, grey="not available") as figure:
        upper, lower = figure.add_gridspec(2, 1, height_ratios=[0.9, 1])
        above = upper.subgridspec(1, 3, width_ratios=[1.35, 0.95, 1.1])
        below = lower.subgridspec(1, 3, width_ratios=[1, 1, 1.2])
        runs.draw_trajectories(figure.add_subplot(above[0], projection="3d"), "A", data, settings["eta_colors"])
        runs.draw_plane(figure.add_subplot(above[1]), data, settings["eta_colors"])
        runs.draw_similarity(figure.add_subplot(above[2]), "B", data, settings["similarity_colormap"])

        similar = figure.add_subplot(below[0])
        dissimilar = figure.add_subplot(below[1], sharey=similar)
        for path, axes in enumerate((similar, dissimilar)):
            _draw_path(axes, data, path, settings["time_colormap"])
        pairs = below[2].subgridspec(2, 1).subplots(sharex=True, sharey=True)
        _draw_barriers(pairs, data, settings["point_color"])
    return figure


def _draw_path(axes: Axes, data: Arrays, path: int, colormap: str) -> None:
    """Draw the loss along the straight line between two runs, one curve for each time, the last one thicker."""
    letter = "CD"[path]
    axes.set(xlabel=r"$\alpha$", ylabel=with_loss_units(TRAIN_LOSS, data["loss_units"]))
    if path >= len(data["path_loss"]):
        label_panel(axes, letter, "\n")
        mark_empty(axes, NO_PAIR)
        return
    pair = [f"({eta:g}, {B})" for eta, B in zip(data["path_eta"][path], data["path_B"][path], strict=True)]
    barrier = data["path_barrier"][path, -1]
    unit = "" if str(data["loss_units"]) == "1" else f" {data['loss_units']}"
    title = f"{SIMILARITY} = {data['path_similarity'][path]:.3g}, {BARRIER} = {barrier:.2g}{unit}"
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


def _draw_barriers(pair: Sequence[Axes], data: Arrays, color: str) -> None:
    """Draw the density of barriers and similarities: random pairs above, the block's pairs below."""
    label_panel(pair[0], "E")
    pair[1].set_xlabel(SIMILARITY)
    interval = format_interval(data["r_squared_interval"])
    realizations = np.flatnonzero(np.isfinite(data["block_r_squared"]))
    typical = float(np.median(data["block_r_squared"][realizations])) if realizations.size else np.nan
    of_block = ("the block's pairs", f"median $R^2$ = {typical:.2f} of {realizations.size}")
    of_random = ("random pairs", f"$R^2$ = {data['r_squared']:.2f}{interval}")
    random_line = [(float(data["slope"]), float(data["intercept"]))]
    block_lines = list(zip(*(data[f"block_{name}"][realizations] for name in ("slope", "intercept")), strict=True))
    finite = [data[name][np.isfinite(data[name])] for name in ("pair_barrier", "block_pair_barrier")]
    highest = max((each.max() for each in finite if each.size), default=0)
    for axes, kind, lines, words in zip(
        pair, ("pair", "block_pair"), (random_line, block_lines), (of_random, of_block), strict=True
    ):
        axes.set_ylabel(with_loss_units(BARRIER, data["loss_units"]))
        x, y = data[f"{kind}_similarity"], data[f"{kind}_barrier"]
        usable = np.isfinite(x) & np.isfinite(y)
        if not usable.any() or highest <= 0:
            mark_empty(axes, NO_PAIR)
            continue
        _draw_density(axes, x[usable], y[usable], highest, lines, color)
        shown = words if np.isfinite(data["r_squared"] if kind == "pair" else typical) else words[:1]
        axes.set_title(",\n".join(shown), pad=2, fontsize=MIN_FONT_SIZE)


def _draw_density(
    axes: Axes, x: np.ndarray, y: np.ndarray, highest: float, lines: list[tuple[float, float]], color: str
) -> None:
    """Draw the number of pairs in cells of similarity and barrier, and lines (slope, intercept) where they are >= 0.

    The axis of barriers is symmetric-logarithmic. It is linear below ``LINEAR_SHARE`` of ``highest``.
    """
    linear = 10 ** np.floor(np.log10(highest * LINEAR_SHARE))
    transform = SymmetricalLogTransform(10, linear, 1)
    top = transform.transform(np.array([highest]))[0]
    y_edges = transform.inverted().transform(np.linspace(0, 1.001 * top, BINS + 1))
    low, high = (x.min(), x.max()) if np.ptp(x) > 0 else (x.min() - 0.05, x.max() + 0.05)
    counts, x_edges, _ = np.histogram2d(x, np.maximum(y, 0), bins=[np.linspace(low, high, BINS + 1), y_edges])
    shades = LinearSegmentedColormap.from_list("pairs", [(0.85, 0.9, 0.95), color])
    shown, norm = np.ma.masked_equal(counts.T, 0), LogNorm(1, max(counts.max(), 2))
    mesh = axes.pcolormesh(x_edges, y_edges, shown, cmap=shades, norm=norm, rasterized=True)
    colorbar(axes, mesh, "pairs")
    position = np.linspace(low, high, 400)  # a straight line is curved on this axis
    for slope, intercept in lines:
        at = np.sort(np.append(position, -intercept / slope)) if slope else position  # end at barrier 0
        height = np.round(intercept + slope * at, 12)
        width = 1.2 if len(lines) == 1 else 0.5
        axes.plot(
            at, np.where((height >= 0) & (at >= low) & (at <= high), height, np.nan), color="black", linewidth=width
        )
    axes.set_yscale("symlog", linthresh=linear)
    axes.set_ylim(0, 1.6 * highest)
