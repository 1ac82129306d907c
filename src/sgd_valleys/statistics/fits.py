"""Straight lines through measured points, with intervals that know which points belong together."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LinearFit:
    """y = slope x + intercept by least squares; intervals are central 95% of the bootstrap (low, high)."""

    slope: float
    intercept: float
    r_squared: float
    slope_interval: tuple[float, float]
    r_squared_interval: tuple[float, float]


def fit_line(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float, float]:
    """Slope, intercept and R^2 of a straight line by (weighted) least squares; NaN where x or y does not vary."""
    weight = np.ones(len(x)) if weight is None else weight
    total = weight.sum()
    mean_x, mean_y = weight @ x / total, weight @ y / total
    dx, dy = x - mean_x, y - mean_y
    xx, xy, yy = weight @ (dx * dx), weight @ (dx * dy), weight @ (dy * dy)
    if xx == 0 or yy == 0:
        return np.nan, np.nan, np.nan
    slope = xy / xx
    return slope, mean_y - slope * mean_x, xy**2 / (xx * yy)


def fit_pairs(pairs: np.ndarray, x: np.ndarray, y: np.ndarray, rng: np.random.Generator, resamples: int) -> LinearFit:
    """Straight line through a quantity of pairs, with an interval that knows that pairs share solutions.

    The bootstrap resamples the solutions, not the pairs: a pair counts as often as both of its
    solutions were drawn, the product of the two counts.

    Args:
        pairs: (pair, 2) the solutions' indices.
        x: (pair) the quantity on the abscissa.
        y: (pair) the quantity on the ordinate.
        rng: of the resampling.
        resamples: how many.
    """
    slope, intercept, r_squared = fit_line(x, y)
    solutions, position = np.unique(pairs, return_inverse=True)
    position = position.reshape(pairs.shape)
    drawn = np.full((resamples, 2), np.nan)
    for k in range(resamples):
        count = np.bincount(rng.integers(0, len(solutions), len(solutions)), minlength=len(solutions))
        weight = (count[position[:, 0]] * count[position[:, 1]]).astype(float)
        if weight.any():
            s, _, r = fit_line(x, y, weight)
            drawn[k] = s, r
    return LinearFit(slope, intercept, r_squared, *_bounds(drawn))


@dataclass(frozen=True)
class GroupedFit:
    """Straight lines through points that come in groups, such as the branches of one run after another.

    Attributes:
        slope: (group) of each group's own line.
        r_squared: (group) of each group's own line; both NaN where x or y does not vary.
        pooled: one line through all points, as if they were independent.
        within: one slope for all groups, each with an intercept of its own: the line through the points'
            distances from their group's means; its R^2 is the share of the variance inside the groups.
            Intervals of both are over groups.
    """

    slope: np.ndarray
    r_squared: np.ndarray
    pooled: LinearFit
    within: LinearFit


def fit_groups(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, resamples: int) -> GroupedFit:
    """Straight lines through points in groups; the bootstrap resamples whole groups.

    Args:
        x: (group, point) the quantity on the abscissa.
        y: (group, point) the quantity on the ordinate; a point where either is not finite is left out.
        rng: of the resampling.
        resamples: how many.
    """
    used = np.isfinite(x) & np.isfinite(y)
    kept = used.any(axis=1)
    own = np.full((len(x), 2), np.nan)
    dx, dy = (np.full(x.shape, np.nan) for _ in range(2))
    for g in np.flatnonzero(kept):
        slope, _, r_squared = fit_line(x[g, used[g]], y[g, used[g]])
        own[g] = slope, r_squared
        dx[g], dy[g] = x[g] - x[g, used[g]].mean(), y[g] - y[g, used[g]].mean()
    group = np.nonzero(used)[0]
    lines = [_fit_clustered(a[used], b[used], group, len(x), rng, resamples) for a, b in ((x, y), (dx, dy))]
    return GroupedFit(own[:, 0], own[:, 1], *lines)


def _fit_clustered(
    x: np.ndarray, y: np.ndarray, group: np.ndarray, groups: int, rng: np.random.Generator, resamples: int
) -> LinearFit:
    """A line through points (point); a resample weighs each by how often its group was drawn."""
    if not len(x):
        return LinearFit(np.nan, np.nan, np.nan, (np.nan, np.nan), (np.nan, np.nan))
    drawn = np.full((resamples, 2), np.nan)
    present = np.unique(group)
    for k in range(resamples if len(present) > 1 else 0):
        count = np.bincount(rng.choice(present, len(present)), minlength=groups).astype(float)
        slope, _, r_squared = fit_line(x, y, count[group])
        drawn[k] = slope, r_squared
    return LinearFit(*fit_line(x, y), *_bounds(drawn))


def _bounds(drawn: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Central 95% of resampled (slope, R^2), NaN where none could be fitted."""
    if not np.isfinite(drawn).any():
        return (np.nan, np.nan), (np.nan, np.nan)
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return (low[0], high[0]), (low[1], high[1])
