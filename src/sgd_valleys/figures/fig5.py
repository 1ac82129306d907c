"""Fig. 5: a minimal model with two valleys of equal depth and different flatness.

Reads ``theory`` (the landscape), ``occupancy`` (a few runs) and ``diagram``.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures.phases import draw_diagrams, load_diagram
from sgd_valleys.figures.style import INK, Arrays, fade_3d_background, label_panel, styled_figure
from sgd_valleys.storage import hdf5

WALL_HEIGHT = 0.25  # of the drawn surface above the ridge
SURFACE = ("x", "y", "loss", "flat_floor", "sharp_floor")


def load(paths: dict[str, Any]) -> Arrays:
    """Read what the panels show; the runs are those of the strongest noise."""
    runs = hdf5.read(paths["occupancy"], ["trajectory"], {"sigma": -1})
    return load_diagram(paths["diagram"]) | hdf5.read(paths["theory"], SURFACE) | runs


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-D."""
    with styled_figure(style, 5.4, grey="every run diverged") as figure:
        above, below = figure.add_gridspec(2, 1, height_ratios=[1.15, 1])
        top = above.subgridspec(1, 2, width_ratios=[1, 1.25])
        _draw_schematic(figure.add_subplot(top[0]), data, settings)
        surface = figure.add_subplot(top[1], projection="3d")
        label_panel(surface, "B")
        _draw_surface(surface, data, settings)
        draw_diagrams(below.subgridspec(1, 2).subplots(), "CD", data, settings)
    return figure


def _draw_schematic(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw cuts through the landscape at three stages of training, and a ball for the run."""
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


def _draw_surface(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw the landscape with the floors of its valleys and two runs."""
    x, y, loss = data["x"], data["y"], data["loss"]
    middle = len(x) // 2
    ridge = loss[middle]
    across, height = np.empty((2, 81, len(y)))
    for k in range(len(y)):  # both walls end at one height above the ridge, so that no wall hides a valley
        sharp, flat = (np.searchsorted(x, data[f"{name}_floor"][k]) for name in ("sharp", "flat"))
        sides = slice(sharp, None, -1), slice(flat, None)
        walls = [np.interp(ridge[k] + WALL_HEIGHT, loss[side, k], x[side]) for side in sides]
        across[:, k] = np.append(np.linspace(walls[0], 0, 41), np.linspace(0, walls[1], 41)[1:])
        height[:, k] = np.interp(across[:, k], x, loss[:, k])
    axes.computed_zorder = False
    axes.plot_surface(
        across, np.broadcast_to(y, across.shape), height, cmap=settings["surface_colormap"], rcount=81, ccount=60,
        linewidth=0, antialiased=False, rasterized=True,
    )  # fmt: skip

    def on_surface(at: np.ndarray, along: np.ndarray) -> np.ndarray:
        columns = np.clip(np.round(along / (y[1] - y[0])).astype(int), 0, len(y) - 1)
        return np.array([np.interp(one, x, loss[:, k]) for one, k in zip(at, columns, strict=True)]) + 0.01

    for name, label in (("sharp", "sharper valley"), ("flat", "flatter valley")):
        floor, color = data[f"{name}_floor"], settings[f"{name}_color"]
        axes.plot(floor, y, on_surface(floor, y), color=color, linewidth=1.6, zorder=3, label=f"floor of the {label}")
    for k, run in enumerate(data["trajectory"][:2]):
        shown = run[np.isfinite(run).all(axis=1) & (run[:, 1] <= y[-1])]
        line = {"color": settings["run_color"], "linewidth": 0.5, "zorder": 4}
        axes.plot(*shown.T, on_surface(*shown.T), **line, label="two runs" if k == 0 else None)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.02))
    axes.set_xlabel("$x$", labelpad=-8)
    axes.set_ylabel("$y$", labelpad=-6)
    axes.set_zlabel(r"$\mathcal{L}$", labelpad=-8)
    axes.set_zlim(height.min(), height.max())
    fade_3d_background(axes)
    axes.view_init(elev=42, azim=-122)
    axes.set_box_aspect((4, 5, 2.6), zoom=1.12)
