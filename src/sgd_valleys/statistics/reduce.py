"""Reductions of arrays that leave out what is not finite."""

from collections.abc import Callable

import numpy as np

MIN_RUNS_FOR_INTERVAL = 5  # runs: resamples of fewer hardly differ, and their interval would be too sure of itself


def reduce_finite(values: np.ndarray, reduce: Callable[[np.ndarray], float]) -> float:
    """Reduce the finite ones of some values to one number; NaN where none is."""
    finite = values[np.isfinite(values)]
    return reduce(finite) if finite.size else np.nan


def finite_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is finite; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis=-1)
    return np.where(count > 0, np.where(there, values, 0).sum(axis=-1) / np.maximum(count, 1), np.nan)[()]


def finite_max(values: np.ndarray) -> np.ndarray:
    """Maximum over the last axis of what is finite; NaN where nothing is."""
    found = np.where(np.isfinite(values), values, -np.inf).max(axis=-1)
    return np.where(np.isfinite(found), found, np.nan)[()]
