"""Maps over the cells (eta, B) of a sweep: one number a cell, from its runs.

Cells are numbered row by row in (eta, B): first all batch sizes of the first learning rate.
"""

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np

from sgd_valleys.measures.similarity import mask_solutions
from sgd_valleys.statistics.reduce import finite_max, finite_mean

Measure = Callable[[int, np.ndarray], np.ndarray]
OVER_CONVERGED = ("test_accuracy", "test_file_accuracy", "flatness")
OVER_FINITE = ("train_loss", "test_loss", "train_accuracy", "displacement")

# long name and unit of the maps whose rank correlation with the noise is computed
TRENDS = {
    "similarity": ("mean Jaccard similarity of pairs of the cell's runs, Eq. 4", "1"),
    "mean_test_accuracy": ("mean test accuracy of the converged runs", "1"),
    "max_test_accuracy": ("largest test accuracy of the converged runs", "1"),
    "mean_test_file_accuracy": ("mean accuracy of the converged runs on the whole test file", "1"),
    "max_test_file_accuracy": ("largest accuracy of the converged runs on the whole test file", "1"),
    "mean_flatness": ("mean flatness F of the converged runs, Eq. 6", "1/nat"),
    "max_flatness": ("largest flatness F of the converged runs, Eq. 6", "1/nat"),
    "eta_t_freeze": ("eta times the mean freezing time of the runs that freeze, Eq. 7", "1"),
    "convergence_probability": ("fraction of the runs that converge", "1"),
}
# long name and unit of all other maps
MAPS = {
    "displacement_cosine": ("mean cosine similarity of pairs of the cell's displacements", "1"),
    "mean_train_loss": ("mean training loss at T of the finite runs", "nat"),
    "mean_test_loss": ("mean test loss at T of the finite runs", "nat"),
    "mean_train_accuracy": ("mean training accuracy at T of the finite runs", "1"),
    "mean_displacement": ("mean length of the layer's displacement of the finite runs", "1"),
}


def noise(eta: np.ndarray, B: np.ndarray, gradient_descent: np.ndarray) -> np.ndarray:
    """Compute the noise eta / B (eta, B) in 1/samples; 0 where ``gradient_descent`` (B), no noise, is True."""
    return np.where(gradient_descent, 0, eta[:, None] / B)


def fewest_runs(runs: np.ndarray, gradient_descent: np.ndarray) -> int:
    """Return the fewest ``runs`` (..., B) of a cell with noise, or with several initializations.

    A single run where ``gradient_descent`` (B) is True stands for every realization, so that it does not count; the
    result is 1 if there is no other cell.
    """
    counted = runs[~gradient_descent | (runs > 1)]
    return int(counted.min()) if counted.size else 1


def count_runs(endpoints: Mapping[str, np.ndarray], freezing_time: np.ndarray) -> dict[str, int]:
    """Return the number of runs behind each quantity of ``TRENDS``, of all cells; see ``measures``."""
    return {
        **dict.fromkeys(TRENDS, int(endpoints["converged"].sum())),
        "similarity": int(endpoints["runs"].sum() - endpoints["diverged"].sum()),
        "eta_t_freeze": int(np.isfinite(freezing_time).sum()),
        "convergence_probability": int(endpoints["runs"].sum()),
    }


def reduce_runs(endpoints: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Compute the maps (eta, B) of ``MAPS``, by name, from the arrays of ``endpoints.h5``."""
    means = {f"mean_{name}": finite_mean(endpoints[name]) for name in OVER_FINITE}
    return {"displacement_cosine": endpoints["displacement_cosine"], **means}


def eta_t_freeze(eta: np.ndarray, freezing_time: np.ndarray) -> np.ndarray:
    """Compute eta <t_freeze> over the runs that freeze: (..., eta, B); NaN where no run freezes.

    Args:
        eta: (eta) learning rates.
        freezing_time: (..., eta, B, realization) in iterations, NaN for a run that does not freeze.
    """
    return finite_mean(eta[:, None, None] * freezing_time)


def measures(
    endpoints: Mapping[str, np.ndarray], freezing_time: np.ndarray, solutions: Mapping[str, np.ndarray]
) -> dict[str, Measure]:
    """Return the quantities of ``TRENDS`` as functions of a cell and a selection of its runs.

    Args:
        endpoints: of ``endpoints.h5``, ``eta``, ``B``; ``gradient_descent`` (B); ``converged``, ``diverged`` and
            ``OVER_CONVERGED`` (eta, B, realization).
        freezing_time: (eta, B, realization) in iterations, NaN for a run that does not freeze.
        solutions: of ``jaccard.h5``, ``jaccard`` (solution, solution) of all runs; ``solution_eta`` and ``solution_B``,
            the cell of each, in the order of its realizations.

    Returns:
        by name, (cell, positions (..., run) among the cell's runs) -> the quantity (...); NaN where it is undefined.
    """
    converged = endpoints["converged"]
    found = {
        "similarity": _similarity(endpoints, solutions),
        "eta_t_freeze": _over(endpoints["eta"][:, None, None] * freezing_time, finite_mean),
        "convergence_probability": _over(converged.astype(float), finite_mean),
    }
    for name in OVER_CONVERGED:
        values = np.where(converged, endpoints[name], np.nan)
        found |= {f"mean_{name}": _over(values, finite_mean), f"max_{name}": _over(values, finite_max)}
    return {name: found[name] for name in TRENDS}


def _over(values: np.ndarray, reduce: Callable[[np.ndarray], np.ndarray]) -> Measure:
    by_cell = values.reshape(-1, values.shape[-1])
    return lambda cell, chosen: reduce(by_cell[cell][chosen])


def _similarity(endpoints: Mapping[str, np.ndarray], solutions: Mapping[str, np.ndarray]) -> Measure:
    """Average the similarity over pairs of distinct runs; a single run without noise stands for all realizations."""
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
