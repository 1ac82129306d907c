"""Basins in which the branches of a run end."""

import numpy as np

from sgd_valleys.measures.similarity import pair_mean


def basin_freezing_time(t_c: np.ndarray, similarity: np.ndarray, threshold: float) -> float:
    """Find the earliest branching time from which on every branch ends in the basin of the last branch.

    Args:
        t_c: (branch) iterations at which the branches leave the run, ascending; repeated where several leave at one.
        similarity: (branch) Jaccard similarity, Eq. 4, of each final solution to that of the last branch.
        threshold: smallest similarity of two solutions in the same basin.

    Returns:
        iterations. The last branching time if the branch before it ends in another basin; NaN if the last branch
        diverged, or if branches from the last branching time end in several basins.
    """
    other_basin = np.flatnonzero(~(similarity >= threshold))
    first = np.searchsorted(t_c, t_c[other_basin[-1]], side="right") if len(other_basin) else 0
    return float(t_c[first]) if first < len(t_c) else np.nan


def similarity_by_freezing(t_c: np.ndarray, jaccard: np.ndarray, t_freeze: float) -> tuple[float, float]:
    """Average the similarity of pairs of branches that leave the run on the same side of its freezing time.

    Args:
        t_c: (branch) iterations at which the branches leave the run.
        jaccard: (branch, branch) similarity of the final solutions, Eq. 4; NaN for a diverged branch.
        t_freeze: freezing time of the run in iterations; NaN if the run does not freeze.

    Returns:
        mean over the pairs of branches before ``t_freeze``, and of branches from ``t_freeze`` on; NaN without a pair.
    """
    finite = np.isfinite(np.diagonal(jaccard))
    before, after = finite & (t_c < t_freeze), finite & (t_c >= t_freeze)
    return pair_mean(jaccard[np.ix_(before, before)]), pair_mean(jaccard[np.ix_(after, after)])
