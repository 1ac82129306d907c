"""Effects of the noise on the cells of a sweep: diversity, accuracy, flatness, freezing (Secs. II B and C)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import (
    BY_RUNS,
    BY_RUNS_AND_IMAGES,
    Arrays,
    NewSampling,
    Sampling,
    not_measured,
    of_converged,
)
from sgd_valleys.claims.permutations import axis_permutation_p
from sgd_valleys.claims.verdict import Control, Estimate
from sgd_valleys.measures.cell_maps import TRENDS, converged_only, count_runs, fewest_runs
from sgd_valleys.statistics.bootstrap import resample
from sgd_valleys.statistics.pooled import pooled_correlation
from sgd_valleys.statistics.reduce import expected_max, finite_mean
from sgd_valleys.storage.cells import Cell


def measure_trends(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_sampling: NewSampling
) -> dict[str, Estimate]:
    """Measure the trend of every quantity of a cell with the noise: ``NAME_at_fixed_eta``, and ``NAME_with_noise``.

    The second trend is over all cells, and mixes the effect of the noise with that of eta. The arrays are those of
    endpoints.h5, freezing.h5 and cell_maps.h5.
    """
    fewest = fewest_runs(endpoints["runs"], endpoints["gradient_descent"])
    runs = count_runs(endpoints, freezing["freezing_time"][0])
    found = {}
    for name in TRENDS:
        counts = fewest, runs[name]
        found[f"{name}_at_fixed_eta"] = trend_at_fixed_eta(cell_maps, name, counts, new_sampling())
        found[f"{name}_with_noise"] = _trend_over_cells(cell_maps, name, counts)
    return found


def trend_at_fixed_eta(cell_maps: Arrays, name: str, runs: tuple[int, int], sampling: Sampling) -> Estimate:
    """Estimate the mean rank correlation of a quantity with 1/B at fixed eta, which is the effect of noise alone.

    The control is the correlation with eta along gradient descent, which has no noise. The interval in cell_maps.h5
    holds for more runs of the same cells. The null of the permutation test is a random order of the batch sizes.
    ``runs`` are the smallest number of runs of a cell with noise, and the number of all runs.
    """
    p_value = axis_permutation_p(cell_maps[name], 1 / cell_maps["B"], 1, *sampling)
    found = _stored_trend(cell_maps, name, runs, cell_maps[f"{name}_axes"][1], cell_maps[f"{name}_axes_interval"][1])
    found = replace(found, method=f"{found.method}, permutation of batch sizes", p_value=p_value)
    return found.beside(_descent_control(cell_maps, name))


def _trend_over_cells(cell_maps: Arrays, name: str, runs: tuple[int, int]) -> Estimate:
    return _stored_trend(cell_maps, name, runs, cell_maps[f"{name}_correlation"], cell_maps[f"{name}_interval"])


def _stored_trend(
    cell_maps: Arrays, name: str, runs: tuple[int, int], correlation: np.ndarray, interval: np.ndarray
) -> Estimate:
    low, high = map(float, interval)
    samples = f"{np.isfinite(cell_maps[name]).sum()} cells, {runs[1]} runs"
    method = BY_RUNS_AND_IMAGES if "accuracy" in name else BY_RUNS
    return Estimate(float(correlation), (low, high), samples, method, min(runs))


def _descent_control(cell_maps: Arrays, name: str) -> Control:
    """Return the correlation with eta along gradient descent, or the quantity itself if it does not vary."""
    correlation, alone = float(cell_maps[f"{name}_descent"]), cell_maps[name][:, cell_maps["gradient_descent"]]
    if not np.isfinite(correlation) and np.isfinite(alone).any():
        return Control("gradient descent, the same at every eta", float(finite_mean(alone, axis=None)))
    low, high = map(float, cell_maps[f"{name}_descent_interval"])
    return Control("gradient descent, with eta", correlation, (low, high))


def measure_cells(
    endpoints: Arrays,
    similarity: Arrays,
    cell_maps: Arrays,
    new_sampling: NewSampling,
    violin_eta: float,
    quiet: Cell,
    noisy: Cell,
) -> dict[str, Estimate]:
    """Measure single cells, rows and pairs of maps of Fig. 2, from endpoints.h5, jaccard.h5 and cell_maps.h5.

    ``violin_eta`` is the learning rate of Fig. 2E and G. ``quiet`` and ``noisy`` are the cells (eta, B) of Fig. 2B and
    C.
    """

    def row(name: str) -> Estimate:
        values = of_converged(endpoints, name, new_sampling)
        return estimates.rate_trend(endpoints, values, violin_eta, new_sampling())

    return {
        "flat_is_accurate": flat_is_accurate(endpoints, cell_maps, new_sampling),
        "test_file_accuracy_gain": accuracy_gain(endpoints, cell_maps, new_sampling),
        "examples_diverge": similarity_difference(similarity, quiet, noisy, new_sampling()),
        "accuracy_with_B": row("test_accuracy"),
        "test_file_accuracy_with_B": row("test_file_accuracy"),
        "flatness_with_B": row("flatness"),
    }


def flat_is_accurate(endpoints: Arrays, cell_maps: Arrays, new_sampling: NewSampling) -> Estimate:
    """Estimate the rank correlation over cells of the maximum F and the maximum test accuracy expected of five runs.

    The control is the correlation over the runs of a cell, which have equal eta and B.
    """
    names = "flatness", "test_accuracy"
    cubes = [of_converged(endpoints, name, new_sampling) for name in names]
    maps = cell_maps["expected_max_flatness"], cell_maps["expected_max_test_accuracy"]
    found = estimates.map_correlation(cubes, expected_max, maps, endpoints, new_sampling())
    flatness, accuracy = (converged_only(endpoints, name) for name in names)
    return found.beside(within_cells(flatness, accuracy, new_sampling()))


def within_cells(x: np.ndarray, y: np.ndarray, sampling: Sampling) -> Control:
    """Return the rank correlation of two quantities (eta, B, run) over the runs of a cell, pooled over the cells."""
    cell = np.repeat(np.arange(x[..., 0].size), x.shape[-1])
    found = pooled_correlation(x.ravel(), y.ravel(), cell, *sampling, unit="group")
    return Control(f"within cells, {found.members} runs", found.correlation, found.interval)


def similarity_difference(similarity: Arrays, quiet: Cell, noisy: Cell, sampling: Sampling) -> Estimate:
    """Estimate the mean Sim_J of the noisy cell's runs minus that of the quiet cell's; negative for more diverse runs.

    ``similarity`` are arrays of jaccard.h5. The cells are pairs (eta, B), whose runs are resampled.
    """
    blocks = []
    for eta, B in (quiet, noisy):
        own = np.flatnonzero((similarity["solution_eta"] == eta) & (similarity["solution_B"] == B))
        block = similarity["jaccard"][np.ix_(own, own)].astype(float)
        np.fill_diagonal(block, np.nan)  # a run drawn twice does not form a pair
        blocks.append(block)
    counts = [len(block) for block in blocks]
    method = f"difference of means over pairs, {BY_RUNS}"
    if min(counts) < 2:
        return not_measured("too few runs", method)

    def difference(positions: Sequence[np.ndarray]) -> float:
        drawn = (block[np.ix_(chosen, chosen)] for block, chosen in zip(blocks, positions, strict=True))
        low, high = (finite_mean(block, axis=None) for block in drawn)
        return float(high - low)

    between = estimates.central_95([difference(drawn) for drawn in resample(counts, *sampling)])
    found = difference([np.arange(count) for count in counts])
    return Estimate(found, between, f"{counts[0]} and {counts[1]} runs", method, min(counts))


def accuracy_gain(endpoints: Arrays, cell_maps: Arrays, new_sampling: NewSampling) -> Estimate:
    """Estimate the accuracy on the whole test file of the noisiest quarter of the cells minus that of the quietest.

    A quarter includes all cells whose noise equals that of its last cell. All cells share the test images.
    """
    noise, method = cell_maps["noise"], "difference of means over cells"
    known = np.isfinite(cell_maps["mean_test_file_accuracy"])
    if not known.any():
        return not_measured("no converged run", method)
    low, high = np.quantile(noise[known], [0.25, 0.75])
    quiet, noisy = known & (noise <= low), known & (noise >= high)

    def gain(values: np.ndarray) -> np.ndarray:
        means = finite_mean(values)
        return finite_mean(means[..., noisy]) - finite_mean(means[..., quiet])

    accuracy = of_converged(endpoints, "test_file_accuracy", new_sampling)
    return estimates.over_cells([accuracy], endpoints, gain, new_sampling(), method)


def measure_elsewhere(endpoints: Arrays, freezing: Arrays, new_sampling: NewSampling) -> dict[str, Estimate]:
    """Measure the effects of another experiment: the smallest against the largest batch size at fixed eta (Fig. S5).

    The control of each is the effect of eta at the largest batch size. The grid is too small for a permutation test.
    """
    accuracy = of_converged(endpoints, "test_file_accuracy", new_sampling)
    eta_t = estimates.Cube(freezing["eta"][:, None, None] * freezing["freezing_time"][0])
    flatness = estimates.Cube(converged_only(endpoints, "flatness"))
    measured: Mapping[str, tuple[estimates.Cube, bool]] = {
        "other_flatness": (flatness, True),
        "other_accuracy": (accuracy, False),
        "other_freezing": (eta_t, True),
    }
    found = {}
    for name, (cube, ratio) in measured.items():
        of_eta = contrast(cube, endpoints, new_sampling(), ratio, of_eta=True)
        text = f"largest {'over' if ratio else 'minus'} smallest eta at the largest B"
        found[name] = contrast(cube, endpoints, new_sampling(), ratio).beside(of_eta.as_control(text))
    return found


def contrast(cube: estimates.Cube, cells: Arrays, sampling: Sampling, ratio: bool, of_eta: bool = False) -> Estimate:
    """Compare the mean at the smallest batch size with that at the largest at fixed eta, mean over eta.

    Args:
        cube: the quantity (eta, B, run). The comparison at each eta uses the smallest and the largest batch size at
            which at least half of the runs have a value.
        cells: as for ``estimates.over_cells``.
        sampling: of the bootstrap over the runs of each cell.
        ratio: whether to return the geometric mean of ratios; otherwise the mean of differences.
        of_eta: whether to compare the largest eta with the smallest at the largest batch size instead.
    """
    counts = np.isfinite(cube.values).sum(axis=-1)
    known = (counts > 0) & (2 * counts >= cells["runs"])  # few runs with a value are a biased sample
    pairs = _column_ends(known) if of_eta else _row_ends(known)
    method = "geometric mean of ratios" if ratio else "mean of differences"
    if not pairs:
        return not_measured("fewer than two cells with enough runs", method)
    first, last = (tuple(np.transpose(ends)) for ends in zip(*pairs, strict=True))

    def compare(values: np.ndarray) -> np.ndarray:
        mean = finite_mean(values)
        one, other = mean[..., *first], mean[..., *last]
        return np.exp(finite_mean(np.log(one / other))) if ratio else finite_mean(one - other)

    return estimates.over_cells([cube], cells, compare, sampling, method)


def _row_ends(known: np.ndarray) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the cells of the smallest and of the largest batch size of each row that has two."""
    rows = ((i, np.flatnonzero(row)) for i, row in enumerate(known))
    return [((i, at[0]), (i, at[-1])) for i, at in rows if len(at) > 1]


def _column_ends(known: np.ndarray) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the cells of the largest and of the smallest learning rate of the last column, if it has two."""
    at, j = np.flatnonzero(known[:, -1]), known.shape[1] - 1
    return [((at[-1], j), (at[0], j))] if len(at) > 1 else []
