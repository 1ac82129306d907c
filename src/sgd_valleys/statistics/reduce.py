"""Reductions of arrays that leave out non-finite values."""

import warnings

import numpy as np

MIN_RUNS_FOR_INTERVAL = 5  # resamples of fewer runs hardly differ, and their interval would be too narrow
RUNS_OF_MAXIMUM = 5  # number of draws of an expected maximum, the same in every cell


def finite_mean(values: np.ndarray, axis: int | None = -1) -> np.ndarray:
    """Return the mean of the finite values along an axis, or of all for None; NaN where none is finite."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    return np.where(count > 0, np.where(finite, values, 0).sum(axis=axis) / np.maximum(count, 1), np.nan)[()]


def finite_median(values: np.ndarray, axis: int | None = -1) -> np.ndarray:
    """Return the median of the finite values along an axis, or of all for None; NaN where none is finite."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        return np.nanmedian(np.where(np.isfinite(values), values, np.nan), axis=axis)


def finite_max(values: np.ndarray) -> np.ndarray:
    """Return the maximum of the finite values along the last axis; NaN where none is finite."""
    found = np.where(np.isfinite(values), values, -np.inf).max(axis=-1)
    return np.where(np.isfinite(found), found, np.nan)[()]


def expected_max(values: np.ndarray, runs: int = RUNS_OF_MAXIMUM) -> np.ndarray:
    """Return the expected maximum of ``runs`` draws from the finite values along the last axis; NaN without any.

    The sample maximum grows with the number of values, and the bootstrap gives no valid interval of a maximum. The i-th
    of m ordered values is the largest of n draws with probability (i/m)^n - ((i - 1)/m)^n (order statistics of the
    empirical distribution). A single value is its own expected maximum.
    """
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=-1)  # NaN last
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    below = np.minimum(np.arange(values.shape[-1] + 1), count) / np.maximum(count, 1)
    weight = np.diff(below**runs, axis=-1)
    found = (np.where(np.isfinite(ordered), ordered, 0) * weight).sum(axis=-1)
    return np.where(count[..., 0] > 0, found, np.nan)[()]
