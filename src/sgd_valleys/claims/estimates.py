"""Estimate numbers with intervals from runs, cells of a sweep, fractions of runs, and files of the controls."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

from sgd_valleys.claims.permutations import grid_permutation_p, over_map, permutation_p
from sgd_valleys.claims.verdict import NO_INTERVAL, Control, Estimate
from sgd_valleys.measures.cell_maps import ON_IMAGES, converged_only, fewest_runs, resample_accuracy
from sgd_valleys.statistics import bootstrap
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL, finite_mean
from sgd_valleys.storage.cells import index_of

Arrays = Mapping[str, np.ndarray]
Values = Sequence[float] | np.ndarray
Statistic = Callable[..., Any]  # takes arrays, returns a number, or one number for each resample


class Sampling(NamedTuple):
    """A random stream and the number of resamples, which is also the number of permutations of a test."""

    rng: np.random.Generator
    resamples: int

    def rows(self, rows: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """Yield, for each resample, rows whose elements are drawn with replacement."""
        for drawn in bootstrap.resample([len(row) for row in rows], *self):
            yield [row[chosen] for row, chosen in zip(rows, drawn, strict=True)]

    def fractions(self, fraction: np.ndarray, runs: np.ndarray) -> np.ndarray:
        """Draw fractions (resample, ...) of other sets of independent runs, with the measured ``fraction`` (...)."""
        return np.array([bootstrap.resample_fraction(fraction, runs, self.rng) for _ in range(self.resamples)])

    def errors(self, error: np.ndarray) -> np.ndarray:
        """Draw deviations (resample, ...) of a number with a standard error (...)."""
        return error * self.rng.standard_normal((self.resamples, *np.shape(error)))


NewSampling = Callable[[], Sampling]  # returns a new sampling with the same stream for every number

NOISE = "the noise eta (1/B - 1/M)"  # 0 for the cells of gradient descent
BY_RUNS = "bootstrap over realizations"
BY_RUNS_AND_IMAGES = "bootstrap over realizations and test images"
BY_SOLUTIONS = "bootstrap over solutions"
BINOMIAL = "binomial resampling of runs, too wide if no run changes valley"


def central_95(resampled: Values) -> tuple[float, float]:
    """Return the central 95% (low, high) of resampled numbers (resample); NaN where none is finite.

    ``Estimate`` removes the interval of too few runs.
    """
    low, high = bootstrap.central_interval(np.asarray(resampled, dtype=float), np.inf)
    return float(low), float(high)


def not_measured(samples: str, method: str) -> Estimate:
    """Return the estimate of a number that could not be measured."""
    return Estimate(np.nan, NO_INTERVAL, samples, method, 0)


def stored(values: Values, samples: str, method: str) -> Estimate:
    """Return a number that the file of a control holds as (value, low, high); the bounds are NaN for too few runs."""
    value, low, high = (float(each) for each in values)
    return Estimate(value, (low, high), samples, method, np.inf)


def stored_control(text: str, values: Values) -> Control:
    """Return a number of ``stored`` as the control of another number."""
    return stored(values, "", "").as_control(text)


def weakest(found: Mapping[str, Estimate], side: int = 1) -> Estimate:
    """Return the smallest of several estimates by name, or the largest for side -1, with the others as controls.

    The p-value is the largest of all, because the claim requires every trend. Unmeasured numbers are left out.
    """
    known = {name: each for name, each in found.items() if np.isfinite(each.value)}
    if not known:
        return next(iter(found.values()))
    name = min(known, key=lambda key: side * known[key].value)
    tested = [each.p_value for each in known.values() if each.p_value is not None]
    p_value = float(np.max(tested)) if tested else None
    others = (each.as_control(key) for key, each in known.items() if key != name)
    return replace(known[name], method=f"{known[name].method}; {name}", p_value=p_value).beside(*others)


def interval_including_estimate(resampled: np.ndarray, estimate: float) -> tuple[float, float]:
    """Return the central 95% (low, high) of resampled correlations (resample), widened to include the estimate.

    Resampling noisy numbers adds their noise a second time, which lowers every resampled correlation.
    """
    low, high = central_95(resampled)
    return min(low, estimate), max(high, estimate)


def resampled_correlation(
    values: np.ndarray, resampled: np.ndarray, correlate: Statistic, samples: str, method: str, runs: int
) -> Estimate:
    """Estimate a correlation of numbers (...), with an interval from their resamples (resample, ...).

    ``correlate`` takes either of the two. Each number is measured over ``runs`` runs.
    """
    found = correlate(values)
    return Estimate(found, interval_including_estimate(correlate(resampled), found), samples, method, runs)


class Cube(NamedTuple):
    """A quantity of all runs of a sweep (cell..., run), and its resamples; NaN where a run has no value."""

    values: np.ndarray
    resampled: np.ndarray | None = None  # (resample, cell..., run) on resampled test images; None without images

    def row(self, k: int) -> "Cube":
        """Return the quantity at one learning rate."""
        return Cube(self.values[k], None if self.resampled is None else self.resampled[:, k])


def resampled_units(*cubes: Cube) -> str:
    """Return the name of the bootstrap of these quantities, which states what is resampled."""
    return BY_RUNS if all(cube.resampled is None for cube in cubes) else BY_RUNS_AND_IMAGES


def of_converged(endpoints: Arrays, name: str, new_sampling: NewSampling) -> Cube:
    """Return a quantity of endpoints.h5 over the runs that converge; an accuracy is resampled over its test images."""
    images = None
    if name in ON_IMAGES:
        rng, resamples = new_sampling()
        images = resample_accuracy(endpoints, name, rng.spawn(1)[0], resamples)  # independent of the resampled runs
    return Cube(converged_only(endpoints, name), images)


def over_runs(values: np.ndarray, sampling: Sampling, reduce: Statistic = finite_mean, name: str = "mean") -> Estimate:
    """Estimate a statistic over realizations (realization) by resampling these; NaN values are left out.

    ``reduce`` is the statistic, which takes ``axis``. ``name`` is the name of the statistic.
    """
    used = np.asarray(values, dtype=float)
    used = used[np.isfinite(used)]
    method = f"{name}, {BY_RUNS}"
    if not used.size:
        return not_measured("no runs", method)
    found, low, high = bootstrap.interval(used, *sampling, reduce)
    return Estimate(float(found), (float(low), float(high)), f"{used.size} runs", method, used.size)


def one_run(values: np.ndarray) -> Estimate:
    """Estimate the spread of single runs: median and central 95% over realizations (realization); NaN is left out."""
    used = values[np.isfinite(values)]
    median = float(np.median(used)) if used.size else np.nan
    method = "median and central 95% of the runs"
    return Estimate(median, central_95(used), f"{used.size} runs", method, used.size, spread=True)


def over_batch_sizes(
    values: Mapping[int, Values], descent: int | None, reduce: Statistic, sampling: Sampling, method: str
) -> Estimate:
    """Reduce the means over runs of all batch sizes to one number, resampling the runs of each batch size.

    ``values`` are (run) by batch size, of which the finite ones are used. ``reduce`` takes the means (batch size).
    ``descent`` is the batch size of gradient descent, whose single run is exact, or None without gradient descent.
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


