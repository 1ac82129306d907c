"""Basins in which the branches of a run end, by each criterion of :mod:`sgd_valleys.measures.basins`."""

from collections.abc import Callable, Mapping

import numpy as np

from sgd_valleys.measures.basins import basin_freezing_time
from sgd_valleys.measures.paths import barrier, chord_height, pair_lines
from sgd_valleys.measures.similarity import agreement, jaccard
from sgd_valleys.networks.network import Network, Parameters

Samples = tuple[np.ndarray, np.ndarray]  # inputs (sample, ...) in the network's form, and labels (sample)


def compare_with_last(
    network: Network,
    final: Parameters,
    error: np.ndarray,
    diverged: np.ndarray,
    samples: Mapping[str, Samples],
    alpha: np.ndarray,
    loss: str = "cross_entropy",
    progress: Callable[[], object] = lambda: None,
) -> dict[str, np.ndarray]:
    """Compute the value of every criterion for the endpoint of each branch and the endpoint of the last branch.

    Args:
        network: architecture.
        final: parameters (branch, ...) of the endpoints by name.
        error: (branch, test_sample) whether the endpoint misclassifies the sample of the test set.
        diverged: (branch) whether the branch diverged.
        samples: ``train`` for the losses, and ``test_file``, the whole test file, for the predictions.
        alpha: (point) interpolation coefficients from 0 to 1; the last branch is at 0.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        progress: called after each branch that has not diverged.

    Returns:
        arrays (branch) by the names of ``basins.CRITERIA``, in the units of the criterion. They are NaN for a diverged
        branch, and for all branches if the last branch diverged.
    """
    last = len(diverged) - 1
    found = {name: np.full(last + 1, np.nan) for name in ("similarity", "agreement", "barrier", "chord_height")}
    if diverged[last]:
        return found
    finite = np.flatnonzero(~diverged)
    solutions = [{name: array[b] for name, array in final.items()} for b in range(last + 1)]
    images = samples["test_file"][0]
    classes = np.stack([network.forward(solutions[b], images).argmax(axis=1) for b in finite])
    pairs = np.stack([finite, np.full_like(finite, last)], axis=1)
    lines = pair_lines(network, solutions, pairs, samples["train"], alpha, progress, loss)
    found["similarity"][finite] = jaccard(error[finite])[-1]
    found["agreement"][finite] = agreement(classes, classes[-1])
    found["barrier"][finite] = barrier(lines)
    found["chord_height"][finite] = chord_height(lines, alpha)
    return found


def basin_times(t_c: np.ndarray, values: Mapping[str, np.ndarray], thresholds: Mapping[str, float]) -> dict[str, float]:
    """Find the time from which on all branches end in the basin of the last branch, by each criterion.

    Args:
        t_c: (branch) branching times in iterations, ascending.
        values: values (branch) by criterion, from :func:`compare_with_last`.
        thresholds: threshold by criterion, in the units of the criterion.

    Returns:
        iterations by criterion; see :func:`sgd_valleys.measures.basins.basin_freezing_time`.
    """
    return {name: basin_freezing_time(t_c, value, thresholds[name], name) for name, value in values.items()}
