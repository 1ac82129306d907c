"""Claims about single cells and rows of a sweep: diversity, accuracy, flatness (Sec. II B, Figs. 2 and S5)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import BY_RUNS, Arrays, NewSampling, Sampling, converged_only, not_measured
from sgd_valleys.claims.statements import make_claims
from sgd_valleys.claims.verdict import NO_INTERVAL, Claim, Estimate
from sgd_valleys.statistics.bootstrap import resample
from sgd_valleys.statistics.reduce import finite_max, finite_mean
from sgd_valleys.storage.cells import Cell

PAPER_RUNS = 20  # realizations of a cell in the paper


def collect(
    endpoints: Arrays,
    similarity: Arrays,
    cell_maps: Arrays,
    new_sampling: NewSampling,
    violin_eta: float,
    quiet: Cell,
    noisy: Cell,
    images: int,
) -> list[Claim]:
    """Collect the claims about cells, rows and pairs of maps of Fig. 2, from endpoints.h5, jaccard.h5 and cell_maps.h5.

    ``violin_eta`` is the learning rate of Fig. 2E and G; ``quiet`` and ``noisy`` are the cells (eta, B) of Fig. 2B and
    C. The number of test ``images`` sets the resolution of the test accuracy.
    """

    def row(name: str) -> Estimate:
        return estimates.rate_trend(endpoints, converged_only(endpoints, name), violin_eta, new_sampling())

    cells = {
        "examples_diverge": similarity_difference(similarity, quiet, noisy, new_sampling()),
        "accuracy_with_B": row("test_accuracy"),
        "test_file_accuracy_with_B": row("test_file_accuracy"),
        "flatness_with_B": row("flatness"),
    }
    extremes = {
        f"{quantity}_scale_{end}": extreme_cell(endpoints, name, end == "high", new_sampling())
        for quantity, name in {"accuracy": "test_accuracy", "flatness": "flatness"}.items()
        for end in ("low", "high")
    }
    extremes["noisiest_does_not_converge"] = noisiest_converges(endpoints, cell_maps)
    return [
        *make_claims("noise_cells", cells, violin_eta=violin_eta, quiet=quiet, noisy=noisy),
        *collect_flat_is_accurate(endpoints, cell_maps, new_sampling),
        *make_claims("noise_extremes", extremes, resolution=1 / images),
    ]


def collect_flat_is_accurate(endpoints: Arrays, cell_maps: Arrays, new_sampling: NewSampling) -> list[Claim]:
    """Collect the claim that the flat cells are the accurate ones, of any experiment."""
    cubes = converged_only(endpoints, "flatness"), converged_only(endpoints, "test_accuracy")
    maps = cell_maps["max_flatness"], cell_maps["max_test_accuracy"]
    found = estimates.map_correlation(cubes, finite_max, maps, endpoints, new_sampling())
    return make_claims("flat_is_accurate", {"flat_is_accurate": found})


def extreme_cell(endpoints: Arrays, name: str, largest: bool, sampling: Sampling) -> Estimate:
    """Estimate the largest or smallest of the cells' maxima over converged runs: an end of a heatmap's colour scale.

    A maximum over fewer runs than the paper's is lower for that reason alone, so that it gets no interval.
    """
    sign = 1 if largest else -1

    def end(values: np.ndarray) -> np.ndarray:
        return sign * finite_max(sign * estimates.over_map(finite_max(values)))

    method = f"{'largest' if largest else 'smallest'} cell maximum"
    found = estimates.over_cells([converged_only(endpoints, name)], endpoints, end, sampling, method)
    return found if endpoints["runs"].max() >= PAPER_RUNS else replace(found, interval=NO_INTERVAL)


def similarity_difference(similarity: Arrays, quiet: Cell, noisy: Cell, sampling: Sampling) -> Estimate:
    """Estimate the mean Sim_J of the noisy cell's runs less that of the quiet cell's; below 0 for diverse runs.

    ``similarity`` are arrays of jaccard.h5; the cells are pairs (eta, B), whose runs are resampled.
    """
    blocks = []
    for eta, B in (quiet, noisy):
        own = np.flatnonzero((similarity["solution_eta"] == eta) & (similarity["solution_B"] == B))
        block = similarity["jaccard"][np.ix_(own, own)].astype(float)
        np.fill_diagonal(block, np.nan)  # a run drawn twice is no pair
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


def noisiest_converges(endpoints: Arrays, cell_maps: Arrays) -> Estimate:
    """Estimate the fraction of the runs that converge in the cell of the largest eta / B.

    The samples of the estimate name the grey cells of the maps, in which no run converges.
    """
    eta, B, runs = (endpoints[name] for name in ("eta", "B", "runs"))
    noise = np.where(runs > 0, cell_maps["noise"], -np.inf)
    i, j = np.unravel_index(noise.argmax(), noise.shape)
    grey = np.argwhere(cell_maps["convergence_probability"] == 0)
    named = ", ".join(f"({eta[k]:g}, {B[m]})" for k, m in grey) or "none"
    samples = f"runs of (eta, B) = ({eta[i]:g}, {B[j]}); cells without a converged run: {named}"
    return estimates.proportion(endpoints["converged"][i, j].sum(), runs[i, j], samples)
