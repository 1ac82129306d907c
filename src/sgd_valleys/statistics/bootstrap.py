"""Bootstrap intervals."""

import warnings
from collections.abc import Callable

import numpy as np


def interval(
    values: np.ndarray, rng: np.random.Generator, resamples: int, statistic: Callable[..., np.ndarray] = np.nanmean
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A statistic over realizations and its central 95% interval, by resampling them.

    Args:
        values: (realization, ...), NaN where there is none.
        rng: of the resampling.
        resamples: how many.
        statistic: that leaves out NaN, with an argument ``axis``.

    Returns:
        (...) the statistic, its lower and its upper bound; the bounds are NaN with fewer than two realizations.
    """
    present = values[np.isfinite(values).reshape(len(values), -1).any(axis=1)]
    if not len(present):
        return tuple(np.full(values.shape[1:], np.nan) for _ in range(3))
    found = statistic(present, axis=0)
    if len(present) < 2:
        return found, np.full_like(found, np.nan), np.full_like(found, np.nan)
    with warnings.catch_warnings():  # a resample may hold no value at all: it has no say
        warnings.simplefilter("ignore", RuntimeWarning)
        drawn = np.stack(
            [statistic(present[rng.integers(0, len(present), len(present))], axis=0) for _ in range(resamples)]
        )
        low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return found, low, high
