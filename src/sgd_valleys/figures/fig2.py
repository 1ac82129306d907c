"""Fig. 2: stronger noise spreads the solutions and leads to flatter, more accurate ones.

Reads ``cell_maps``, ``endpoints`` and ``projection``.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from sgd_valleys.figures import panels
from sgd_valleys.figures.style import GREY, INK, Arrays, color_norm, colorbar, label_panel, mark_empty, styled_figure
from sgd_valleys.figures.symbols import FLATNESS, TEST_ACCURACY, TRAIN_LOSS, with_loss_units
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import find_cell, index_of

NUMBERS = "①②③④⑤⑥⑦⑧⑨"
QUANTITIES = {"test_accuracy": (TEST_ACCURACY, 0), "flatness": (FLATNESS, -1)}  # symbol and power of the loss
MIN_RUNS_FOR_VIOLIN = 5


def load(paths: dict[str, str]) -> Arrays:
    """Read the plotted arrays from the files ``paths``."""
    return (
        panels.load_grid(paths["cell_maps"], ["similarity", *(f"max_{name}" for name in QUANTITIES)])
        | hdf5.read(paths["endpoints"], ["converged", *QUANTITIES])
        | hdf5.read(paths["projection"], ["cell_pc", "cell_loss", "cell_eta", "cell_B", "cell_explained"])
    )


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-G."""
    colormap, eta = settings["colormap"], settings["violin_eta"]
    with styled_figure(style, 6.3) as figure:
        above, below = figure.add_gridspec(2, 1, height_ratios=[1, 2])
        top = above.subgridspec(1, 3).subplots()
        panels.draw_map(top[0], "A", data, "similarity", colormap)
        _number_cells(top[0], data)
        _draw_trajectories(top[1:], data, settings["trajectory_colormap"])

        rows = below.subgridspec(2, 2, width_ratios=[1, 1.6]).subplots()
        for (left, right), letters, (name, (symbol, power)) in zip(rows, ("DE", "FG"), QUANTITIES.items(), strict=True):
            panels.draw_map(left, letters[0], data, f"max_{name}", colormap)
            if name == "test_accuracy":
                box_rate(left, data, eta)
            label = with_loss_units(symbol, data["loss_units"], power)
            draw_violins(right, letters[1], data, name, label, settings)
    return figure


def converged_values(data: Arrays, name: str, eta: float) -> list[np.ndarray]:
    """Return the finite values of the converged runs at ``eta`` for every B; empty without such a rate."""
    row = index_of(data["eta"], eta)
    if row is None:
        return []
    values, converged = data[name][row], data["converged"][row]
    return [run[ok & np.isfinite(run)] for run, ok in zip(values, converged, strict=True)]


def _number_cells(axes: Axes, data: Arrays) -> None:
    """Write the numbers of the cells whose trajectories are drawn."""
    for number, eta, B in zip(NUMBERS, data["cell_eta"], data["cell_B"], strict=False):
        cell = find_cell(data["eta"], data["B"], eta, B)
        if cell is not None:
            outline = [withStroke(linewidth=2.5, foreground="white")]
            axes.text(*cell, number, ha="center", va="center_baseline", color="black", path_effects=outline, fontsize=9)


def box_rate(axes: Axes, data: Arrays, eta: float) -> None:
    """Draw a frame around the column of the learning rate of the violins."""
    column = index_of(data["eta"], eta)
    if column is not None:
        size = len(data["B"])
        axes.add_patch(Rectangle((column - 0.5, -0.5), 1, size, fill=False, edgecolor=INK, linewidth=2, clip_on=False))


def _draw_trajectories(pair: np.ndarray, data: Arrays, colormap: str) -> None:
    """Draw the runs of two cells in one plane, with the same limits, coloured by training loss."""
    plane = data["cell_pc"][..., :2]
    norm = color_norm(data["cell_loss"], log=True)
    finite = plane[np.isfinite(plane).all(axis=-1)]
    for cell, (axes, letter) in enumerate(zip(pair, "BC", strict=True)):
        axes.set_xlabel(f"PC1 ({data['cell_explained'][0]:.0%})")
        axes.set_ylabel(f"PC2 ({data['cell_explained'][1]:.0%})")
        if cell >= len(plane) or norm is None or not np.isfinite(plane[cell]).any():
            label_panel(axes, letter)
            mark_empty(axes)
            continue
        label_panel(axes, letter, rf"{NUMBERS[cell]} $B = {data['cell_B'][cell]},\ \eta = {data['cell_eta'][cell]:g}$")
        loss = data["cell_loss"][cell]
        steps = np.stack([plane[cell][:, :-1], plane[cell][:, 1:]], axis=2).reshape(-1, 2, 2)
        lines = LineCollection(steps, cmap=colormap, norm=norm, linewidths=0.7, alpha=0.9)
        lines.set_array(np.sqrt(loss[:, :-1] * loss[:, 1:]).ravel())
        axes.add_collection(lines)
        axes.plot(*plane[cell][:, -1].T, "o", color="white", markeredgecolor="black", markeredgewidth=0.6, zorder=3)
        starts = np.unique(plane[cell][np.isfinite(plane[cell][:, 0]).all(axis=-1), 0], axis=0)
        axes.plot(*starts.T, "*", color="black", markersize=7, zorder=4)
        low, high = finite.min(axis=0), finite.max(axis=0)
        margin = 0.06 * (high - low)
        axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        if axes is pair[-1]:
            colorbar(axes, lines, with_loss_units(TRAIN_LOSS, data["loss_units"]))


def draw_violins(
    axes: Axes, letter: str, data: Arrays, name: str, symbol: str, settings: dict, separator: str = " "
) -> None:
    """Draw the distribution of the converged runs at one learning rate for every B.

    The width of a violin is proportional to its number of runs. Fewer runs than ``MIN_RUNS_FOR_VIOLIN``, or runs of
    equal value, are drawn as points without a violin.
    """
    eta, color = settings["violin_eta"], settings["violin_color"]
    groups = converged_values(data, name, eta)
    label_panel(axes, letter, rf"$\eta = {eta:g}$")
    axes.set(xlabel=r"$B$", ylabel=symbol)
    axes.set_xticks(range(len(data["B"])), panels.batch_labels(data, separator))
    axes.set_xlim(-0.6, len(data["B"]) - 0.4)
    if not any(group.size for group in groups):
        mark_empty(axes)
        return
    for x, values in enumerate(groups):
        if values.size == 0:
            axes.axvspan(x - 0.5, x + 0.5, color=GREY, linewidth=0)
            continue
        if values.size >= MIN_RUNS_FOR_VIOLIN and np.ptp(values) > 0:
            width = 0.8 * values.size / max(group.size for group in groups)
            violin = axes.violinplot([values], [x], widths=width, showextrema=False)
            for body in violin["bodies"]:
                body.set(facecolor=color, edgecolor=INK, linewidth=0.6, alpha=0.8)
        axes.plot(np.full(values.size, x), values, "o", color=INK, markersize=2, alpha=0.8, markeredgewidth=0)
        axes.plot(x, values.mean(), "o", color="white", markeredgecolor="black", markeredgewidth=0.8, markersize=4)
