"""Spearman's rank correlation, trends over the cells of a grid, and the correction of many p-values."""

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
        axes: (axis) mean rank correlation with one axis at fixed other axis. The one with the first axis leaves out the
            columns of the control, the one with the second axis uses all columns.
        axes_interval: (axis, bound) central 95% of the bootstrap of ``axes``.
        control: mean rank correlation with the first axis along the columns of the control; NaN without any.
        control_interval: central 95% of the bootstrap of ``control``; NaN for too few runs.
    """

    value: np.ndarray
    correlation: float
    interval: tuple[float, float]
    axes: np.ndarray
    axes_interval: np.ndarray
    control: float
    control_interval: np.ndarray


def trend(
    x: np.ndarray,
    axes: tuple[np.ndarray, np.ndarray],
    control: np.ndarray,
    runs: Sequence[int],
    measure: Callable[[int, np.ndarray], np.ndarray],
    fewest_runs: int,
    rng: np.random.Generator,
    resamples: int,
) -> Trend:
    """Correlate a quantity of the cells of a grid, each with several runs, with ``x`` and with each axis.

    The bootstrap resamples the runs of each cell. The intervals therefore hold for more runs of the same cells, and not
    for other cells.

    Args:
        x: (cell) orders the cells, which are numbered row by row.
        axes: (row) and (column), order the rows and columns of the grid.
        control: (column) whether a column has no noise.
        runs: (cell) number of runs.
        measure: function of a cell and positions (..., run) of its runs. It returns the quantity (...), NaN where these
            runs have none.
        fewest_runs: smallest number of runs of a cell with noise. The intervals are NaN if it is too small.
        rng: draws the runs.
        resamples: number of resamples.
    """
    control_runs = np.array(runs, dtype=float).reshape(-1, len(control))[:, control].min(initial=np.inf)

    def correlations(value: np.ndarray) -> list[np.ndarray]:
        grid = value.reshape(*value.shape[:-1], len(axes[0]), len(axes[1]))
        with_noise, without = (axis_correlation(grid[..., columns], axes[0], 0) for columns in (~control, control))
        return [rank_correlation(x, value), with_noise, axis_correlation(grid, axes[1], 1), without]

    value = np.array([measure(cell, np.arange(count)) for cell, count in enumerate(runs)])
    positions = zip(*resample(runs, rng, resamples), strict=True)  # by cell
    resampled = [measure(cell, np.array(chosen)) for cell, chosen in enumerate(positions)]
    enough = np.array([fewest_runs] * 3 + [control_runs])
    bounds = central_interval(np.stack(correlations(np.stack(resampled, axis=-1)), axis=-1), enough).T
    found, *along, alone = correlations(value)
    interval = float(bounds[0, 0]), float(bounds[0, 1])
    return Trend(value, float(found), interval, np.array(along), bounds[1:3], float(alone), bounds[3])


def axis_correlation(values: np.ndarray, at: np.ndarray, axis: int) -> np.ndarray:
    """Return the rank correlation of maps (..., row, column) with one of their axes, mean over the lines along it.

    ``at`` are the values (row) on axis 0, or (column) on axis 1. Lines in which the map does not vary are left out. The
    result (...) is NaN where no line is left.
    """
    return finite_mean(rank_correlation(at, np.moveaxis(values, axis - 2, -1)))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation (...) of the points of ``x`` and ``y`` (..., point) where both are finite.

    The correlation is NaN where x or y does not vary. One call for all resamples is much faster than one call each.
    """
    x, y = np.broadcast_arrays(x, y)
    used = np.isfinite(x) & np.isfinite(y)
    count = np.maximum(used.sum(axis=-1, keepdims=True), 1)
    # points left out sort to the end, where they change no other rank
    ranks = (np.where(used, rankdata(np.where(used, values, np.inf), axis=-1), 0) for values in (x, y))
    a, b = (np.where(used, rank - rank.sum(axis=-1, keepdims=True) / count, 0) for rank in ranks)
    size = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return np.where(size > 0, (a * b).sum(axis=-1) / np.where(size > 0, size, 1), np.nan)[()]


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return p-values (test) with Holm's correction for multiple tests; NaN stays NaN and does not count as a test."""
    p = np.asarray(p_values, dtype=float)
    corrected = np.full(p.shape, np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN sorts to the end
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return corrected
