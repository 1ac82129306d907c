"""Fig. 5: a minimal model with two valleys of equal depth and different flatness.

Reads ``theory`` (the landscape), ``occupancy`` (a few runs) and ``diagram``.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures.phases import GREY_CELLS, draw_diagrams, load_diagram
from sgd_valleys.figures.style import INK, Arrays, colorbar, label_panel, styled_figure
from sgd_valleys.storage import hdf5

WALL_HEIGHT = 0.25  # loss of the highest contour minus the largest loss on the ridge
SURFACE = ("x", "y", "loss", "flat_floor", "sharp_floor")


def load(paths: dict[str, Any]) -> Arrays:
    """Read the plotted arrays; the runs are those of the strongest noise."""
    runs = hdf5.read(paths["occupancy"], ["trajectory"], {"sigma": -1})
    return load_diagram(paths["diagram"]) | hdf5.read(paths["theory"], SURFACE) | runs


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-D."""
    with styled_figure(style, 5.4, grey=GREY_CELLS) as figure:
        above, below = figure.add_gridspec(2, 1, height_ratios=[1.15, 1])
        top = above.subgridspec(1, 2, width_ratios=[1, 1.25])
        _draw_schematic(figure.add_subplot(top[0]), data, settings)
        landscape = figure.add_subplot(top[1])
        label_panel(landscape, "B")
        _draw_landscape(landscape, data, settings)
        draw_diagrams(below.subgridspec(1, 2).subplots(), "CD", data, settings)
    return figure


def _draw_schematic(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw cuts through the landscape at three stages of training, with a ball for the run."""
    label_panel(axes, "A")
    axes.set_axis_off()
    # fraction of the largest y, text, arrow
    stages = (
        (0.03, "start: one valley", None),
        (0.15, "search: jumps between valleys", "<->"),
        (1, "frozen in one", None),
    )
    x, y, loss = data["x"], data["y"], data["loss"]
    ridge = loss[len(x) // 2]
    scale = 0.9 / (ridge - loss.min(axis=0)).max()
    for step, (at, text, arrow) in enumerate(stages):
        k = round(at * (len(y) - 1))
        floors = data["sharp_floor"][k], data["flat_floor"][k]
        shape = (loss[:, k] - ridge[k]) * scale
        shape[shape > 0.45] = np.nan
        base = -1.75 * step
        axes.plot(x, base + shape, color="0.35", linewidth=1.4)
        axes.annotate(text, (0, base + 0.62), color=INK, ha="center", va="bottom")
        bottom = base + np.nanmin(shape)
        for floor, color in zip(floors, (settings["sharp_color"], settings["flat_color"]), strict=True):
            if step:
                axes.plot(floor, bottom + 0.13, "o", color=color, markersize=5.5 if step == 1 or floor > 0 else 3)
        if not step:
            axes.plot(0, bottom + 0.13, "o", color="black", markersize=5.5)
        if arrow:
            axes.annotate(
                "", (floors[0] - 0.05, base + 0.3), (floors[1] + 0.05, base + 0.3),
                arrowprops={"arrowstyle": arrow, "connectionstyle": "arc3,rad=0.35", "linewidth": 1},
            )  # fmt: skip
    last = -1.75 * 2 - 1.15
    axes.annotate("sharper", (data["sharp_floor"][-1], last), ha="center", va="top", color=settings["sharp_color"])
    axes.annotate("flatter", (data["flat_floor"][-1], last), ha="center", va="top", color=settings["flat_color"])
    axes.annotate("", (-1.45, last), (-1.45, 0.5), arrowprops={"arrowstyle": "->", "linewidth": 1, "color": INK})
    axes.annotate("training $y$, falling loss", (-1.55, -1.8), rotation=90, ha="center", va="center", color=INK)
    axes.set(xlim=(-1.65, 1.3), ylim=(last - 0.35, 1.1))


def _draw_landscape(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw contours of the loss over (x, y), with the floors of its valleys and two runs."""
    x, y, loss = data["x"], data["y"], data["loss"]
    highest = loss[len(x) // 2].max() + WALL_HEIGHT
    levels = np.linspace(loss.min(), highest, 15)
    mesh = axes.contourf(x, y, loss.T, levels=levels, cmap=settings["surface_colormap"])
    axes.contour(x, y, loss.T, levels=levels, colors="white", linewidths=0.3, alpha=0.6)
    for k, run in enumerate(data["trajectory"][:2]):
        line = {"color": settings["run_color"], "linewidth": 0.4, "alpha": 0.8}
        axes.plot(*run.T, **line, label="two runs" if k == 0 else None)
    for name, label in (("sharp", "sharper valley"), ("flat", "flatter valley")):
        color = settings[f"{name}_color"]
        axes.plot(data[f"{name}_floor"], y, color=color, linewidth=1.6, label=f"floor of the {label}")
    # a square-root scale enlarges small y, where runs choose their valley
    axes.set_yscale("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), np.square))
    axes.set(xlim=1.25 * np.array([-1, 1]) * data["flat_floor"][-1], ylim=(0, y[-1]), xlabel="$x$", ylabel="$y$")
    axes.set_yticks([at for at in (0, 1, 5, 10, 20, 40, 80) if at <= y[-1]])
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=0.8, borderaxespad=0.1)
    colorbar(axes, mesh, r"$\mathcal{L}$").set_ticks(levels[::2], labels=[f"{level:.2f}" for level in levels[::2]])
