"""Numbers with intervals, from runs, pairs of runs, cells of a sweep, and counts."""

import itertools
import math
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import binomtest, rankdata

from sgd_valleys.claims.verdict import Estimate
from sgd_valleys.statistics.bootstrap import interval
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL

NONE = (np.nan, np.nan)
BY_RUNS = "bootstrap over realizations"


def bounds(drawn: np.ndarray) -> tuple[float, float]:
    """Central 95% of resampled numbers (resample); NaN where none is finite."""
    finite = drawn[np.isfinite(drawn)]
    return tuple(map(float, np.quantile(finite, [0.025, 0.975]))) if finite.size else NONE


def around(drawn: np.ndarray, found: float) -> tuple[float, float]:
    """Central 95% of resampled correlations (resample), widened to hold the one found.

    Resampling what is itself noisy adds the noise once more, which takes order away from every resample.
    """
    low, high = bounds(drawn)
    return min(low, found), max(high, found)


def exact(value: float, of: str) -> Estimate:
    """A closed form: its own interval."""
    return Estimate(float(value), (float(value), float(value)), of, "exact")


def over_runs(
    values: np.ndarray, rng: np.random.Generator, resamples: int, reduce: Callable = np.nanmean, name: str = "mean"
) -> Estimate:
    """A statistic over realizations, resampling them; of fewer than ``MIN_RUNS_FOR_INTERVAL`` there is no interval.

    Args:
        values: (realization) a number each, NaN where it has none.
        rng: of the resampling.
        resamples: how many.
        reduce: the statistic; it leaves out NaN and takes ``axis``.
        name: of the statistic.
    """
    used = np.asarray(values, dtype=float)
    used = used[np.isfinite(used)]
    method = f"{name}, {BY_RUNS}"
    if not used.size:
        return Estimate(np.nan, NONE, "no runs", method)
    found, low, high = interval(used, rng, resamples, reduce)
    between = (float(low), float(high)) if used.size >= MIN_RUNS_FOR_INTERVAL else NONE
    return Estimate(float(found), between, f"{used.size} runs", method)


def one_run(values: np.ndarray) -> Estimate:
    """What a single run may show: the median over realizations and the central 95% of them; NaN where it has none."""
    used = values[np.isfinite(values)]
    middle = float(np.median(used)) if used.size else np.nan
    interval = bounds(used) if used.size >= MIN_RUNS_FOR_INTERVAL else NONE
    return Estimate(middle, interval, f"{used.size} runs", "median and central 95% of the runs", spread=True)


def proportion(count: int, of: int, what: str) -> Estimate:
    """A share of independent trials, with its exact binomial interval."""
    if not of:
        return Estimate(np.nan, NONE, f"no {what}", "exact binomial")
    found = binomtest(int(count), int(of)).proportion_ci(0.95, method="exact")
    return Estimate(count / of, (float(found.low), float(found.high)), f"{of} {what}", "exact binomial")


def _reached(found: float, drawn: np.ndarray) -> np.ndarray:
    """Which of the correlations that chance gave are as far out, on the side of the one found."""
    return np.sign(found) * drawn >= abs(found) - 1e-9


def permutation_p(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int) -> float:
    """One-sided p-value of a rank correlation of independent points; NaN where there is none.

    It says how often chance gives one as large on the side that was measured. Which side that is, the verdict asks.
    """
    used = np.isfinite(x) & np.isfinite(y)
    found = rank_correlation(x[used], y[used])
    if not np.isfinite(found):
        return np.nan
    a, b = ((rank - rank.mean()) / rank.std() for rank in (rankdata(x[used]), rankdata(y[used])))
    drawn = np.array([a @ rng.permutation(b) for _ in range(permutations)]) / len(a)
    return float((1 + _reached(found, drawn).sum()) / (1 + permutations))