def over_cells(cubes: Sequence[Cube], cells: Arrays, statistic: Statistic, sampling: Sampling, method: str) -> Estimate:
    """Estimate a number of a whole sweep by resampling the runs of every cell, and the test images of an accuracy.

    Args:
        cubes: quantities, which are resampled together.
        cells: ``runs`` (cell...), whose last axis is B, and ``gradient_descent`` (B).
        statistic: function of arrays (..., cell..., run), one for each cube. It returns the numbers (...), for all
            resamples in one call.
        sampling: of the bootstrap.
        method: name of the statistic.
    """
    values = [cube.values.astype(float) for cube in cubes]
    drawn = bootstrap.draw_runs((sampling.resamples, *values[0].shape), cells["runs"], sampling.rng)
    pools = (cube.values[None] if cube.resampled is None else cube.resampled for cube in cubes)
    resampled = statistic(*(bootstrap.take_runs(pool.astype(float), drawn) for pool in pools))
    known = np.all([np.isfinite(value) for value in values], axis=0)
    samples = f"{known.sum()} runs in {known.any(axis=-1).sum()} cells"
    runs = min(fewest_runs(cells["runs"], cells["gradient_descent"]), int(known.sum()))
    method = f"{method}, {resampled_units(*cubes)}"
    return Estimate(float(statistic(*values)), central_95(resampled), samples, method, runs)


