"""Maps over the cells (eta, B) of a sweep: one number a cell, from its runs.

Cells are numbered row by row in (eta, B): first all batch sizes of the first learning rate.
"""

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np

from sgd_valleys.measures.similarity import mask_solutions
from sgd_valleys.statistics.bootstrap import resample_images
from sgd_valleys.statistics.reduce import RUNS_OF_MAXIMUM, expected_max, finite_max, finite_mean

Measure = Callable[[int, np.ndarray], np.ndarray]
ON_IMAGES = {"test_accuracy": "test_error", "test_file_accuracy": "test_file_error"}  # accuracy: its errors by image
OVER_CONVERGED = (*ON_IMAGES, "flatness")
OVER_FINITE = ("train_loss", "test_loss", "train_accuracy", "displacement")

EXPECTED = f"{RUNS_OF_MAXIMUM} draws from the converged runs, expected"
# long name and unit of the maps whose rank correlation with the noise is computed
TRENDS = {
    "similarity": ("mean Jaccard similarity of pairs of the cell's runs, Eq. 4", "1"),
    "mean_test_accuracy": ("mean test accuracy of the converged runs", "1"),
    "expected_max_test_accuracy": (f"largest test accuracy of {EXPECTED}", "1"),
    "mean_test_file_accuracy": ("mean accuracy of the converged runs on the whole test file", "1"),
    "expected_max_test_file_accuracy": (f"largest accuracy on the whole test file of {EXPECTED}", "1"),
    "mean_flatness": ("mean flatness F of the converged runs, Eq. 6", "1/nat"),
    "expected_max_flatness": (f"largest flatness F of {EXPECTED}, Eq. 6", "1/nat"),
    "eta_t_freeze": ("eta times the mean freezing time of the runs that freeze, Eq. 7", "1"),
    "convergence_probability": ("fraction of the runs that converge", "1"),
}
# long name and unit of all other maps
MAPS = {
    "max_test_accuracy": ("largest test accuracy of the converged runs", "1"),
    "max_test_file_accuracy": ("largest accuracy of the converged runs on the whole test file", "1"),
    "max_flatness": ("largest flatness F of the converged runs, Eq. 6", "1/nat"),
    "displacement_cosine": ("mean cosine similarity of pairs of the cell's displacements", "1"),
    "mean_train_loss": ("mean training loss at T of the finite runs", "nat"),
    "mean_test_loss": ("mean test loss at T of the finite runs", "nat"),
    "mean_train_accuracy": ("mean training accuracy at T of the finite runs", "1"),
    "mean_displacement": ("mean length of the layer's displacement of the finite runs", "1"),
}


def noise(eta: np.ndarray, B: np.ndarray, M: int) -> np.ndarray:
    """Compute the noise eta (1/B - 1/M), shape (eta, B), of minibatches of B out of M samples, in 1/samples.

    This noise scale is that of sampling without replacement, and is 0 at B = M (Smith & Le 2018, arXiv 1710.06451).
    """
    return eta[:, None] * (1 / B - 1 / M)


def fewest_runs(runs: np.ndarray, gradient_descent: np.ndarray) -> int:
    """Return the smallest number of ``runs`` (..., B) among the cells with noise or with several initializations.

    A cell with a single run of gradient descent, ``gradient_descent`` (B), does not count. This run stands for every
    realization. The result is 1 if there is no other cell.
    """
    counted = runs[~gradient_descent | (runs > 1)]
    return int(counted.min()) if counted.size else 1


def count_runs(endpoints: Mapping[str, np.ndarray], freezing_time: np.ndarray) -> dict[str, int]:
    """Count the runs of all cells that enter each quantity of ``TRENDS``; see ``measures`` for the arguments."""
    return {
        **dict.fromkeys(TRENDS, int(endpoints["converged"].sum())),
        "similarity": int(endpoints["runs"].sum() - endpoints["diverged"].sum()),
        "eta_t_freeze": int(np.isfinite(freezing_time).sum()),
        "convergence_probability": int(endpoints["runs"].sum()),
    }


