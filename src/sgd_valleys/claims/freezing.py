"""Claims about freezing: how long the transient phase lasts, and what precedes it (Sec. II C, Figs. 3, S3 and S5)."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import NO_INTERVAL, Arrays, RngFactory, converged_only, over_map
from sgd_valleys.claims.verdict import (
    ANY,
    MODERATE,
    STRONG,
    Claim,
    Direction,
    Estimate,
    Value,
    at_least,
    at_most,
    falls,
    rises,
)
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import finite_max, finite_mean
from sgd_valleys.storage.cells import find_cell, index_of

START = 0.05  # fraction of the training that counts as its start


def eta_t(freezing: Arrays, threshold: int = 0) -> np.ndarray:
    """Return eta t_freeze (eta, B, run) at a threshold, given by its index; NaN for a run that never freezes."""
    return freezing["eta"][:, None, None] * freezing["freezing_time"][threshold]


def collect(
    endpoints: Arrays,
    freezing: Arrays,
    cell_maps: Arrays,
    new_rng: RngFactory,
    resamples: int,
    eta: float,
    reference: tuple[float, int],
) -> list[Claim]:
    """Collect the claims about Fig. 3A to C.

    Args:
        endpoints: ``eta``, ``B``, ``runs``, ``converged``, ``flatness``, ``train_loss`` of endpoints.h5.
        freezing: ``eta``, ``B``, ``freezing_time`` of freezing.h5.
        cell_maps: ``eta_t_freeze``, ``mean_flatness`` of cell_maps.h5.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples, and of permutations of each test.
        eta: learning rate of Fig. 3B.
        reference: cell of the run of Figs. 3A and 4.
    """
    time = eta_t(freezing)
    return [
        Claim(
            "reference_freezing",
            "II C, Figs. 3A, 4",
            f"A run of (eta, B) = {reference}, such as the reference run, freezes at iteration 440.",
            "440",
            Value(440.0, tolerance=20.0),
            reference_freezing(freezing, *reference),
        ),
        Claim(
            "freezing_with_B",
            "II C, Fig. 3B",
            f"At eta = {eta:g} smaller batches freeze later.",
            "falls with B",
            falls(ANY),
            estimates.rate_trend(endpoints, time, eta, new_rng(), resamples, resamples),
        ),
        Claim(
            "final_losses_comparable",
            "II C, Fig. 3B",
            f"At eta = {eta:g} all batch sizes end at comparable training losses.",
            "largest cell mean at most twice the smallest",
            at_most(2.0),
            loss_ratio(endpoints, eta, new_rng(), resamples),
        ),
        *collect_longer_is_flatter(endpoints, freezing, cell_maps, new_rng, resamples),
    ]


def collect_longer_is_flatter(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_rng: RngFactory, resamples: int
) -> list[Claim]:
    """Collect the claim that solutions after a long transient phase are flat, of any experiment.

    Args:
        endpoints: ``runs``, ``converged``, ``flatness`` of endpoints.h5.
        freezing: ``eta``, ``freezing_time`` of freezing.h5.
        cell_maps: ``eta_t_freeze``, ``mean_flatness`` of cell_maps.h5.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples, and of permutations of the test.
    """
    cubes = eta_t(freezing), converged_only(endpoints, "flatness")
    maps = cell_maps["eta_t_freeze"], cell_maps["mean_flatness"]
    return [
        Claim(
            "longer_is_flatter",
            "II C, end",
            "The longer the transient phase of a cell, the flatter its solutions.",
            "rises directly",
            rises(MODERATE),
            estimates.map_correlation(cubes, finite_mean, maps, endpoints["runs"], new_rng(), resamples),
        )
    ]


def reference_freezing(freezing: Arrays, eta: float, B: int) -> Estimate:
    """Estimate the freezing time, in iterations, of a single run of a cell at the first threshold, with its spread."""
    cell = find_cell(freezing["eta"], freezing["B"], eta, B)
    return estimates.one_run(freezing["freezing_time"][0][cell] if cell else np.array([]))


def loss_ratio(endpoints: Arrays, eta: float, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the largest over the smallest mean final training loss of the batch sizes at one learning rate."""
    row = index_of(endpoints["eta"], eta)
    if row is None:
        return Estimate(np.nan, NO_INTERVAL, f"no run at eta = {eta:g}", "ratio")

    def ratio(values: np.ndarray) -> np.ndarray:
        means = finite_mean(values)
        return np.where(np.isfinite(means).sum(axis=-1) > 1, finite_max(means) / -finite_max(-means), np.nan)

    loss = converged_only(endpoints, "train_loss")[row]
    return estimates.over_cells([loss], endpoints["runs"][row], ratio, rng, resamples, "ratio of cell means")