def grid_permutation_p(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int) -> float:
    """The same of two maps over a grid, whose rows and whose columns are reordered as wholes.

    Cells of a row, or of a column, have much in common whatever the map is about, so that single cells in any order
    would not be what chance gives. All orders of a small grid are gone through, the one found among them.

    Args:
        x: (row, column), NaN where it has no value.
        y: (row, column), the one that is reordered.
        rng: of the drawing.
        permutations: how many orders to draw, where there are more.
    """
    found = rank_correlation(x.ravel(), y.ravel())
    if not np.isfinite(found):
        return np.nan
    rows, columns = y.shape
    every = math.factorial(rows) * math.factorial(columns) <= permutations
    if every:
        orders = itertools.product(itertools.permutations(range(rows)), itertools.permutations(range(columns)))
    else:
        orders = ((rng.permutation(rows), rng.permutation(columns)) for _ in range(permutations))
    drawn = rank_correlation(x.ravel(), np.array([y[np.ix_(*order)].ravel() for order in orders]))
    drawn = drawn[np.isfinite(drawn)]
    count = _reached(found, drawn).sum()
    return float(count / len(drawn)) if every else float((1 + count) / (1 + len(drawn)))


def draw_runs(values: np.ndarray, runs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions (cell..., run) of as many runs as each cell has, drawn with replacement; -1 beyond them.

    Args:
        values: (cell..., run), for its shape alone.
        runs: (cell...) how many runs each cell has, the first so many of the last axis.
        rng: of the drawing.
    """
    drawn = (rng.random(values.shape) * np.asarray(runs)[..., None]).astype(int)
    return np.where(np.arange(values.shape[-1]) < np.asarray(runs)[..., None], drawn, -1)


def taken(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The drawn runs' values, NaN where none was drawn."""
    return np.where(drawn >= 0, np.take_along_axis(values, np.maximum(drawn, 0), axis=-1), np.nan)


def over_cells(
    cubes: Sequence[np.ndarray],
    runs: np.ndarray,
    statistic: Callable[..., float],
    rng: np.random.Generator,
    resamples: int,
    method: str,
) -> Estimate:
    """A number of a whole sweep, resampling the runs of every cell.

    Args:
        cubes: each (cell..., run), NaN where a run has no value; resampled together.
        runs: (cell...) how many runs each cell has.
        statistic: of the cubes.
        rng: of the resampling.
        resamples: how many.
        method: the statistic's name.
    """
    values = [np.asarray(cube, dtype=float) for cube in cubes]
    found = np.empty(resamples)
    for k in range(resamples):
        drawn = draw_runs(values[0], runs, rng)
        found[k] = statistic(*(taken(value, drawn) for value in values))
    there = np.all([np.isfinite(value) for value in values], axis=0)
    samples = f"{there.sum()} runs in {there.any(axis=-1).sum()} cells"
    interval = bounds(found) if np.max(runs) > 1 else NONE
    return Estimate(float(statistic(*values)), interval, samples, f"{method}, {BY_RUNS}")


def run_trend(
    x: np.ndarray, values: np.ndarray, runs: np.ndarray, rng: np.random.Generator, resamples: int, permutations: int
) -> Estimate:
    """Rank correlation of the runs' values with what their cell is at, and a permutation test over the runs.

    A cell of which fewer than ``MIN_RUNS_FOR_INTERVAL`` runs have a value has no say: those few were chosen by
    what they did. A cell with a single run, gradient descent, has.

    Args:
        x: (cell) of the cells.
        values: (cell, run), NaN where there is none.
        runs: (cell) how many runs each cell has.
        rng: of both.
        resamples: of each cell's runs.
        permutations: of the test.
    """
    used = [row[np.isfinite(row)] for row in values]
    few = np.array([0 < len(row) < min(MIN_RUNS_FOR_INTERVAL, count) for row, count in zip(used, runs, strict=True)])
    used = [row[:0] if left else row for row, left in zip(used, few, strict=True)]
    places = np.repeat(np.asarray(x, dtype=float), [len(row) for row in used])
    again = [
        np.concatenate([row[rng.integers(0, len(row), len(row))] if len(row) else row for row in used])
        for _ in range(resamples)
    ]
    drawn = rank_correlation(places, np.array(again))
    every = np.concatenate(used)
    samples = f"{len(every)} runs at {sum(len(row) > 0 for row in used)} batch sizes"
    if few.any():
        left = ", ".join(f"{size:g}" for size in np.asarray(x)[few])
        samples += f"; without B = {left}, where fewer than {MIN_RUNS_FOR_INTERVAL} runs converge"
    return Estimate(
        rank_correlation(places, every),
        bounds(drawn),
        samples,
        f"rank correlation, {BY_RUNS}, permutation test",
        permutation_p(places, every, rng, permutations),
    )


def nanmean(values: np.ndarray) -> float:
    """The mean of what is finite, NaN and no warning where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.nanmean(values))