def map_correlation(
    cubes: Sequence[Cube], reduce: Statistic, maps: tuple[np.ndarray, np.ndarray], cells: Arrays, sampling: Sampling
) -> Estimate:
    """Correlate the ranks of two quantities over the cells, each reduced over the runs of its cell.

    ``reduce`` maps each of the two ``cubes`` from (eta, B, run) to (eta, B). The permutation test uses ``maps``, the
    quantities as cell_maps.h5 stores them. ``cells`` is that of ``over_cells``.
    """

    def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return rank_correlation(over_map(reduce(one)), over_map(reduce(other)))

    method = "rank correlation over cells, permutation test of rows and columns"
    found = over_cells(cubes, cells, correlation, sampling, method)
    return replace(found, p_value=grid_permutation_p(maps[0], maps[1], *sampling))


def over_solutions(pairs: np.ndarray, statistic: Statistic, sampling: Sampling, method: str) -> Estimate:
    """Estimate a number of pairs (pair, 2) of solutions by resampling the solutions.

    ``statistic`` takes how often each pair occurs (pair), as integers.
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
    """Estimate the first minus the second of two fractions of independent runs."""
    first, second = fractions
    resampled = sampling.fractions(np.array(fractions), np.array(runs))
    between = central_95(resampled[:, 0] - resampled[:, 1])
    samples = f"{int(runs[0])} and {int(runs[1])} runs"
    return Estimate(float(first - second), between, samples, f"difference, {BINOMIAL}", min(runs))


def rate_trend(axes: Arrays, values: Cube, eta: float, sampling: Sampling) -> Estimate:
    """Correlate values (eta, B, run) of single runs at the learning rate ``eta`` with the batch size.

    ``axes`` has ``eta`` (eta), ``B`` (B), ``gradient_descent`` (B) and ``runs`` (eta, B). See ``run_trend``.
    """
    row = index_of(axes["eta"], eta)
    if row is None:
        return not_measured(f"no run at eta = {eta:g}", "rank correlation")
    return run_trend(axes["B"], values.row(row), axes["runs"][row], axes["gradient_descent"], sampling)


def run_trend(
    x: np.ndarray, values: Cube, runs: np.ndarray, gradient_descent: np.ndarray, sampling: Sampling
) -> Estimate:
    """Correlate values (cell, run) with a quantity ``x`` (cell), with a permutation test over the runs.

    A cell is left out if fewer than ``MIN_RUNS_FOR_INTERVAL`` of its ``runs`` (cell) have a finite value, because these
    runs are a biased sample. A cell with fewer runs in all is kept if all of its runs have a value, such as the single
    run where ``gradient_descent`` (cell) is True.
    """
    known = np.isfinite(values.values)
    counts = known.sum(axis=1)
    few = (counts > 0) & (counts < np.minimum(MIN_RUNS_FOR_INTERVAL, runs))
    known[few] = False
    counts[few] = 0
    places = np.repeat(np.asarray(x, dtype=float), counts)
    every, pool = values.values[known], values.values if values.resampled is None else values.resampled
    pool = np.broadcast_to(pool[..., known], (sampling.resamples, len(every)))
    own = np.split(np.arange(len(every)), np.cumsum(counts)[:-1])  # positions of each cell's runs
    resampled = [one[np.concatenate(rows)] for one, rows in zip(pool, sampling.rows(own), strict=True)]
    samples = f"{len(every)} runs at {np.count_nonzero(counts)} batch sizes"
    if few.any():
        left_out = ", ".join(f"{size:g}" for size in np.asarray(x)[few])
        samples += f"; without B = {left_out}, where fewer than {MIN_RUNS_FOR_INTERVAL} runs converge"
    between = central_95(rank_correlation(places, np.array(resampled)))
    shown = counts > 0
    fewest = fewest_runs(counts[shown], gradient_descent[shown])
    p_value = permutation_p(places, every, *sampling)
    method = f"rank correlation, {resampled_units(values)}, permutation test"
    return Estimate(float(rank_correlation(places, every)), between, samples, method, fewest, p_value)
