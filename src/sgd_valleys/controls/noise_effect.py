"""Effects of the noise and of the learning rate: ratios of SGD to gradient descent, and power laws in both."""

import warnings
from dataclasses import dataclass

import numpy as np

from sgd_valleys.statistics.bootstrap import LEVELS, central_interval, draw_runs, interval, take_runs
from sgd_valleys.statistics.reduce import finite_mean


@dataclass(frozen=True)
class NoiseEffect:
    """SGD over gradient descent of the same learning rate.

    Attributes:
        ratio: (eta, B) ratio of geometric means over runs.
        low: (eta, B) lower end of its central 95% interval over runs, and over starts of gradient descent.
        high: (eta, B) upper end.
        resampled: (resample, eta, B) logarithm of the ratio; NaN where runs are too few for an interval.
    """

    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray
    resampled: np.ndarray


@dataclass(frozen=True)
class Exponents:
    """Power law of a quantity in several predictors, by least squares between logarithms.

    Attributes:
        value: (predictor) exponents.
        low: (predictor) lower ends of their central 95% intervals over the runs of each cell.
        high: (predictor) upper ends.
        r_squared: explained share of the variance between cells.
        cells: number of cells.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    r_squared: float
    cells: int


def effect_of_noise(
    values: np.ndarray, descent: np.ndarray, exact: np.ndarray, rng: np.random.Generator, resamples: int
) -> NoiseEffect:
    """Divide a positive quantity of SGD runs by that of gradient descent of the same learning rate.

    Args:
        values: (eta, B, run) of SGD; NaN where a run has none.
        descent: (eta, start) of gradient descent from slightly different starts; NaN where a run has none.
        exact: (eta) whether a single run of gradient descent is exact, because its training is stable.
        rng: draws runs and starts.
        resamples: number of resamples.
    """
    mean, drawn, runs = _log_means(values, rng, resamples)
    reference, drawn_reference, starts = _log_means(descent, rng, resamples)
    found = mean - reference[:, None]
    resampled = drawn - drawn_reference[:, :, None]
    counted = np.minimum(runs, np.where(exact & (starts > 0), np.inf, starts)[:, None])
    low, high = central_interval(resampled, counted)
    return NoiseEffect(np.exp(found), np.exp(low), np.exp(high), np.where(np.isfinite(low), resampled, np.nan))


def effect_where_stable(effect: NoiseEffect, stable: np.ndarray) -> tuple[float, float, float, int]:
    """Average the effect of noise over the cells without instability.

    Args:
        effect: ratio of SGD to gradient descent in every cell.
        stable: (eta, B) whether the training of a cell is stable.

    Returns:
        geometric mean of the ratios, lower and upper end of its central 95% interval over runs, and number of cells.
        All but the number are NaN without a cell. The ends are also NaN if a cell has no interval.
    """
    used = stable & np.isfinite(effect.ratio)
    if not used.any():
        return np.nan, np.nan, np.nan, 0
    low, high = np.exp(np.quantile(effect.resampled[:, used].mean(axis=1), LEVELS))
    return float(np.exp(np.log(effect.ratio[used]).mean())), float(low), float(high), int(used.sum())


def exponents(
    values: np.ndarray, predictors: np.ndarray, exact: np.ndarray, rng: np.random.Generator, resamples: int
) -> Exponents:
    """Fit the mean of log(value) over the runs of a cell as a linear function of the logarithms of predictors.

    Args:
        values: (cell, run), positive; NaN where a run has none. Cells without a run are left out.
        predictors: (predictor, cell), positive.
        exact: (cell) whether a single run of the cell is exact, because its training is stable and has no noise.
        rng: draws runs.
        resamples: number of resamples.

    Returns:
        the exponents. All are NaN if the cells do not determine them. The intervals are NaN if a cell has too few runs.
    """
    mean, drawn, runs = _log_means(values, rng, resamples)
    used = np.isfinite(mean)
    design = np.vstack([np.ones(used.sum()), np.log(predictors[:, used])])
    count = len(predictors)
    if used.sum() <= count or np.linalg.matrix_rank(design) <= count:
        unknown = np.full(count, np.nan)
        return Exponents(unknown, unknown, unknown, np.nan, int(used.sum()))
    solve = np.linalg.pinv(design.T)
    found = solve @ mean[used]
    residual, total = mean[used] - found @ design, mean[used].var()
    fewest = np.where(exact, np.inf, runs)[used].min()
    low, high = central_interval(drawn[:, used] @ solve[1:].T, fewest)
    return Exponents(found[1:], low, high, float(1 - residual.var() / total) if total else np.nan, int(used.sum()))


def spread_of_starts(
    descent: np.ndarray, rng: np.random.Generator, resamples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the standard deviation of log(value) over starts (eta, start) of gradient descent, and its interval.

    A spread far above rounding errors shows chaotic training, for which one run is no reference value. Both have the
    axis (eta); the spread is NaN for one start.
    """
    return interval(log_positive(descent).T, rng, resamples, deviation)


def deviation(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the standard deviation of the finite values along an axis; NaN for fewer than two."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Degrees of freedom", RuntimeWarning)
        return np.nanstd(values, axis=axis, ddof=1)


def log_positive(values: np.ndarray) -> np.ndarray:
    """Take the logarithm; NaN where a value is not positive or not finite."""
    usable = np.isfinite(values) & (values > 0)
    return np.log(np.where(usable, values, np.nan))


def _log_means(
    values: np.ndarray, rng: np.random.Generator, resamples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means (...) of log(value) over runs, those of resamples (resample, ...), and the numbers of runs (...).

    ``values`` are (..., run). A value that is not positive and finite does not count.
    """
    logs = np.sort(log_positive(values), axis=-1)  # NaN last, where `draw_runs` draws no run
    runs = np.isfinite(logs).sum(axis=-1)
    drawn = draw_runs((resamples, *logs.shape), runs, rng)
    resampled = take_runs(np.broadcast_to(logs, drawn.shape), drawn)
    return finite_mean(logs), finite_mean(resampled), runs
