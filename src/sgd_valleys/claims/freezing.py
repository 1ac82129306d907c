"""Claims about freezing: how long the transient phase lasts, and what precedes it (Sec. II C, Figs. 3, S3 and S5)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import Arrays, NewSampling, Sampling, converged_only, not_measured, over_map
from sgd_valleys.claims.statements import make_claims
from sgd_valleys.claims.verdict import Claim, Estimate
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import finite_max, finite_mean
from sgd_valleys.storage.cells import Cell, find_cell, index_of

START = 0.05  # fraction of the training that counts as its start


def collect(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_sampling: NewSampling, eta: float, reference: Cell
) -> list[Claim]:
    """Collect the claims about Fig. 3A to C, from arrays of endpoints.h5, freezing.h5 and cell_maps.h5.

    ``eta`` is the learning rate of Fig. 3B, ``reference`` the cell (eta, B) of the run of Figs. 3A and 4.
    """
    measured = {
        "reference_freezing": reference_freezing(freezing, *reference),
        "freezing_with_B": estimates.rate_trend(endpoints, eta_t(freezing), eta, new_sampling()),
        "final_losses_comparable": loss_ratio(endpoints, eta, new_sampling()),
    }
    return [
        *make_claims("freezing", measured, eta=eta, reference=reference),
        *collect_longer_is_flatter(endpoints, freezing, cell_maps, new_sampling),
    ]


def collect_longer_is_flatter(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_sampling: NewSampling
) -> list[Claim]:
    """Collect the claim that solutions after a long transient phase are flat, of any experiment."""
    cubes = eta_t(freezing), converged_only(endpoints, "flatness")
    maps = cell_maps["eta_t_freeze"], cell_maps["mean_flatness"]
    found = estimates.map_correlation(cubes, finite_mean, maps, endpoints, new_sampling())
    return make_claims("longer_is_flatter", {"longer_is_flatter": found})


def collect_along_training(
    along: Mapping[int, Arrays], descent: int | None, new_sampling: NewSampling, L_c: float
) -> list[Claim]:
    """Collect the claims about the course of training at one learning rate (Fig. 3B and D), of any experiment.

    ``along`` has, by batch size, ``iteration`` (time) and ``train_loss``, ``train_accuracy``, ``flatness`` (run, time).
    A run whose flatness is known only at its end is omitted. ``descent`` is the batch size of gradient descent, if the
    sweep has one. ``L_c`` is the threshold of Eq. 7, nat.
    """
    cells = _runs_with_flatness(along)
    accuracy = partial(accuracy_after_freezing, L_c=L_c)

    def estimate(measure: Callable[[Arrays], np.ndarray], reduce: Callable, method: str) -> Estimate:
        values = {B: measure(cell) for B, cell in cells.items()}
        return estimates.over_batch_sizes(values, descent, reduce, new_sampling(), method)

    measured = {
        "flatness_grows": estimate(growth_after_start, np.min, "least mean rank correlation with time"),
        "flatness_falls_first": estimate(first_step, np.mean, "mean logarithm of F(first record)/F(0)"),
        "flatness_ends_higher": estimate(final_flatness, lambda means: means[0] / means[-1], "ratio of means"),
        "accuracy_after_freezing": estimate(accuracy, np.min, "least mean from t_freeze on"),
    }
    return make_claims("along_training", measured, start=START)


def collect_thresholds(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_sampling: NewSampling
) -> list[Claim]:
    """Collect a claim for each threshold but the first: the trend of the freezing times is robust to L_c."""
    claims = []
    for k, threshold in enumerate(freezing["threshold"][1:], start=1):
        found = threshold_trend(endpoints, freezing, cell_maps, k, new_sampling())
        claims += make_claims("freezing_thresholds", {f"freezing_at_L_c_{threshold:g}": found}, threshold=threshold)
    return claims


def eta_t(freezing: Arrays, threshold: int = 0) -> np.ndarray:
    """Return eta t_freeze (eta, B, run) at a threshold, given by its index; NaN for a run that never freezes."""
    return freezing["eta"][:, None, None] * freezing["freezing_time"][threshold]


def reference_freezing(freezing: Arrays, eta: float, B: int) -> Estimate:
    """Estimate the freezing time, in iterations, of a single run of a cell at the first threshold, with its spread."""
    cell = find_cell(freezing["eta"], freezing["B"], eta, B)
    return estimates.one_run(freezing["freezing_time"][0][cell] if cell else np.array([]))


def loss_ratio(endpoints: Arrays, eta: float, sampling: Sampling) -> Estimate:
    """Estimate the largest over the smallest mean final training loss of the batch sizes at one learning rate."""
    row = index_of(endpoints["eta"], eta)
    if row is None:
        return not_measured(f"no run at eta = {eta:g}", "ratio")

    def ratio(values: np.ndarray) -> np.ndarray:
        means = finite_mean(values)
        return np.where(np.isfinite(means).sum(axis=-1) > 1, finite_max(means) / -finite_max(-means), np.nan)

    loss = converged_only(endpoints, "train_loss")[row]
    cells = {"runs": endpoints["runs"][row], "gradient_descent": endpoints["gradient_descent"]}
    return estimates.over_cells([loss], cells, ratio, sampling, "ratio of cell means")


def threshold_trend(endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, k: int, sampling: Sampling) -> Estimate:
    """Estimate the rank correlation over cells of eta <t_freeze> at the k-th threshold with the noise.

    The method of the estimate gives the correlation with the map at the first threshold too.
    """
    noise, maps = cell_maps["noise"], cell_maps["eta_t_freeze_by_threshold"]

    def correlation(values: np.ndarray) -> np.ndarray:
        return rank_correlation(noise.ravel(), over_map(finite_mean(values)))

    with_first = rank_correlation(maps[0].ravel(), maps[k].ravel())
    method = (
        f"rank correlation with eta / B ({with_first:.2f} with the map at L_c = {freezing['threshold'][0]:g}), "
        "permutation test of rows and columns"
    )
    found = estimates.over_cells([eta_t(freezing, k)], endpoints, correlation, sampling, method)
    return replace(found, p_value=estimates.grid_permutation_p(noise, maps[k], *sampling))


def growth_after_start(cell: Arrays) -> np.ndarray:
    """Return the rank correlation (run) of flatness with time after the start."""
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
    cells = {}
    for B, cell in sorted(along.items()):
        kept = np.isfinite(cell["flatness"]).sum(axis=1) > 1
        if kept.any():
            courses = {name: cell[name][kept] for name in ("flatness", "train_loss", "train_accuracy")}
            cells[B] = {"iteration": cell["iteration"], **courses}
    return cells
