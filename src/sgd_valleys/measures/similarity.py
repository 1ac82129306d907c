"""Similarity of solutions by their misclassified test samples, and by their displacements from the start."""

from collections.abc import Collection, Sequence

import numpy as np

from sgd_valleys.storage.cells import Cell

Run = tuple[float, int, int]  # eta, B, realization


def jaccard(error: np.ndarray) -> np.ndarray:
    """Compute the Jaccard similarity of every pair of solutions, Eq. 4.

    Two solutions without errors have similarity 1.

    Args:
        error: (solution, test_sample), True where the solution misclassifies the sample.

    Returns:
        (solution, solution), symmetric, in [0, 1], 1 on the diagonal.
    """
    sets = np.asarray(error, dtype=bool).astype(np.float32)  # exact, for fewer than 2^24 samples
    both = (sets @ sets.T).astype(np.float64)
    size = np.diagonal(both)
    either = size[:, None] + size[None, :] - both
    return np.divide(both, either, out=np.ones_like(both), where=either > 0)


def agreement(prediction: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compute the share (...) of samples with the same predicted class, from classes (..., sample) of two solutions.

    Solutions with equal error sets have agreement 1 only if their wrong classes are equal too.
    """
    return (prediction == other).mean(axis=-1)


def cosine(displacement: np.ndarray) -> np.ndarray:
    """Compute the cosine similarity (run, run) of displacements (run, parameter); NaN for one of length 0."""
    length = np.linalg.norm(displacement, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (displacement @ displacement.T) / (length[:, None] * length[None, :])


def mask_solutions(matrix: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """Return a copy of a matrix (solution, solution) with NaN in the rows and columns of the masked solutions."""
    found = matrix.copy()
    found[masked] = found[:, masked] = np.nan
    return found


def pair_mean(matrix: np.ndarray) -> float:
    """Average a symmetric matrix over its distinct pairs; NaN without a pair."""
    if len(matrix) < 2:
        return np.nan
    return float(matrix[np.triu_indices(len(matrix), k=1)].mean())


def all_pairs(members: np.ndarray) -> np.ndarray:
    """List the distinct pairs (pair, 2) of ``members`` (solution), in the order of the members."""
    return members[np.stack(np.triu_indices(len(members), k=1), axis=1)]


def sample_pairs(solutions: int, pairs: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``pairs`` distinct pairs (pair, 2), positions i < j in ascending order, or all pairs if there are fewer."""
    possible = solutions * (solutions - 1) // 2
    drawn = np.sort(rng.choice(possible, min(pairs, possible), replace=False))
    length = np.arange(solutions - 1, 0, -1)  # pairs of each i
    starts = np.cumsum(length) - length
    i = np.searchsorted(starts, drawn, side="right") - 1
    return np.stack([i, drawn - starts[i] + i + 1], axis=1)


def spread_pairs(similarity: np.ndarray, count: int) -> np.ndarray:
    """Return the positions of ``count`` pairs evenly spaced by the rank of their ``similarity`` (pair), ascending.

    With ``count`` > 1 the least and the most similar pair are included. If there are fewer pairs, all are returned.
    """
    ranked = np.argsort(similarity, kind="stable")
    return ranked[np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)]


def pairs_by_realization(
    runs: Sequence[Run], cells: Sequence[Cell], deterministic: Collection[int], initializations: int = 1
) -> list[np.ndarray]:
    """List, for each realization, all pairs of the runs in some cells.

    Args:
        runs: (eta, B, realization) of each solution.
        cells: (eta, B) of the cells.
        deterministic: batch sizes without noise, which have one realization for each initialization.
        initializations: number of initializations; realization r has initialization r modulo this number.

    Returns:
        for realizations 0, 1, ..., (pair, 2) positions among ``runs``, in the order of the cells.
    """
    position = {run: k for k, run in enumerate(runs)}
    pairs = []
    for r in range(max((realization for _, _, realization in runs), default=-1) + 1):
        wanted = [(eta, B, r % initializations if B in deterministic else r) for eta, B in cells]
        pairs.append(all_pairs(np.array([position[run] for run in wanted if run in position], dtype=int)))
    return pairs


def nearest_pair(matrix: np.ndarray, target: float) -> tuple[int, int] | None:
    """Find the pair (i < j) with the similarity nearest to ``target``, the first of equal ones; None if all are NaN."""
    pairs = all_pairs(np.arange(len(matrix)))
    distance = np.abs(matrix[tuple(pairs.T)] - target)
    return tuple(pairs[np.nanargmin(distance)].tolist()) if np.isfinite(distance).any() else None


def select_pairs(matrix: np.ndarray, targets: Sequence[float]) -> np.ndarray:
    """Select the pair nearest to each target similarity, then all others with at most the smallest target.

    Returns:
        (pair, 2) positions i < j in the ``matrix`` (solution, solution) of similarities; first a pair for each target.
    """
    nearest = [pair for target in targets if (pair := nearest_pair(matrix, target))]
    dissimilar = map(tuple, np.argwhere(np.triu(matrix <= min(targets), k=1)).tolist())
    return np.array(nearest + [pair for pair in dissimilar if pair not in nearest], dtype=int).reshape(-1, 2)
