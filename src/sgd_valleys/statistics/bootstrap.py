"""Bootstrap: resamples of runs, of solutions that pairs share, and central 95% intervals.

Every stored interval depends on the order in which a function draws from its stream. Do not change this order.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np

from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL, finite_mean

LEVELS = (0.025, 0.975)


def central_interval(resampled: np.ndarray, runs: float | np.ndarray) -> np.ndarray:
    """Return the central 95% (bound, ...) of resampled numbers (resample, ...).

    ``runs`` is the number of independent runs behind each number (...), or one number for all. Non-finite resamples are
    left out. The bounds are NaN where no resample is finite, or where ``runs`` is less than ``MIN_RUNS_FOR_INTERVAL``.
    """
    flat = resampled.reshape(len(resampled), math.prod(resampled.shape[1:])).T
    bounds = np.full((len(LEVELS), len(flat)), np.nan)
    for place, column in enumerate(flat):
        finite = column[np.isfinite(column)]
        if finite.size:
            bounds[:, place] = np.quantile(finite, LEVELS)
    enough = np.asarray(runs) >= MIN_RUNS_FOR_INTERVAL
    return np.where(enough, bounds.reshape(len(LEVELS), *resampled.shape[1:]), np.nan)


def resample(counts: Sequence[int], rng: np.random.Generator, resamples: int) -> Iterator[list[np.ndarray]]:
    """Yield, for each resample, positions drawn with replacement within each of several groups.

    ``counts`` (group) are the sizes of the groups. As many positions as members are drawn, none for a count of 0.
    """
    for _ in range(resamples):
        yield [rng.integers(0, count, count) for count in counts]


def interval(
    values: np.ndarray, rng: np.random.Generator, resamples: int, statistic: Callable[..., np.ndarray] = finite_mean
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a statistic over realizations and its central 95% interval, by resampling the realizations.

    Args:
        values: (realization, ...), NaN where a realization has no value.
        rng: draws the realizations.
        resamples: number of resamples.
        statistic: function of values and ``axis`` that leaves out NaN.

    Returns:
        (...) the statistic, its lower and its upper bound. The bounds are NaN where fewer than
        ``MIN_RUNS_FOR_INTERVAL`` realizations have a value.
    """
    present = values[np.isfinite(values).any(axis=tuple(range(1, values.ndim)))]
    found = statistic(present, axis=0) if len(present) else np.full(values.shape[1:], np.nan)
    if len(present) < MIN_RUNS_FOR_INTERVAL:
        return found, np.full_like(found, np.nan), np.full_like(found, np.nan)
    draws = resample([len(present)], rng, resamples)
    resampled = np.stack([statistic(present[drawn], axis=0) for (drawn,) in draws])
    low, high = central_interval(resampled, np.isfinite(present).sum(axis=0))
    return found, low, high


def draw_counts(labels: np.ndarray, rng: np.random.Generator, resamples: int) -> Iterator[np.ndarray]:
    """Yield, for each resample of the distinct labels, how often each element's label was drawn.

    ``labels`` (...) are integers, such as the solutions of pairs or the group of each point. The counts are (...).
    """
    distinct, place = np.unique(labels, return_inverse=True)
    place = place.reshape(labels.shape)
    for (drawn,) in resample([len(distinct)], rng, resamples):
        yield np.bincount(drawn, minlength=len(distinct))[place]


def pair_weights(pairs: np.ndarray, rng: np.random.Generator, resamples: int) -> Iterator[np.ndarray]:
    """Yield, for each resample of solutions, how often each pair (pair, 2) of them occurs, as integers (pair).

    Pairs that share a solution are not independent. The bootstrap therefore resamples solutions and not pairs. A pair
    occurs as often as the product of the counts of its two solutions. Resamples without a pair are skipped.
    """
    for count in draw_counts(pairs, rng, resamples):
        weight = count[:, 0] * count[:, 1]
        if weight.any():
            yield weight


def draw_runs(shape: tuple[int, ...], runs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw with replacement as many positions as each cell has runs, for all cells of an array at once.

    ``shape`` is (..., cell..., run), such as (resample, cell..., run). ``runs`` (cell...) is the number of runs of each
    cell, which have to be the first ones along the last axis. The positions have this shape; surplus ones are -1.
    """
    runs = np.asarray(runs)[..., None]
    return np.where(np.arange(shape[-1]) < runs, (rng.random(shape) * runs).astype(int), -1)


def take_runs(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the values (..., run) at the positions of ``draw_runs``; NaN where the position is -1."""
    return np.where(drawn >= 0, np.take_along_axis(values, np.maximum(drawn, 0), axis=-1), np.nan)


def image_error(accuracy: np.ndarray, images: int) -> np.ndarray:
    """Return the binomial standard error of an accuracy (...) on a number of independent test images.

    For a mean accuracy over runs this error is an upper bound, reached if all runs misclassify the same images.
    """
    return np.sqrt(accuracy * (1 - accuracy) / images)


def add_image_error(bounds: np.ndarray, accuracy: np.ndarray, images: int) -> np.ndarray:
    """Widen the interval (bound, ...) of a mean accuracy over runs (...) by the sampling of the test images.

    The distances from the mean add in quadrature, since runs and images are drawn independently of each other.
    """
    half = np.hypot(bounds - accuracy, NormalDist().inv_cdf(LEVELS[1]) * image_error(accuracy, images))
    return accuracy + np.array([-1, 1]).reshape(2, *[1] * np.ndim(accuracy)) * half


def resample_images(error: np.ndarray, rng: np.random.Generator, resamples: int) -> np.ndarray:
    """Return accuracies (resample, run...) on test images drawn with replacement, the same images for all runs.

    ``error`` (run..., image) is whether a run misclassifies an image. Because runs share the test images, a difference
    between two runs has a smaller sampling error than either accuracy.
    """
    images = error.shape[-1]
    weight = np.stack([np.bincount(drawn, minlength=images) for (drawn,) in resample([images], rng, resamples)])
    wrong = weight.astype(np.float32) @ error.reshape(-1, images).T.astype(np.float32)  # exact, because integers
    return 1 - wrong.astype(float).reshape(resamples, *error.shape[:-1]) / images


def resample_fraction(fraction: np.ndarray, runs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw fractions (...) as another set of independent ``runs`` (...) would show them.

    The drawn fraction is NaN where ``fraction`` is NaN or the number of runs is 0.
    """
    known = np.isfinite(fraction) & (np.asarray(runs) > 0)
    count = np.where(known, runs, 1).astype(int)
    drawn = rng.binomial(count, np.clip(np.where(known, fraction, 0), 0, 1)) / count
    return np.where(known, drawn, np.nan)
