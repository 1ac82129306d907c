"""Fig. 4: gradient descent from points of one SGD run shows the valleys that the run passes through.

Reads ``run`` and ``run_curvature``, the files of the SGD run. Of its branches, reads ``train``, ``curvature``,
``endpoints``, ``projection`` and ``statistics``.
"""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from sgd_valleys.figures import panels
from sgd_valleys.figures.branches import NO_BRANCH, T_C, draw_branches, draw_scatter, load_branches
from sgd_valleys.figures.style import GREY, colorbar, label_component_axes, label_panel, mark_empty, styled_figure
from sgd_valleys.figures.symbols import FLATNESS, SIMILARITY, TEST_LOSS, TRAIN_LOSS, log10_loss, with_loss_units
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import index_of

FREEZING_TIMES = {"freezing_time": "by loss", "basin_freezing_time": "by basin"}
LINE = ("test_loss_slope", "test_loss_intercept", "test_loss_r_squared")


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read the plotted arrays from the files ``paths``."""
    data = load_branches(paths, ["train_loss", "test_loss"])
    realization, curvature = hdf5.read_attributes(paths["endpoints"])["realization"], paths["run_curvature"]
    run = hdf5.read(curvature, ["flatness"], hdf5.position(curvature, "realization", realization))
    ends = hdf5.read(paths["endpoints"], ["test_loss", "flatness", "jaccard", *FREEZING_TIMES, *LINE])
    return (
        data
        | hdf5.read(paths["curvature"], ["flatness"])
        | hdf5.read(paths["projection"], ["pc", "run_pc", "explained"])
        | {"run_flatness": run["flatness"], "line": tuple(float(ends[name]) for name in LINE)}
        | {f"final_{name}": ends[name] for name in ("test_loss", "flatness")}
        | {"jaccard": ends["jaccard"]}
        | {name: float(ends[name]) for name in FREEZING_TIMES}
        | hdf5.read(paths["statistics"], ["test_loss_r_squared", "test_loss_r_squared_median"])
    )


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw panels A-E."""
    with styled_figure(style, 5.2) as figure:
        above, below = figure.add_gridspec(2, 1, height_ratios=[1.25, 1])
        top = above.subgridspec(1, 2, width_ratios=[1.25, 1])
        valleys = figure.add_subplot(top[0], projection="3d")
        label_panel(valleys, "A")
        _draw_valleys(valleys, data, settings)
        draw_branches(
            figure.add_subplot(top[1]),
            "B",
            data,
            "test_loss",
            TEST_LOSS,
            settings,
            (0.4, 0.36, 0.57, 0.56),
            power=1,
            log=True,
        )
        left, middle, right = below.subgridspec(1, 3).subplots()
        draw_branches(left, "C", data, "flatness", FLATNESS, settings, (0.2, 0.64, 0.5, 0.28), power=-1)
        left.set_ylim(top=1.4 * left.get_ylim()[1])  # room for the inset
        units, runs = data["loss_units"], np.isfinite(data["test_loss_r_squared"]).sum()
        typical = data["test_loss_r_squared_median"]
        label_panel(middle, "D", f"median $R^2$ of {runs} runs: {typical:.2f}" if runs > 1 else "")
        draw_scatter(middle, data, "final_test_loss", "final_flatness", data["line"], settings)
        middle.set(xlabel=with_loss_units(f"final {TEST_LOSS}", units))
        middle.set(ylabel=with_loss_units(f"final {FLATNESS}", units, -1))
        label_panel(right, "E")
        _draw_similarity(right, data, settings["similarity_colormap"])
    return figure


def _draw_valleys(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    """Draw the SGD run and some of its branches over the plane of the branches' principal components."""
    # Early branches are close in time but far apart in the plane: colours follow their order, not their times.
    colors = colormaps[settings["t_c_colormap"]](np.linspace(0, 0.95, len(settings["t_c"])))
    height, run_height = panels.log10_positive(data["train_loss"]), panels.log10_positive(data["run_train_loss"])
    axes.plot(*data["run_pc"].T, run_height, color=settings["run_color"], linewidth=1.3)
    handles = [Line2D([], [], color=settings["run_color"], label="SGD")]
    for t, color in zip(settings["t_c"], colors, strict=True):
        b = index_of(data["t_c"], t)
        axes.plot(*data["pc"][b].T, height[b], "o-", color=color, linewidth=0.7, markersize=1.6, markeredgewidth=0)
        handles.append(Line2D([], [], color=color, marker="o", linewidth=0.7, label=f"{t}"))
    if not np.isfinite(height).any():
        mark_empty(axes, NO_BRANCH)
    label_component_axes(axes, data["explained"], log10_loss(TRAIN_LOSS, data["loss_units"]))
    axes.legend(handles=handles, title=f"GD from {T_C}", loc="upper left", bbox_to_anchor=(1.2, 1.0))


def _draw_similarity(axes: Axes, data: dict[str, Any], colormap: str) -> None:
    """Draw the similarity of all final solutions; squares mark the branches after freezing by loss and by basin."""
    t_c = data["t_c"]
    step = np.diff(t_c)[0]
    edges = np.append(t_c, t_c[-1] + step) - step / 2
    axes.set(facecolor=GREY, box_aspect=1, xlabel=T_C, ylabel=T_C)
    jaccard = np.ma.masked_invalid(data["jaccard"])
    if jaccard.mask.all():
        mark_empty(axes, NO_BRANCH)
        return
    mesh = axes.pcolormesh(edges, edges, jaccard.T, cmap=colormap, vmax=1, rasterized=True)
    colorbar(axes, mesh, SIMILARITY)
    handles = []
    for (name, label), color, linestyle in zip(FREEZING_TIMES.items(), ("red", "white"), ("-", "--"), strict=True):
        frozen = np.flatnonzero(t_c >= data[name])
        if frozen.size == 0:
            continue
        corner = edges[frozen[0]]
        size = edges[-1] - corner
        drawn = {"edgecolor": color, "linewidth": 1.4, "linestyle": linestyle, "fill": False}
        outline = [withStroke(linewidth=2.6, foreground="black")] if color == "white" else []
        axes.add_patch(Rectangle((corner, corner), size, size, **drawn, clip_on=False, path_effects=outline))
        time = rf"$t_{{\mathrm{{freeze}}}}$ {label}: {data[name]:.0f}"
        handles.append(Patch(**drawn, label=time, path_effects=outline))
    if handles:
        axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0))
