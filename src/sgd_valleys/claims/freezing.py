"""Effects in the transient phase: its length and its influence on the solution (Sec. II C, Figs. 3 and S3, C6)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import (
    Arrays,
    Cube,
    NewSampling,
    Sampling,
    not_measured,
    stored,
    stored_control,
    weakest,
)
from sgd_valleys.claims.noise import within_cells
from sgd_valleys.claims.permutations import axis_permutation_p
from sgd_valleys.claims.verdict import Control, Estimate
from sgd_valleys.measures.cell_maps import converged_only
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation
from sgd_valleys.statistics.reduce import finite_max, finite_mean
from sgd_valleys.storage.cells import Cell, find_cell, index_of

START = 0.05  # fraction of the training that counts as its start


def measure(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_sampling: NewSampling, eta: float, reference: Cell
) -> dict[str, Estimate]:
    """Measure the effects of Figs. 3A to C and S3, from arrays of endpoints.h5, freezing.h5 and cell_maps.h5.

    ``eta`` is the learning rate of Fig. 3B, ``reference`` the cell (eta, B) of the run of Figs. 3A and 4.
    """
    by_threshold = {
        f"L_c = {threshold:g}": threshold_trend(endpoints, freezing, cell_maps, k, new_sampling())
        for k, threshold in enumerate(freezing["threshold"][1:], start=1)
    }
    found = {
        "reference_freezing": reference_freezing(freezing, *reference).beside(
            _descent_freezing(endpoints, freezing, reference[0])
        ),
        "longer_is_flatter": longer_is_flatter(endpoints, freezing, cell_maps, new_sampling),
        "freezing_with_B": estimates.rate_trend(endpoints, eta_t(freezing), eta, new_sampling()),
        "final_losses_comparable": loss_ratio(endpoints, eta, new_sampling()),
    }
    if by_threshold:
        found["freezing_at_other_thresholds"] = weakest(by_threshold)
    return found


def longer_is_flatter(endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_sampling: NewSampling) -> Estimate:
    """Estimate the rank correlation over cells of the length of the transient phase and the flatness.

    The control is the correlation over the runs of a cell, which have equal eta and B.
    """
    cubes = eta_t(freezing), Cube(converged_only(endpoints, "flatness"))
    maps = cell_maps["eta_t_freeze"], cell_maps["mean_flatness"]
    found = estimates.map_correlation(cubes, finite_mean, maps, endpoints, new_sampling())
    return found.beside(within_cells(cubes[0].values, cubes[1].values, new_sampling()))


def measure_along_training(
    along: Mapping[int, Arrays], descent: int | None, new_sampling: NewSampling, L_c: float
) -> dict[str, Estimate]:
    """Measure the course of training at one learning rate (Fig. 3B and D).

    ``along`` has, by batch size, ``iteration`` (time) and ``train_loss``, ``train_accuracy``, ``flatness`` (run, time).
    Runs with a known flatness at fewer than two times are left out. ``descent`` is the batch size of gradient descent
    or None. ``L_c`` is the threshold of Eq. 7 in nat.
    """
    cells = _runs_with_flatness(along)
    accuracy = partial(accuracy_after_freezing, L_c=L_c)

    def estimate(measure: Callable[[Arrays], np.ndarray], reduce: Callable, method: str) -> Estimate:
        values = {B: measure(cell) for B, cell in cells.items()}
        return estimates.over_batch_sizes(values, descent, reduce, new_sampling(), method)

    return {
        "flatness_grows": estimate(growth_after_start, np.min, "least mean"),
        "flatness_falls_first": estimate(first_step, np.mean, "mean"),
        "flatness_ends_higher": estimate(final_flatness, lambda means: means[0] / means[-1], "ratio of means"),
        "accuracy_after_freezing": estimate(accuracy, np.min, "least mean"),
    }


def measure_basin_times(control: Arrays) -> dict[str, Estimate]:
    """Read the headline numbers of control C6: freezing by continuation, by the first criterion, and by loss."""
    runs = f"{len(control['run_eta'])} runs"
    trend, within = (
        stored([control[name][0], *control[f"{name}_interval"][:, 0]], runs, f"bootstrap over {unit}").beside(
            stored_control("permuted runs, central 95%", [np.nan, *control[f"{name}_null"][:, 0]])
        )
        for name, unit in (("trend", "runs"), ("within", "cells"))
    )
    by_loss = [control["trend"][-1], *control["trend_interval"][:, -1]]
    ratio = stored([control["ratio"][0], *control["ratio_interval"][:, 0]], runs, "bootstrap over runs")
    return {
        "basin_time_with_noise": trend.beside(stored_control("t_freeze by loss of the same runs", by_loss)),
        "basin_time_within_cells": within.beside(ratio.as_control("mean t_f over mean t_freeze")),
        "basin_time_ratio": ratio,
    }


def eta_t(freezing: Arrays, threshold: int = 0) -> Cube:
    """Return eta t_freeze (eta, B, run) at the threshold of an index; NaN for a run that never freezes."""
    return Cube(freezing["eta"][:, None, None] * freezing["freezing_time"][threshold])


def reference_freezing(freezing: Arrays, eta: float, B: int) -> Estimate:
    """Estimate the freezing time (iterations) of a single run of a cell at the first threshold, with the spread."""
    cell = find_cell(freezing["eta"], freezing["B"], eta, B)
    return estimates.one_run(freezing["freezing_time"][0][cell] if cell else np.array([]))


def _descent_freezing(endpoints: Arrays, freezing: Arrays, eta: float) -> Control:
    """Return the freezing time (iterations) of gradient descent at a learning rate; NaN without gradient descent."""
    row, columns = index_of(freezing["eta"], eta), np.flatnonzero(endpoints["gradient_descent"])
    known = row is not None and columns.size
    times = freezing["freezing_time"][0][row, columns[0]] if known else np.empty(0)
    return Control("gradient descent", float(finite_mean(times)))


def loss_ratio(endpoints: Arrays, eta: float, sampling: Sampling) -> Estimate:
    """Estimate the largest over the smallest mean final training loss of the batch sizes at one learning rate."""
    row = index_of(endpoints["eta"], eta)
    if row is None:
        return not_measured(f"no run at eta = {eta:g}", "ratio")

    def ratio(values: np.ndarray) -> np.ndarray:
        means = finite_mean(values)
        return np.where(np.isfinite(means).sum(axis=-1) > 1, finite_max(means) / -finite_max(-means), np.nan)

    loss = Cube(converged_only(endpoints, "train_loss")[row])
    cells = {"runs": endpoints["runs"][row], "gradient_descent": endpoints["gradient_descent"]}
    return estimates.over_cells([loss], cells, ratio, sampling, "ratio of cell means")


def threshold_trend(endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, k: int, sampling: Sampling) -> Estimate:
    """Estimate the mean rank correlation of eta <t_freeze> at the k-th threshold with 1/B at fixed eta."""
    at = 1 / endpoints["B"]

    def correlation(values: np.ndarray) -> np.ndarray:
        return axis_correlation(finite_mean(values), at, 1)

    found = estimates.over_cells(
        [eta_t(freezing, k)], endpoints, correlation, sampling, "mean rank correlation, permutation of batch sizes"
    )
    return replace(found, p_value=axis_permutation_p(cell_maps["eta_t_freeze_by_threshold"][k], at, 1, *sampling))


def growth_after_start(cell: Arrays) -> np.ndarray:
    """Return the rank correlation (run) of flatness with time, after the fraction ``START`` of the training."""
    late = cell["iteration"] >= START * cell["iteration"][-1]
    return rank_correlation(cell["iteration"][late], cell["flatness"][:, late])


def final_flatness(cell: Arrays) -> np.ndarray:
    """Return the flatness (run) at the end of training."""
    return cell["flatness"][:, -1]


def first_step(cell: Arrays) -> np.ndarray:
    """Return the logarithm (run) of the flatness at the first record over that at the start."""
    return np.log(cell["flatness"][:, 1] / cell["flatness"][:, 0])


def accuracy_after_freezing(cell: Arrays, L_c: float) -> np.ndarray:
    """Return the mean training accuracy (run) from t_freeze on; NaN for a run that never freezes."""
    frozen = np.logical_or.accumulate(cell["train_loss"] < L_c, axis=1)
    return finite_mean(np.where(frozen, cell["train_accuracy"], np.nan))


def _runs_with_flatness(along: Mapping[int, Arrays]) -> dict[int, Arrays]:
    """Return the runs whose flatness was recorded along training, by batch size in ascending order."""
    cells: dict[int, Arrays] = {}
    for B, cell in sorted(along.items()):
        kept = np.isfinite(cell["flatness"]).sum(axis=1) > 1
        if kept.any():
            courses = {name: cell[name][kept] for name in ("flatness", "train_loss", "train_accuracy")}
            cells[B] = {"iteration": cell["iteration"], **courses}
    return cells
