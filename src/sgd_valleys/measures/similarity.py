"""How alike two solutions are: by the test samples they get wrong, and by where training took them."""

import numpy as np


def jaccard(error: np.ndarray) -> np.ndarray:
    """Jaccard similarity of every pair of solutions, Eq. 4.

    Two solutions without a single error make the same errors: their similarity is 1.

    Args:
        error: (solution, test_sample), True where the solution misclassifies the sample.

    Returns:
        (solution, solution), symmetric, in [0, 1], 1 on the diagonal.
    """
    sets = np.asarray(error, dtype=bool).astype(np.float64)
    both = sets @ sets.T
    size = sets.sum(axis=1)
    either = size[:, None] + size[None, :] - both
    return np.divide(both, either, out=np.ones_like(both), where=either > 0)


def cosine(displacement: np.ndarray) -> np.ndarray:
    """Cosine similarity of every pair of displacements (run, parameter): (run, run); NaN for one of length 0."""
    length = np.linalg.norm(displacement, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (displacement @ displacement.T) / (length[:, None] * length[None, :])


def pair_mean(matrix: np.ndarray) -> float:
    """Mean over the distinct pairs of a symmetric matrix; NaN where there is none."""
    if len(matrix) < 2:
        return np.nan
    return float(matrix[np.triu_indices(len(matrix), k=1)].mean())


def nearest_pair(matrix: np.ndarray, target: float) -> tuple[int, int] | None:
    """The pair (i < j) whose similarity is nearest to ``target``, the first of several; None where all are NaN."""
    i, j = np.triu_indices(len(matrix), k=1)
    distance = np.abs(matrix[i, j] - target)
    if not np.isfinite(distance).any():
        return None
    best = int(np.nanargmin(distance))
    return int(i[best]), int(j[best])
