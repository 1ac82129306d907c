"""Spearman's rank correlation, and trends over the cells of a grid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from sgd_valleys.statistics.bootstrap import central_interval, resample
from sgd_valleys.statistics.reduce import finite_mean


@dataclass(frozen=True)
class Trend:
    """Rank correlation of a quantity of cells with the noise, and with each axis of the grid.

    Attributes:
        value: (cell) the quantity; NaN where a cell has none.
        correlation: Spearman's rank correlation over the cells that have a value; 1 where the quantity always rises.
        interval: central 95% of the bootstrap (low, high); NaN for too few runs.
        axes: (axis) mean rank correlation with the first axis at fixed second axis, and with the second at fixed first.
        axes_interval: (axis, bound) central 95% of the bootstrap of ``axes``.
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
    fewest_runs: int,
    rng: np.random.Generator,
    resamples: int,
) -> Trend:
    """Correlate a quantity of the cells of a grid, each with several runs, with ``x`` and with each axis.

    ``x`` (cell) orders the cells, which are numbered row by row; ``axes`` (row) and (column) order the grid's rows and
    columns. ``measure`` takes a cell and positions (..., run) among its ``runs`` (cell) to the quantity (...), NaN
    where these runs have none. The bootstrap resamples the runs of each cell. Its interval is about more runs of the
    same cells, not other cells. It is NaN where ``fewest_runs``, of a cell with noise, are too few for an interval.
    """

    def correlations(value: np.ndarray) -> list[np.ndarray]:
        grid = value.reshape(*value.shape[:-1], len(axes[0]), len(axes[1]))
        return [rank_correlation(x, value), *(axis_correlation(grid, at, k) for k, at in enumerate(axes))]

    value = np.array([measure(cell, np.arange(count)) for cell, count in enumerate(runs)])
    positions = zip(*resample(runs, rng, resamples), strict=True)  # by cell
    resampled = [measure(cell, np.array(chosen)) for cell, chosen in enumerate(positions)]
    bounds = central_interval(np.stack(correlations(np.stack(resampled, axis=-1)), axis=-1), fewest_runs).T
    found, *along = correlations(value)
    return Trend(value, float(found), (float(bounds[0, 0]), float(bounds[0, 1])), np.array(along), bounds[1:])


def axis_correlation(values: np.ndarray, at: np.ndarray, axis: int) -> np.ndarray:
    """Return the rank correlation of maps (..., row, column) with one of their axes, mean over the lines along it.

    ``at`` are the values (row) on axis 0, or (column) on axis 1. Lines in which the map does not vary are left out; the
    result (...) is NaN where there is no other.
    """
    return finite_mean(rank_correlation(at, np.moveaxis(values, axis - 2, -1)))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation (...) of the points of ``x`` and ``y`` (..., point) where both are finite.

    It is NaN where x or y does not vary. All resamples at once are much faster than one after another.
    """
    x, y = np.broadcast_arrays(x, y)
    used = np.isfinite(x) & np.isfinite(y)
    count = np.maximum(used.sum(axis=-1, keepdims=True), 1)
    # points that are left out are sorted to the end, where they change no other rank
    ranks = (np.where(used, rankdata(np.where(used, values, np.inf), axis=-1), 0) for values in (x, y))
    a, b = (np.where(used, rank - rank.sum(axis=-1, keepdims=True) / count, 0) for rank in ranks)
    size = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return np.where(size > 0, (a * b).sum(axis=-1) / np.where(size > 0, size, 1), np.nan)[()]
