"""Results of Langevin runs: final points, occupancy, P_flat and the freezing time, with standard errors."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Occupancy:
    """State of the runs at the recorded iterations."""

    iteration: np.ndarray  # (time) recorded iterations; 0 is the start
    finite: np.ndarray  # (time) number of runs that have not diverged
    flat: np.ndarray  # (time) number of these runs with x > 0
    mean_y: np.ndarray  # (time) their mean y; NaN if all runs have diverged
    trajectory: np.ndarray  # (kept run, time, 2) x and y of the first runs


@dataclass(frozen=True)
class Runs:
    """End and last change of valley of every run of a cell; a diverged run is NaN in all arrays."""

    x: np.ndarray  # (run) x at the end
    y: np.ndarray  # (run) y at the end
    freezing_time: np.ndarray  # (run) iteration t of the last update across x = 0; 1 if the run never changes valley
    freezing_y: np.ndarray  # (run) y after this update; y of the start if the run never changes valley
    occupancy: Occupancy | None = None  # state at the recorded iterations; None without a record


def p_flat(runs: Runs) -> tuple[float, float]:
    """Return P_flat, the fraction of finite runs that end at x > 0, and its standard error."""
    x = runs.x[np.isfinite(runs.x)]
    fraction, error = fraction_with_error((x > 0).sum(), len(x))
    return float(fraction), float(error)


def fraction_with_error(count: ArrayLike, total: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return count/total and its standard error; both are NaN where total = 0.

    The error is binomial, at the fraction (count + 1)/(total + 2). It is therefore positive where count is 0 or total.
    """
    k, n = np.asarray(count, dtype=float), np.asarray(total, dtype=float)
    n = np.where(n > 0, n, np.nan)
    p = (k + 1) / (n + 2)
    return k / n, np.sqrt(p * (1 - p) / n)


def mean_with_error(values: np.ndarray) -> tuple[float, float]:
    """Return the mean of the finite values and its standard error; NaN without a value, or an error from one value."""
    used = values[np.isfinite(values)]
    if not len(used):
        return math.nan, math.nan
    return float(used.mean()), float(used.std(ddof=1) / math.sqrt(len(used))) if len(used) > 1 else math.nan