def collect_thresholds(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_rng: RngFactory, resamples: int
) -> list[Claim]:
    """Collect the claims that the trend of the freezing times is robust to the threshold L_c, one for each threshold.

    Args:
        endpoints: ``runs`` of endpoints.h5.
        freezing: ``threshold``, ``eta``, ``freezing_time`` of freezing.h5; the first threshold is that of Fig. 3C.
        cell_maps: ``noise``, ``eta_t_freeze_by_threshold`` of cell_maps.h5.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples, and of permutations of each test.
    """
    return [
        Claim(
            f"freezing_at_L_c_{threshold:g}",
            "II C, Fig. S3",
            f"The conclusion does not hang on L_c: at L_c = {threshold:g}, too, noise prolongs the transient phase.",
            "grows consistently",
            rises(MODERATE),
            threshold_trend(endpoints, freezing, cell_maps, k, new_rng(), resamples),
        )
        for k, threshold in enumerate(freezing["threshold"][1:], start=1)
    ]


def threshold_trend(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, k: int, rng: np.random.Generator, resamples: int
) -> Estimate:
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
    found = estimates.over_cells([eta_t(freezing, k)], endpoints["runs"], correlation, rng, resamples, method)
    return replace(found, p_value=estimates.grid_permutation_p(noise, maps[k], rng, resamples))


def collect_along_training(along: Mapping[int, Arrays], new_rng: RngFactory, resamples: int, L_c: float) -> list[Claim]:
    """Collect the claims about the course of training at one learning rate (Fig. 3B and D), of any experiment.

    Args:
        along: by batch size, ``iteration`` (time), and ``train_loss``, ``train_accuracy``, ``flatness`` (run, time).
            A run whose flatness is known only at its end is left out.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples.
        L_c: threshold of Eq. 7, nat.
    """
    along = _runs_with_flatness(along)
    return [
        Claim(
            "flatness_grows",
            "II C, Fig. 3D",
            f"After the first {START:.0%} of training flatness grows, at every noise level.",
            "grows continuously",
            rises(STRONG),
            growth_after_start(along, new_rng(), resamples),
        ),
        Claim(
            "flatness_falls_first",
            "II C, Fig. 3D",
            "At the very beginning flatness does not grow.",
            "exception at the start",
            falls(ANY),
            first_step(along, new_rng(), resamples),
        ),
        Claim(
            "flatness_ends_higher",
            "II C, Fig. 3D",
            "High-noise runs end substantially flatter than low-noise ones.",
            "smallest B 1.5 times as flat as the largest, or more",
            Direction(+1, strength=0.5, no_effect=1.0),
            final_flatness_ratio(along, new_rng(), resamples),
        ),
        Claim(
            "accuracy_after_freezing",
            "II C, Fig. 3A",
            "From t_freeze on the training accuracy approaches 100%.",
            "at least 0.98",
            at_least(0.98),
            accuracy_after_freezing(along, L_c, new_rng(), resamples),
        ),
    ]


def _runs_with_flatness(along: Mapping[int, Arrays]) -> dict[int, Arrays]:
    """Return the runs of each batch size whose flatness was recorded along training, batch sizes ascending."""
    found = {}
    for B, cell in sorted(along.items()):
        kept = np.isfinite(cell["flatness"]).sum(axis=1) > 1
        if kept.any():
            courses = {name: cell[name][kept] for name in ("flatness", "train_loss", "train_accuracy")}
            found[B] = {"iteration": cell["iteration"], **courses}
    return found


def growth_after_start(along: Mapping[int, Arrays], rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the rank correlation of flatness with time after the start, mean over runs; the least over B."""
    correlations = []
    for cell in along.values():
        late = cell["iteration"] >= START * cell["iteration"][-1]
        correlations.append(rank_correlation(cell["iteration"][late], cell["flatness"][:, late]))
    method = "least mean rank correlation with time"
    return estimates.over_batch_sizes(correlations, np.min, rng, resamples, method)


def first_step(along: Mapping[int, Arrays], rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate ln(F at the first recorded time / F at the start), mean over runs and batch sizes."""
    steps = [np.log(cell["flatness"][:, 1] / cell["flatness"][:, 0]) for cell in along.values()]
    return estimates.over_batch_sizes(steps, np.mean, rng, resamples, "mean logarithm of F(first record)/F(0)")


def accuracy_after_freezing(
    along: Mapping[int, Arrays], L_c: float, rng: np.random.Generator, resamples: int
) -> Estimate:
    """Estimate the mean training accuracy of a run from its t_freeze on; the least over batch sizes."""
    accuracies = []
    for cell in along.values():
        frozen = np.logical_or.accumulate(cell["train_loss"] < L_c, axis=1)
        accuracies.append(finite_mean(np.where(frozen, cell["train_accuracy"], np.nan)))
    return estimates.over_batch_sizes(accuracies, np.min, rng, resamples, "least mean from t_freeze on")


def final_flatness_ratio(along: Mapping[int, Arrays], rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the mean final flatness of the smallest batch size over that of the largest."""
    ends = [along[B]["flatness"][:, -1] for B in sorted(along)]
    return estimates.over_batch_sizes(ends, lambda means: means[0] / means[-1], rng, resamples, "ratio of means")
