"""Maps over the cells (eta, B) of a sweep: one number a cell, from all of its runs.

Cells are numbered as they stand in (eta, B), those of the first rate first.
"""

from collections.abc import Callable, Mapping

import numpy as np

from sgd_valleys.statistics.reduce import finite_max, finite_mean

Measure = Callable[[int, np.ndarray], np.ndarray]
OVER_CONVERGED = ("test_accuracy", "test_file_accuracy", "flatness")
OVER_FINITE = ("train_loss", "test_loss", "train_accuracy", "displacement")

# long name and unit of the maps whose trend with the noise is taken
TRENDS = {
    "similarity": ("mean Jaccard similarity of pairs of the cell's runs, Eq. 4", "1"),
    "mean_test_accuracy": ("mean test accuracy of the converged runs", "1"),
    "max_test_accuracy": ("largest test accuracy of the converged runs", "1"),
    "mean_test_file_accuracy": ("mean accuracy of the converged runs on the whole test file", "1"),
    "max_test_file_accuracy": ("largest accuracy of the converged runs on the whole test file", "1"),
    "mean_flatness": ("mean flatness F of the converged runs, Eq. 6", "1/nat"),
    "max_flatness": ("largest flatness F of the converged runs, Eq. 6", "1/nat"),
    "eta_t_freeze": ("eta times the mean freezing time of the runs that freeze, Eq. 7", "1"),
    "convergence_probability": ("share of the runs that converge", "1"),
}
# long name and unit of all others
MAPS = {
    "displacement_cosine": ("mean cosine similarity of pairs of the cell's displacements", "1"),
    "mean_train_loss": ("mean training loss at T of the runs that stay finite", "nat"),
    "mean_test_loss": ("mean test loss at T of the runs that stay finite", "nat"),
    "mean_train_accuracy": ("mean training accuracy at T of the runs that stay finite", "1"),
    "mean_displacement": ("mean length of the layer's displacement of the runs that stay finite", "1"),
}


def noise(eta: np.ndarray, B: np.ndarray, M: int) -> np.ndarray:
    """Return eta / B in 1/samples, (eta, B); 0 for full-batch gradient descent, which has no noise at any rate.

    Args:
        eta: (eta) learning rates.
        B: (B) batch sizes.
        M: training samples.
    """
    return np.where(B == M, 0, eta[:, None] / B)


def reduce_runs(ends: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the maps (eta, B) of ``MAPS``, by name, from the arrays of ``endpoints.h5``."""
    means = {f"mean_{name}": finite_mean(ends[name]) for name in OVER_FINITE}
    return {"displacement_cosine": ends["displacement_cosine"], **means}


def eta_t_freeze(eta: np.ndarray, freezing_time: np.ndarray) -> np.ndarray:
    """Return eta <t_freeze> over the runs that freeze, (..., eta, B); NaN where none does.

    Args:
        eta: (eta) learning rates.
        freezing_time: (..., eta, B, realization) iterations, NaN for a run that does not freeze.
    """
    return finite_mean(eta[:, None, None] * freezing_time)


def measures(
    ends: Mapping[str, np.ndarray], freezing_time: np.ndarray, pairs: Mapping[str, np.ndarray], M: int
) -> dict[str, Measure]:
    """The quantities of a cell, each by its name.

    Args:
        ends: of ``endpoints.h5``, ``eta``, ``B``; ``converged``, ``diverged``, ``OVER_CONVERGED`` (eta, B, run).
        freezing_time: (eta, B, realization) in iterations, NaN for a run that does not freeze.
        pairs: of ``jaccard.h5``, ``jaccard`` (solution, solution) of all runs; ``solution_eta`` and ``solution_B``,
            the cell of each, in the order of its realizations.
        M: training samples.

    Returns:
        (cell, positions (..., run) among its runs) -> its quantity (...) as these have it; NaN where none has.
    """
    cells = list(np.ndindex(ends["converged"].shape[:2]))
    converged, time = ends["converged"], ends["eta"][:, None, None] * freezing_time
    return {
        "similarity": _similarity(ends, pairs, M, cells),
        **{
            f"mean_{name}": _over(np.where(converged, ends[name], np.nan), finite_mean, cells)
            for name in OVER_CONVERGED
        },
        **{f"max_{name}": _over(np.where(converged, ends[name], np.nan), finite_max, cells) for name in OVER_CONVERGED},
        "eta_t_freeze": _over(time, finite_mean, cells),
        "convergence_probability": _over(converged.astype(float), finite_mean, cells),
    }


def _over(values: np.ndarray, reduce: Callable[[np.ndarray], np.ndarray], cells: list[tuple[int, int]]) -> Measure:
    """Reduce a cell's finite values to one."""
    return lambda cell, chosen: reduce(values[cells[cell]][chosen])


def _similarity(
    ends: Mapping[str, np.ndarray], pairs: Mapping[str, np.ndarray], M: int, cells: list[tuple[int, int]]
) -> Measure:
    """Mean over the pairs of distinct runs; gradient descent is one run, which stands for all."""
    blocks = []  # of each cell the similarities of its runs; NaN on the diagonal and where a run was lost
    for i, j in cells:
        own = np.flatnonzero((pairs["solution_eta"] == ends["eta"][i]) & (pairs["solution_B"] == ends["B"][j]))
        block = pairs["jaccard"][np.ix_(own, own)].copy()
        lost = ends["diverged"][i, j, : len(own)]
        block[lost] = block[:, lost] = np.nan
        np.fill_diagonal(block, np.nan)  # a run drawn twice is no pair
        blocks.append(block)

    def measure(cell: int, chosen: np.ndarray) -> np.ndarray:
        if ends["B"][cells[cell][1]] == M:
            return np.full(chosen.shape[:-1], np.nan if ends["diverged"][cells[cell]][0] else 1.0)[()]
        block = blocks[cell][chosen[..., :, None], chosen[..., None, :]]
        return finite_mean(block.reshape(*chosen.shape[:-1], -1))

    return measure
