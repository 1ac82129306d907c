"""Bootstrap: resamples of runs, of solutions that pairs share, and central 95% intervals.

The order in which a function draws from its stream is part of every stored interval: do not change it.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL, finite_mean

LEVELS = (0.025, 0.975)


def central_interval(resampled: np.ndarray, runs: float | np.ndarray) -> np.ndarray:
    """Return the central 95% (bound, ...) of resampled numbers (resample, ...).

    ``runs`` is the number of independent runs behind each number (...), or behind every one. Non-finite resamples are
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

    ``counts`` (group) are the members of each group, of which as many are drawn; a count may be 0.
    """
    for _ in range(resamples):
        yield [rng.integers(0, count, count) for count in counts]


def interval(
    values: np.ndarray, rng: np.random.Generator, resamples: int, statistic: Callable[..., np.ndarray] = finite_mean
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a statistic over realizations and its central 95% interval, by resampling the realizations.

    ``values`` are (realization, ...), NaN where a realization has no value. ``statistic`` takes them and ``axis``, and
    leaves out NaN. The results (...) are the statistic, its lower and its upper bound; the bounds are NaN where fewer
    than ``MIN_RUNS_FOR_INTERVAL`` realizations have a value.
    """
    present = values[np.isfinite(values).reshape(len(values), -1).any(axis=1)]
    found = statistic(present, axis=0) if len(present) else np.full(values.shape[1:], np.nan)
    if len(present) < MIN_RUNS_FOR_INTERVAL:
        return found, np.full_like(found, np.nan), np.full_like(found, np.nan)
    draws = resample([len(present)], rng, resamples)
    resampled = np.stack([statistic(present[drawn], axis=0) for (drawn,) in draws])
    low, high = central_interval(resampled, np.isfinite(present).sum(axis=0))
    return found, low, high


def draw_counts(labels: np.ndarray, rng: np.random.Generator, resamples: int) -> Iterator[np.ndarray]:
    """Yield, for each resample of the distinct labels, how often each element's label was drawn.

    ``labels`` (...) are integers, such as the solutions of pairs or the group of each point.
    """
    distinct, place = np.unique(labels, return_inverse=True)
    place = place.reshape(labels.shape)
    for (drawn,) in resample([len(distinct)], rng, resamples):
        yield np.bincount(drawn, minlength=len(distinct))[place]


def pair_weights(pairs: np.ndarray, rng: np.random.Generator, resamples: int) -> Iterator[np.ndarray]:
    """Yield, for each resample of solutions, how often each pair (pair, 2) of them occurs, as integers (pair).

    Pairs that share a solution are not independent, so the solutions are resampled, not the pairs. A pair occurs as
    often as the product of the counts of its two solutions. Resamples without a pair are skipped.
    """
    for count in draw_counts(pairs, rng, resamples):
        weight = count[:, 0] * count[:, 1]
        if weight.any():
            yield weight


def draw_runs(shape: tuple[int, ...], runs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw positions of as many runs as each cell has, with replacement, for all cells of an array at once.

    ``shape`` is (..., cell..., run), such as (resample, cell..., run). ``runs`` (cell...) counts the runs of each cell,
    which are the first ones along the last axis. The positions have that shape, -1 beyond the runs of the cell.
    """
    runs = np.asarray(runs)[..., None]
    return np.where(np.arange(shape[-1]) < runs, (rng.random(shape) * runs).astype(int), -1)


def take_runs(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the values (..., run) at the positions that ``draw_runs`` gives; NaN where the position is -1."""
    return np.where(drawn >= 0, np.take_along_axis(values, np.maximum(drawn, 0), axis=-1), np.nan)


def resample_fraction(fraction: np.ndarray, runs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw fractions (...) as another set of independent ``runs`` (...) would show them.

    A fraction is NaN where ``fraction`` is NaN or there are no runs.
    """
    known = np.isfinite(fraction) & (np.asarray(runs) > 0)
    count = np.where(known, runs, 1).astype(int)
    drawn = rng.binomial(count, np.clip(np.where(known, fraction, 0), 0, 1)) / count
    return np.where(known, drawn, np.nan)