def reduce_runs(endpoints: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Compute the maps (eta, B) of ``MAPS``, by name, from the arrays of ``endpoints.h5``."""
    largest = {f"max_{name}": finite_max(converged_only(endpoints, name)) for name in OVER_CONVERGED}
    means = {f"mean_{name}": finite_mean(endpoints[name]) for name in OVER_FINITE}
    return {**largest, "displacement_cosine": endpoints["displacement_cosine"], **means}


def converged_only(endpoints: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return a quantity (eta, B, realization) of ``endpoints.h5``, NaN for runs that do not converge."""
    return np.where(endpoints["converged"], endpoints[name], np.nan)


def resample_accuracy(
    endpoints: Mapping[str, np.ndarray], name: str, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Return an accuracy of ``ON_IMAGES`` (resample, eta, B, realization) on resampled test images.

    The accuracy is NaN for runs that do not converge.
    """
    accuracy = resample_images(endpoints[ON_IMAGES[name]], rng, resamples)
    return np.where(endpoints["converged"], accuracy, np.nan)


def eta_t_freeze(eta: np.ndarray, freezing_time: np.ndarray) -> np.ndarray:
    """Compute eta <t_freeze> (..., eta, B) over the runs that freeze; NaN where no run freezes.

    Args:
        eta: (eta) learning rates.
        freezing_time: (..., eta, B, realization) in iterations, NaN for a run that does not freeze.
    """
    return finite_mean(eta[:, None, None] * freezing_time)


def measures(
    endpoints: Mapping[str, np.ndarray],
    freezing_time: np.ndarray,
    solutions: Mapping[str, np.ndarray],
    resampled: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Measure]:
    """Return the quantities of ``TRENDS`` as functions of a cell and a selection of its runs.

    Args:
        endpoints: arrays of ``endpoints.h5``: ``eta`` (eta), ``B`` and ``gradient_descent`` (B), and ``converged``,
            ``diverged``, ``OVER_CONVERGED`` (eta, B, realization).
        freezing_time: (eta, B, realization) in iterations, NaN for a run that does not freeze.
        solutions: arrays of ``jaccard.h5``: ``jaccard`` (solution, solution) of all runs, ``solution_eta`` and
            ``solution_B`` (solution). The solutions of a cell are in the order of its realizations.
        resampled: accuracies (resample, eta, B, realization) from ``resample_accuracy`` by name. They replace the
            accuracies of ``endpoints`` at positions (resample, run) of a bootstrap.

    Returns:
        functions by name: (cell, positions (..., run) among the cell's runs) -> the quantity (...). The quantity is NaN
        where it is undefined.
    """
    found = {
        "similarity": _similarity(endpoints, solutions),
        "eta_t_freeze": _over(endpoints["eta"][:, None, None] * freezing_time, finite_mean),
        "convergence_probability": _over(endpoints["converged"].astype(float), finite_mean),
    }
    for name in OVER_CONVERGED:
        values, images = converged_only(endpoints, name), (resampled or {}).get(name)
        for kind, reduce in (("mean", finite_mean), ("expected_max", expected_max)):
            found[f"{kind}_{name}"] = _over(values, reduce, images)
    return {name: found[name] for name in TRENDS}


def _over(
    values: np.ndarray, reduce: Callable[[np.ndarray], np.ndarray], resampled: np.ndarray | None = None
) -> Measure:
    """Return the reduction of values (eta, B, realization) over chosen runs of a cell.

    ``resampled`` (resample, eta, B, realization) replaces the values at positions (resample, run) of a bootstrap.
    """

    def measure(cell: int, chosen: np.ndarray) -> np.ndarray:
        i, j = np.unravel_index(cell, values.shape[:2])
        if resampled is None or chosen.ndim == 1:
            return reduce(values[i, j][chosen])
        return reduce(np.take_along_axis(resampled[:, i, j], chosen, axis=-1))

    return measure


def _similarity(endpoints: Mapping[str, np.ndarray], solutions: Mapping[str, np.ndarray]) -> Measure:
    """Return the mean similarity over pairs of distinct runs, as a function of a cell and its chosen runs.

    A single run without noise stands for all realizations, which have similarity 1.
    """
    blocks = []
    for (i, eta), (j, B) in product(enumerate(endpoints["eta"]), enumerate(endpoints["B"])):
        own = np.flatnonzero((solutions["solution_eta"] == eta) & (solutions["solution_B"] == B))
        block = mask_solutions(solutions["jaccard"][np.ix_(own, own)], endpoints["diverged"][i, j, : len(own)])
        if not endpoints["gradient_descent"][j] or len(own) > 1:
            np.fill_diagonal(block, np.nan)  # a run that a resample contains twice is no pair
        blocks.append(block)

    def measure(cell: int, chosen: np.ndarray) -> np.ndarray:
        block = blocks[cell][chosen[..., :, None], chosen[..., None, :]]
        return finite_mean(block.reshape(*chosen.shape[:-1], -1))

    return measure
