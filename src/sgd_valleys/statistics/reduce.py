"""Reductions of arrays that leave out non-finite values."""

import warnings

import numpy as np

MIN_RUNS_FOR_INTERVAL = 5  # resamples of fewer runs hardly differ, which would make their interval too narrow


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
