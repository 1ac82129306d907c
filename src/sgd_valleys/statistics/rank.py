"""Spearman's rank correlation, and trends over the cells of a grid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from sgd_valleys.statistics.reduce import finite_mean


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
    return finite_mean(rank_correlation(at, np.moveaxis(values, axis - 2, -1)))


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
