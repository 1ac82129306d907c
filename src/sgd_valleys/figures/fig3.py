"""Fig. 3: stronger noise extends the transient search before freezing.

Reads ``freezing``, ``endpoints``, ``train`` (the files of every B at ``fig3.eta`` and of the run of panel A)
and ``curvature`` (the files of every B at ``fig3.eta``). The first threshold of ``freezing`` is L_c.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures import panels, runs
from sgd_valleys.figures.style import (
    DOUBLE,
    FREEZING,
    INK,
    TRAIN_ACCURACY,
    TRAIN_LOSS,
    empty,
    heatmap,
    panel,
    styled_figure,
)
from sgd_valleys.storage import hdf5


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read what the panels show; ``train`` and ``curvature`` come as cells by (eta, B)."""
    return (
        panels.load_grid(paths["endpoints"])
        | hdf5.read(paths["freezing"], ["threshold", "realization", "freezing_time"])
        | {
            "train": panels.load_cells(paths["train"], ["train_loss", "train_accuracy"]),
            "curvature": panels.load_cells(paths["curvature"], ["flatness"]),
        }
    )


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw panels A-D."""
    with styled_figure(style, DOUBLE, 4.6) as figure:
        (run, loss), (phase, flatness) = figure.subplots(2, 2)
        _draw_run(run, data, settings)
        runs.draw_mean_loss(loss, "B", data, settings["eta"], settings["B_colormap"])
        panel(phase, "C")
        heatmap(phase, data, panels.mean_freezing(data, 0), FREEZING, settings["colormap"])
        runs.draw_mean_flatness(flatness, "D", data, settings["eta"], settings["B_colormap"])
    return figure


def run_of(data: dict[str, Any], eta: float, B: int, realization: int) -> tuple[dict[str, np.ndarray], float] | None:
    """Give one run's curves and its freezing time (NaN where it has none), or None where it was not run."""
    cell = panels.cells_at(data["train"], eta).get(B)
    if cell is None or realization not in cell["realization"]:
        return None
    row = int(np.flatnonzero(cell["realization"] == realization)[0])
    curves = {name: cell[name][row] for name in ("train_loss", "train_accuracy")} | {"iteration": cell["iteration"]}
    place = [panels.index_of(data[axis], at) for axis, at in (("eta", eta), ("B", B), ("realization", realization))]
    return curves, np.nan if None in place else float(data["freezing_time"][0, *place])


def _draw_run(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    """Draw loss and accuracy of one run, and where it freezes."""
    chosen = settings["run"]
    panel(axes, "A", rf"$B = {chosen['B']},\ \eta = {chosen['eta']:g}$")
    axes.set_xlabel("iteration $t$")
    axes.set_ylabel(TRAIN_LOSS, color=settings["loss_color"])
    found = run_of(data, **chosen)
    if found is None or np.isfinite(found[0]["train_loss"]).sum() < 2:  # all but the start is lost
        empty(axes)
        return
    curves, freezing_time = found
    axes.plot(curves["iteration"], curves["train_loss"], color=settings["loss_color"])
    axes.set_yscale("log")
    axes.set_xlim(0, curves["iteration"][-1])
    axes.axhline(data["threshold"][0], color=INK, linestyle=":", linewidth=0.8)
    axes.annotate(
        rf"$\mathcal{{L}}_c = {data['threshold'][0]:g}$",
        (1, data["threshold"][0]),
        xycoords=axes.get_yaxis_transform(),
        xytext=(-3, 2),
        textcoords="offset points",
        ha="right",
        color=INK,
    )
    if np.isfinite(freezing_time):
        axes.axvline(freezing_time, color=INK, linestyle="--", linewidth=0.8)
        axes.annotate(
            rf"$t_{{\mathrm{{freeze}}}} = {freezing_time:.0f}$",
            (freezing_time, 0.04),
            xycoords=axes.get_xaxis_transform(),
            xytext=(3, 0),
            textcoords="offset points",
            color=INK,
        )
    right = axes.twinx()
    right.plot(curves["iteration"], curves["train_accuracy"], color=settings["accuracy_color"])
    right.set_ylabel(TRAIN_ACCURACY, color=settings["accuracy_color"])
    right.spines["right"].set_visible(True)
    for side, color in ((axes, settings["loss_color"]), (right, settings["accuracy_color"])):
        side.tick_params(axis="y", which="both", labelcolor=color)
