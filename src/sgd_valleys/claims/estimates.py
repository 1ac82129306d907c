"""Numbers with intervals: from runs, cells of a sweep, fractions of runs, and permutation tests."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest, rankdata

from sgd_valleys.claims.verdict import NO_INTERVAL, Estimate
from sgd_valleys.measures.cell_maps import fewest_runs
from sgd_valleys.statistics import bootstrap
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL, finite_mean
from sgd_valleys.storage.cells import index_of

Arrays = Mapping[str, np.ndarray]
Statistic = Callable[..., Any]  # takes arrays, returns a number, or as many as there are resamples


class Sampling(NamedTuple):
    """A random stream and the number of resamples, which is the number of permutations of a test as well."""

    rng: np.random.Generator
    resamples: int

    def rows(self, rows: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """Yield, for each resample, rows whose elements are drawn with replacement."""
        for drawn in bootstrap.resample([len(row) for row in rows], *self):
            yield [row[chosen] for row, chosen in zip(rows, drawn, strict=True)]

    def fractions(self, fraction: np.ndarray, runs: np.ndarray) -> np.ndarray:
        """Draw fractions (resample, ...) as other sets of independent runs would show them."""
        return np.array([bootstrap.resample_fraction(fraction, runs, self.rng) for _ in range(self.resamples)])

    def errors(self, error: np.ndarray) -> np.ndarray:
        """Draw deviations (resample, ...) of a number with a standard error (...)."""
        return error * self.rng.standard_normal((self.resamples, *np.shape(error)))


NewSampling = Callable[[], Sampling]  # gives a new sampling with the same stream for every number

BY_RUNS = "bootstrap over realizations"
BY_SOLUTIONS = "bootstrap over solutions"
BINOMIAL = "binomial resampling of runs, too wide where none changes valley"


def central_95(resampled: Sequence[float]) -> tuple[float, float]:
    """Return the central 95% (low, high) of resampled numbers (resample); NaN where none is finite.

    ``Estimate`` removes the interval of too few runs.
    """
    low, high = bootstrap.central_interval(np.asarray(resampled, dtype=float), np.inf)
    return float(low), float(high)


def not_measured(samples: str, method: str) -> Estimate:
    """Return the estimate of a number that could not be measured."""
    return Estimate(np.nan, NO_INTERVAL, samples, method, 0)


def interval_including_estimate(resampled: np.ndarray, estimate: float) -> tuple[float, float]:
    """Return the central 95% of resampled correlations (resample), widened to include the estimate.

    A resample of noisy numbers adds noise once more, which lowers every resampled correlation.
    """
    low, high = central_95(resampled)
    return min(low, estimate), max(high, estimate)


def resampled_correlation(
    values: np.ndarray, resampled: np.ndarray, correlate: Statistic, samples: str, method: str, runs: int
) -> Estimate:
    """Estimate a correlation of numbers (...) from their resamples (resample, ...), which ``correlate`` takes both.

    Each number is that of ``runs`` runs.
    """
    found = correlate(values)
    return Estimate(found, interval_including_estimate(correlate(resampled), found), samples, method, runs)


def converged_only(endpoints: Arrays, name: str) -> np.ndarray:
    """Return a quantity (eta, B, run) of endpoints.h5, NaN for runs that do not converge."""
    return np.where(endpoints["converged"], endpoints[name], np.nan)


def exact(value: float, samples: str) -> Estimate:
    """Return a closed form, which is its own interval."""
    return Estimate(float(value), (float(value), float(value)), samples, "exact", np.inf)


def over_runs(values: np.ndarray, sampling: Sampling, reduce: Statistic = finite_mean, name: str = "mean") -> Estimate:
    """Estimate a statistic over realizations (realization), NaN where one has no value, by resampling them.

    ``reduce`` is the statistic, which takes ``axis``; ``name`` is its name.
    """
    used = np.asarray(values, dtype=float)
    used = used[np.isfinite(used)]
    method = f"{name}, {BY_RUNS}"
    if not used.size:
        return not_measured("no runs", method)
    found, low, high = bootstrap.interval(used, *sampling, reduce)
    return Estimate(float(found), (float(low), float(high)), f"{used.size} runs", method, used.size)


def one_run(values: np.ndarray) -> Estimate:
    """Estimate what a single run may show: median and central 95% over realizations (realization); NaN is left out."""
    used = values[np.isfinite(values)]
    median = float(np.median(used)) if used.size else np.nan
    method = "median and central 95% of the runs"
    return Estimate(median, central_95(used), f"{used.size} runs", method, used.size, spread=True)


def over_batch_sizes(
    values: Mapping[int, Sequence[float]], descent: int | None, reduce: Statistic, sampling: Sampling, method: str
) -> Estimate:
    """Reduce the means over runs of all batch sizes to one number, resampling the runs of each batch size.

    ``values`` are (run) by batch size, of which the finite ones are used; ``reduce`` takes the means (batch size).
    ``descent`` is the batch size of gradient descent, if the sweep has one, whose single run is exact.
    """
    used = [np.asarray(row, dtype=float) for row in values.values()]
    used = [row[np.isfinite(row)] for row in used]
    counts = [len(row) for row in used]
    method = f"{method}, {BY_RUNS}"
    if not counts or not all(counts):
        return not_measured("a batch size without runs", method)

    def reduced(rows: Iterable[np.ndarray]) -> float:
        return float(reduce(np.array([row.mean() for row in rows])))

    resampled = [reduced(rows) for rows in sampling.rows(used)]
    runs = fewest_runs(np.array(counts), np.array([descent == B for B in values]))
    return Estimate(
        reduced(used), central_95(resampled), f"{sum(counts)} runs of {len(used)} batch sizes", method, runs
    )


def over_cells(
    cubes: Sequence[np.ndarray], cells: Arrays, statistic: Statistic, sampling: Sampling, method: str
) -> Estimate:
    """Estimate a number of a whole sweep by resampling the runs of every cell.

    ``cells`` has ``runs`` (cell...), whose last axis is B, and ``gradient_descent`` (B). ``statistic`` takes the cubes
    (..., cell..., run), all resamples at once, and returns the numbers (...). The cubes are NaN where a run has no
    value; they are resampled together.
    """
    values = [np.asarray(cube, dtype=float) for cube in cubes]
    drawn = bootstrap.draw_runs((sampling.resamples, *values[0].shape), cells["runs"], sampling.rng)
    resampled = statistic(*(bootstrap.take_runs(value[None], drawn) for value in values))
    known = np.all([np.isfinite(value) for value in values], axis=0)
    samples = f"{known.sum()} runs in {known.any(axis=-1).sum()} cells"
    runs = min(fewest_runs(cells["runs"], cells["gradient_descent"]), int(known.sum()))
    return Estimate(float(statistic(*values)), central_95(resampled), samples, f"{method}, {BY_RUNS}", runs)


def over_map(values: np.ndarray) -> np.ndarray:
    """Return maps (..., eta, B) with their cells along one axis, (..., cell)."""
    return values.reshape(*values.shape[:-2], -1)


def map_correlation(
    cubes: Sequence[np.ndarray], reduce: Statistic, maps: Sequence[np.ndarray], cells: Arrays, sampling: Sampling
) -> Estimate:
    """Correlate the ranks of two quantities over the cells, each reduced over the runs of its cell.

    ``reduce`` takes each of the two ``cubes`` (eta, B, run), NaN where a run has no value, to (eta, B). ``maps`` are
    the quantities as cell_maps.h5 stores them, for the permutation test. ``cells`` is that of ``over_cells``.
    """

    def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return rank_correlation(over_map(reduce(one)), over_map(reduce(other)))

    method = "rank correlation over cells, permutation test of rows and columns"
    found = over_cells(cubes, cells, correlation, sampling, method)
    return replace(found, p_value=grid_permutation_p(*maps, *sampling))


def over_solutions(pairs: np.ndarray, statistic: Statistic, sampling: Sampling, method: str) -> Estimate:
    """Estimate a number of pairs (pair, 2) of solutions by resampling the solutions that the pairs share.

    ``statistic`` takes how often each pair occurs (pair), integers.
    """
    method = f"{method}, {BY_SOLUTIONS}"
    if not len(pairs):
        return not_measured("no pairs", method)
    found, solutions = float(statistic(np.ones(len(pairs), dtype=int))), len(np.unique(pairs))
    resampled = [statistic(weight) for weight in bootstrap.pair_weights(pairs, *sampling)]
    return Estimate(found, central_95(resampled), f"{len(pairs)} pairs of {solutions} solutions", method, solutions)


def proportion(count: int, trials: int, samples: str) -> Estimate:
    """Estimate a probability from independent trials, with the exact binomial interval."""
    if not trials:
        return not_measured(f"no {samples}", "exact binomial")
    found = binomtest(int(count), int(trials)).proportion_ci(0.95, method="exact")
    between = float(found.low), float(found.high)
    return Estimate(count / trials, between, f"{trials} {samples}", "exact binomial", trials)


def fraction_of_runs(fraction: float, runs: int) -> Estimate:
    """Estimate a probability from the fraction of runs that a file stores."""
    return proportion(round(float(fraction) * runs), runs, "runs")


def fraction_difference(fractions: tuple[float, float], runs: tuple[int, int], sampling: Sampling) -> Estimate:
    """Estimate the first less the second of two fractions of independent runs."""
    first, second = fractions
    resampled = sampling.fractions(np.array(fractions), np.array(runs))
    between = central_95(resampled[:, 0] - resampled[:, 1])
    samples = f"{int(runs[0])} and {int(runs[1])} runs"
    return Estimate(float(first - second), between, samples, f"difference, {BINOMIAL}", min(runs))


def rate_trend(axes: Arrays, values: np.ndarray, eta: float, sampling: Sampling) -> Estimate:
    """Correlate values (eta, B, run) of single runs at the learning rate ``eta`` with the batch size.

    ``axes`` has ``eta`` (eta), ``B`` (B), ``gradient_descent`` (B) and ``runs`` (eta, B). See ``run_trend``.
    """
    row = index_of(axes["eta"], eta)
    if row is None:
        return not_measured(f"no run at eta = {eta:g}", "rank correlation")
    return run_trend(axes["B"], values[row], axes["runs"][row], axes["gradient_descent"], sampling)


def run_trend(
    x: np.ndarray, values: np.ndarray, runs: np.ndarray, gradient_descent: np.ndarray, sampling: Sampling
) -> Estimate:
    """Correlate values (cell, run) with a quantity ``x`` (cell), with a permutation test over the runs.

    A cell is left out where fewer than ``MIN_RUNS_FOR_INTERVAL`` of its ``runs`` (cell) have a finite value, because
    those runs are selected by their behaviour. A cell is kept if it has no more runs, as the single one of gradient
    descent, where ``gradient_descent`` (cell) is True.
    """
    used = [row[np.isfinite(row)] for row in values]
    few = np.array([0 < len(row) < min(MIN_RUNS_FOR_INTERVAL, count) for row, count in zip(used, runs, strict=True)])
    used = [row[:0] if left_out else row for row, left_out in zip(used, few, strict=True)]
    counts = [len(row) for row in used]
    places = np.repeat(np.asarray(x, dtype=float), counts)
    resampled = [np.concatenate(rows) for rows in sampling.rows(used)]
    every = np.concatenate(used)
    samples = f"{len(every)} runs at {np.count_nonzero(counts)} batch sizes"
    if few.any():
        left_out = ", ".join(f"{size:g}" for size in np.asarray(x)[few])
        samples += f"; without B = {left_out}, where fewer than {MIN_RUNS_FOR_INTERVAL} runs converge"
    between = central_95(rank_correlation(places, np.array(resampled)))
    shown = np.array(counts) > 0
    fewest = fewest_runs(np.array(counts)[shown], gradient_descent[shown])
    p_value, method = permutation_p(places, every, *sampling), f"rank correlation, {BY_RUNS}, permutation test"
    return Estimate(rank_correlation(places, every), between, samples, method, fewest, p_value)


def permutation_p(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int) -> float:
    """Return the one-sided p-value of the rank correlation of independent points (point); NaN where there is none.

    The side is that of the measured correlation; the verdict decides whether the paper claims that side.
    """
    used = np.isfinite(x) & np.isfinite(y)
    found = rank_correlation(x[used], y[used])
    if not np.isfinite(found):
        return np.nan
    a, b = ((rank - rank.mean()) / rank.std() for rank in (rankdata(x[used]), rankdata(y[used])))
    permuted = np.array([a @ rng.permutation(b) for _ in range(permutations)]) / len(a)
    return float((1 + _count_as_extreme(found, permuted)) / (1 + permutations))


def grid_permutation_p(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int) -> float:
    """Return the one-sided p-value of the rank correlation of two maps, permuting whole rows and whole columns.

    Cells of one row or column are similar in any map, so that permutations of single cells would not be the null
    distribution. The maps are (row, column), NaN where they have no value; ``y`` is permuted. All permutations of a
    small grid are used, the measured one among them; of more, as many as ``permutations`` are drawn.
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
    row, column = (np.array(order) for order in zip(*orders, strict=True))
    permuted = rank_correlation(x.ravel(), over_map(y[row[:, :, None], column[:, None, :]]))
    permuted = permuted[np.isfinite(permuted)]
    count = _count_as_extreme(found, permuted)
    return float(count / len(permuted)) if every else float((1 + count) / (1 + len(permuted)))


def _count_as_extreme(found: float, permuted: np.ndarray) -> int:
    """Count the permuted correlations that are at least as large as the measured one, on its side."""
    return (np.sign(found) * permuted >= abs(found) - 1e-9).sum()
