"""Straight lines and trends through measured points, with intervals that know which points belong together."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from sgd_valleys.cells import cell_mean


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


@dataclass(frozen=True)
class Trend:
    """How a quantity of cells goes along with another one.

    Attributes:
        value: (cell) the quantity; NaN where a cell has none.
        correlation: Spearman's rank correlation over the cells that have one: 1 where it always rises.
        interval: central 95% of the bootstrap (low, high).
        axes: (axis) mean rank correlation with the first axis at fixed second, and the other way round.
        axes_interval: (axis, bound) central 95% of its bootstrap.
    """

    value: np.ndarray
    correlation: float
    interval: tuple[float, float]
    axes: np.ndarray
    axes_interval: np.ndarray


def trend(
    x: np.ndarray,
    axes: tuple[np.ndarray, np.ndarray],
    runs: Sequence[int],
    measure: Callable[[int, np.ndarray], np.ndarray],
    rng: np.random.Generator,
    resamples: int,
) -> Trend:
    """Whether a quantity of a grid's cells, each with several runs, rises or falls with ``x``, and along each axis.

    The bootstrap resamples each cell's runs: its interval is about more runs of the same cells, not about other cells.

    Args:
        x: (cell) what the cells are ordered by.
        axes: (row) and (column), by which the grid's rows and columns are ordered; its cells are numbered row by row.
        runs: (cell) how many runs each has.
        measure: (cell, positions (..., run) among its runs) -> its quantity (...) as these runs have it; NaN where they
            have none.
        rng: of the resampling.
        resamples: how many.
    """

    def correlations(value: np.ndarray) -> list[np.ndarray]:
        grid = value.reshape(*value.shape[:-1], len(axes[0]), len(axes[1]))
        return [rank_correlation(x, value), *(axis_correlation(grid, at, k) for k, at in enumerate(axes))]

    value = np.array([measure(cell, np.arange(count)) for cell, count in enumerate(runs)])
    # a resample after the other, each through all cells
    places = [[rng.integers(0, count, count) for count in runs] for _ in range(resamples)]
    again = [measure(cell, np.array(chosen)) for cell, chosen in enumerate(zip(*places, strict=True))]
    drawn = np.stack(correlations(np.stack(again, axis=-1)), axis=-1)
    bounds = np.full((3, 2), np.nan)
    for one, interval in zip(drawn.T, bounds, strict=True):
        if np.isfinite(one).any():
            interval[:] = np.nanquantile(one, [0.025, 0.975])
    found, *along = correlations(value)
    return Trend(value, float(found), (float(bounds[0, 0]), float(bounds[0, 1])), np.array(along), bounds[1:])


def axis_correlation(values: np.ndarray, at: np.ndarray, axis: int) -> np.ndarray:
    """Rank correlation of maps' values (..., row, column) with one of their axes, mean over the other's lines: (...).

    Lines in which a map has no value, or does not vary, have no say; NaN where none has.
    """
    return cell_mean(rank_correlation(at, np.moveaxis(values, axis - 2, -1)))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis, over the points where both are finite: (..., point) -> (...).

    NaN where either does not vary. All of many resamples at once, which is much faster than one after another.
    """
    x, y = np.broadcast_arrays(x, y)
    used = np.isfinite(x) & np.isfinite(y)
    count = np.maximum(used.sum(axis=-1, keepdims=True), 1)
    # what is left out is sorted to the end, where it takes nobody's rank
    ranks = (np.where(used, rankdata(np.where(used, values, np.inf), axis=-1), 0) for values in (x, y))
    a, b = (np.where(used, rank - rank.sum(axis=-1, keepdims=True) / count, 0) for rank in ranks)
    size = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return np.where(size > 0, (a * b).sum(axis=-1) / np.where(size > 0, size, 1), np.nan)[()]
