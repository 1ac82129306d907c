"""Fig. 3: stronger noise extends the transient search before freezing.

Reads ``cell_maps``, ``freezing``, ``train`` and ``curvature``. The files of ``train`` are those of every B at
``fig3.eta`` and of the run of panel A. The files of ``curvature`` are those of every B at ``fig3.eta``. The first
threshold is L_c.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures import panels, runs
from sgd_valleys.figures.style import Arrays, label_panel, mark_empty, mark_value, styled_figure
from sgd_valleys.figures.symbols import ITERATION, TRAIN_ACCURACY, TRAIN_LOSS, with_loss_units
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import find_cell, index_of


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read the plotted arrays; ``train`` and ``curvature`` are dictionaries of cells by (eta, B)."""
    return (
        panels.load_grid(paths["cell_maps"], ["eta_t_freeze"])
        | hdf5.read(paths["freezing"], ["threshold", "realization", "freezing_time"])
        | {
            "train": panels.load_cells(paths["train"], ["train_loss", "train_accuracy"]),
            "curvature": panels.load_cells(paths["curvature"], ["flatness"]),
        }
    )


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw panels A-D."""
    with styled_figure(style, 4.6) as figure:
        (run, loss), (freezing, flatness) = figure.subplots(2, 2)
        _draw_run(run, data, settings)
        runs.draw_mean_loss(loss, "B", data, settings["eta"], settings["B_colormap"])
        panels.draw_map(freezing, "C", data, "eta_t_freeze", settings["colormap"])
        runs.draw_mean_flatness(flatness, "D", data, settings["eta"], settings["B_colormap"])
    return figure


def read_run(data: dict[str, Any], eta: float, B: int, realization: int) -> tuple[Arrays, float] | None:
    """Return the curves and the freezing time of a run (NaN if the run does not freeze); None without such a run."""
    trained, cell = data["train"].get((eta, B)), find_cell(data["eta"], data["B"], eta, B)
    row = None if trained is None else index_of(trained["realization"], realization)
    if row is None or cell is None:
        return None
    curves = {name: trained[name][row] for name in ("train_loss", "train_accuracy")}
    freezing_time = data["freezing_time"][0, *cell, index_of(data["realization"], realization)]
    return curves | {"iteration": trained["iteration"]}, float(freezing_time)


def _draw_run(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    """Draw loss and accuracy of one run, and its freezing time."""
    chosen = settings["run"]
    label_panel(axes, "A", rf"$B = {chosen['B']},\ \eta = {chosen['eta']:g}$")
    axes.set_xlabel(ITERATION)
    axes.set_ylabel(with_loss_units(TRAIN_LOSS, data["loss_units"]), color=settings["loss_color"])
    run = read_run(data, **chosen)
    if run is None or np.isfinite(run[0]["train_loss"]).sum() < 2:  # only the value at the start is finite
        mark_empty(axes)
        return
    curves, freezing_time = run
    axes.plot(curves["iteration"], curves["train_loss"], color=settings["loss_color"])
    axes.set(yscale="log", xlim=(0, curves["iteration"][-1]))
    L_c = data["threshold"][0]
    mark_value(axes, L_c, rf"$\mathcal{{L}}_c = {L_c:g}$", 1, (-3, 2), ha="right")
    if np.isfinite(freezing_time):
        label = rf"$t_{{\mathrm{{freeze}}}} = {freezing_time:.0f}$"
        mark_value(axes, freezing_time, label, 0.04, (3, 0), vertical=True, linestyle="--")
    right = axes.twinx()
    right.plot(curves["iteration"], curves["train_accuracy"], color=settings["accuracy_color"])
    right.set_ylabel(TRAIN_ACCURACY, color=settings["accuracy_color"])
    right.spines["right"].set_visible(True)
    for side, color in ((axes, settings["loss_color"]), (right, settings["accuracy_color"])):
        side.tick_params(axis="y", which="both", labelcolor=color)
