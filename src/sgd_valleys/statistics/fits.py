"""Straight lines through measured points, with intervals that account for points that belong together."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sgd_valleys.statistics.bootstrap import central_interval, draw_counts, pair_weights


@dataclass(frozen=True)
class LinearFit:
    """Line y = slope x + intercept by least squares.

    Intervals (low, high) are the central 95% of the bootstrap. They are NaN for fewer than ``MIN_RUNS_FOR_INTERVAL``
    solutions or groups.
    """

    slope: float
    intercept: float
    r_squared: float
    slope_interval: tuple[float, float]
    r_squared_interval: tuple[float, float]


def fit_line(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float, float]:
    """Return slope, intercept and R^2 of a line by (weighted) least squares; NaN where x or y does not vary."""
    weight = np.ones(len(x)) if weight is None else weight.astype(float)
    total = weight.sum()
    mean_x, mean_y = weight @ x / total, weight @ y / total
    dx, dy = x - mean_x, y - mean_y
    xx, xy, yy = weight @ (dx * dx), weight @ (dx * dy), weight @ (dy * dy)
    if xx == 0 or yy == 0:
        return np.nan, np.nan, np.nan
    slope = xy / xx
    return slope, mean_y - slope * mean_x, xy**2 / (xx * yy)


def fit_pairs(pairs: np.ndarray, x: np.ndarray, y: np.ndarray, rng: np.random.Generator, resamples: int) -> LinearFit:
    """Fit a line through quantities ``x`` and ``y`` (pair) of pairs (pair, 2) of solutions.

    The bootstrap resamples the solutions that the pairs share.
    """
    return _fit_weighted(x, y, pair_weights(pairs, rng, resamples), len(np.unique(pairs)))


@dataclass(frozen=True)
class GroupedFit:
    """Straight lines through points that come in groups, such as the branches of one run after another.

    Attributes:
        slope: (group) slope of the line through one group; NaN where x or y does not vary.
        r_squared: (group) R^2 of this line, with the same NaN.
        pooled: one line through all points, as if the points were independent. The intervals are over groups.
        within: one slope for all groups, with an intercept for each group. The line is fitted to the distances of the
            points from the means of their group. R^2 is a fraction of the variance inside the groups. The intervals are
            over groups.
    """

    slope: np.ndarray
    r_squared: np.ndarray
    pooled: LinearFit
    within: LinearFit


def fit_groups(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, resamples: int) -> GroupedFit:
    """Fit straight lines through points ``x`` and ``y`` (group, point); the bootstrap resamples whole groups.

    A point is left out where x or y is not finite.
    """
    used = np.isfinite(x) & np.isfinite(y)
    own = np.full((len(x), 2), np.nan)
    dx, dy = (np.full(x.shape, np.nan) for _ in range(2))
    for g in np.flatnonzero(used.any(axis=1)):
        slope, _, r_squared = fit_line(x[g, used[g]], y[g, used[g]])
        own[g] = slope, r_squared
        dx[g], dy[g] = x[g] - x[g, used[g]].mean(), y[g] - y[g, used[g]].mean()
    group = np.nonzero(used)[0]
    runs = len(np.unique(group))
    lines = [_fit_weighted(a[used], b[used], draw_counts(group, rng, resamples), runs) for a, b in ((x, y), (dx, dy))]
    return GroupedFit(own[:, 0], own[:, 1], *lines)


def _fit_weighted(x: np.ndarray, y: np.ndarray, weights: Iterable[np.ndarray], runs: int) -> LinearFit:
    """Fit a line through points (point), with intervals from the weights (point) of each resample.

    ``runs`` is the number of independent units behind the intervals.
    """
    if not len(x):
        return LinearFit(np.nan, np.nan, np.nan, (np.nan, np.nan), (np.nan, np.nan))
    resampled = np.array([fit_line(x, y, weight)[::2] for weight in weights]).reshape(-1, 2)
    slope_interval, r_squared_interval = map(tuple, central_interval(resampled, runs).T)
    return LinearFit(*fit_line(x, y), slope_interval, r_squared_interval)
