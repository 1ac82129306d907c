"""Basins: criteria for two solutions in the same basin, and freezing times by the basins of a run's branches."""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sgd_valleys.measures.similarity import pair_mean


@dataclass(frozen=True)
class Criterion:
    """A criterion for two solutions in the same basin.

    Attributes:
        description: description of the value that the criterion compares with a threshold.
        units: units of value and threshold.
        holds: returns whether values satisfy a threshold. NaN, the value of a diverged solution, never does.
    """

    description: str
    units: str
    holds: Callable[[np.ndarray, float], np.ndarray]


CRITERIA = {
    "similarity": Criterion("Jaccard similarity of error sets, Eq. 4", "1", operator.ge),
    "agreement": Criterion("share of the whole test file with the same predicted class", "1", operator.ge),
    "barrier": Criterion("loss barrier, Eq. 5", "nat", operator.le),
    "chord_height": Criterion("height of the loss above the chord", "nat", operator.le),
}


def basin_freezing_time(t_c: np.ndarray, value: np.ndarray, threshold: float, criterion: str = "similarity") -> float:
    """Find the earliest branching time from which on every branch ends in the basin of the last branch.

    Args:
        t_c: (branch) branching times in iterations, ascending; several branches may share a branching time.
        value: (branch) value of the criterion for each branch's endpoint and the last branch's endpoint.
        threshold: largest barrier or height, or smallest similarity or agreement, in the same basin.
        criterion: one of ``CRITERIA``.

    Returns:
        branching time in iterations. The last branching time means that a branch of the time before ends in another
        basin. NaN means that the last branch diverged, or that branches from the last branching time end in several
        basins.
    """
    other_basin = np.flatnonzero(~CRITERIA[criterion].holds(value, threshold))
    first = np.searchsorted(t_c, t_c[other_basin[-1]], side="right") if len(other_basin) else 0
    return float(t_c[first]) if first < len(t_c) else np.nan


def similarity_by_freezing(t_c: np.ndarray, jaccard: np.ndarray, t_freeze: float) -> tuple[float, float]:
    """Average the similarity of pairs of branches that leave the run on the same side of its freezing time.

    Args:
        t_c: (branch) branching times in iterations.
        jaccard: (branch, branch) similarity of the branches' endpoints, Eq. 4; NaN for a diverged branch.
        t_freeze: freezing time of the run in iterations; NaN if the run does not freeze.

    Returns:
        means over the pairs of branches before ``t_freeze``, and from ``t_freeze`` on; NaN without a pair.
    """
    finite = np.isfinite(np.diagonal(jaccard))
    before, after = finite & (t_c < t_freeze), finite & (t_c >= t_freeze)
    return pair_mean(jaccard[np.ix_(before, before)]), pair_mean(jaccard[np.ix_(after, after)])
