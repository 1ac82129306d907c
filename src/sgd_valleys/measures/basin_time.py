"""The freezing time t_f of the paper's revision, found by gradient-descent continuations of a run's checkpoints.

The revision (arXiv 2601.10962 v2) defines t_f by the basins in which these continuations end. From checkpoint t_f on,
*every* continuation ends in the basin of the last one, and t_f is the earliest such checkpoint. A continuation costs as
much as a part of the training. A scan therefore continues only some checkpoints:

1. Every ``coarse``-th checkpoint, backwards from the last, until the first that ends in another basin.
2. Every checkpoint between this checkpoint and its predecessor in the scan, backwards until the first in another basin.

At most P / coarse + coarse of P checkpoints are continued for a criterion, and criteria share their continuations. The
scan misses an excursion to another basin that lies between two adjacent checkpoints of step 1. The result is then too
early. With ``coarse`` = 1 the scan compares every checkpoint after t_f, and the result is exact.
"""

from collections.abc import Callable, Mapping

import numpy as np

Known = Mapping[int, np.ndarray]  # by checkpoint, (criterion) whether its continuation ends in the last basin


def wanted_checkpoints(known: Known, last: int, coarse: int, criteria: int) -> list[int]:
    """Return the checkpoints to continue next, in descending order, at most one for each criterion.

    Args:
        known: comparisons made before; the last checkpoint needs none.
        last: number of the last checkpoint, counted from 0.
        coarse: coarse step in checkpoints.
        criteria: number of criteria.

    Returns:
        numbers of checkpoints; none when the scan is complete.
    """
    next_ones = (_scan(known, last, coarse, k)[1] for k in range(criteria))
    return sorted({position for position in next_ones if position is not None}, reverse=True)


def first_of_last_basin(known: Known, last: int, coarse: int, criteria: int) -> np.ndarray:
    """Return t_f (criterion), the earliest checkpoint from which on all compared checkpoints end in the last basin.

    t_f is NaN if the checkpoint before the last ends in another basin: the run did not freeze before its end.

    Args:
        known: comparisons of a complete scan.
        last: number of the last checkpoint, counted from 0.
        coarse: coarse step in checkpoints.
        criteria: number of criteria.

    Raises:
        ValueError: the scan is not complete.
    """
    first = np.empty(criteria)
    for k in range(criteria):
        first[k], missing = _scan(known, last, coarse, k)
        if missing is not None:
            raise ValueError(f"checkpoint {missing} is not compared yet")
    return np.where(first < last, first, np.nan)


def _scan(known: Known, last: int, coarse: int, criterion: int) -> tuple[int, int | None]:
    """Return the earliest checkpoint known to be in the last basin, and the next to compare (None at the end)."""
    same = last
    for steps in (coarse, 1):
        below = same
        while same > 0:
            below = max(same - steps, 0)
            if below not in known:
                return same, below
            if not known[below][criterion]:
                break
            same = below
    return same, None


def scan_runs(
    compare: Callable[[list[tuple[int, int]]], np.ndarray], runs: int, last: int, coarse: int, criteria: int
) -> np.ndarray:
    """Scan the checkpoints of several runs together, such that ``compare`` can train their continuations together.

    Args:
        compare: function of pairs (run, checkpoint) that continues each pair's checkpoint. The function returns
            (pair, criterion) whether this continuation ends in the basin of the run's last continuation. No pair is
            passed twice.
        runs: number of runs.
        last: number of the last checkpoint of each run.
        coarse: coarse step in checkpoints.
        criteria: number of criteria.

    Returns:
        (run, criterion) number of checkpoint t_f; NaN for a run that did not freeze before its end.
    """
    known: list[dict[int, np.ndarray]] = [{} for _ in range(runs)]
    while pairs := [(r, k) for r in range(runs) for k in wanted_checkpoints(known[r], last, coarse, criteria)]:
        for (r, k), same in zip(pairs, compare(pairs), strict=True):
            known[r][k] = same
    return np.array([first_of_last_basin(each, last, coarse, criteria) for each in known])
