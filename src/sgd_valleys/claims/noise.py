"""Claims about single cells and rows of a sweep: diversity, accuracy, flatness (Sec. II B, Figs. 2 and S5)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import BY_RUNS, NO_INTERVAL, Arrays, RngFactory, central_95, converged_only, over_map
from sgd_valleys.claims.verdict import ANY, Claim, Estimate, Value, falls, rises
from sgd_valleys.statistics.bootstrap import resample
from sgd_valleys.statistics.reduce import finite_max, finite_mean

PAPER_RUNS = 20  # realizations of a cell in the paper
SCALE_TOLERANCE = 0.1  # relative difference of a flatness scale's ends from one initialization to another


def extreme_cell(endpoints: Arrays, name: str, largest: bool, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the largest or smallest of the cells' maxima over converged runs: an end of a heatmap's colour scale.

    A maximum over fewer runs than the paper's is lower for that reason alone, so that it gets no interval.
    """
    sign = 1 if largest else -1

    def end(values: np.ndarray) -> np.ndarray:
        return sign * finite_max(sign * over_map(finite_max(values)))

    method = f"{'largest' if largest else 'smallest'} cell maximum"
    found = estimates.over_cells([converged_only(endpoints, name)], endpoints["runs"], end, rng, resamples, method)
    return found if endpoints["runs"].max() >= PAPER_RUNS else replace(found, interval=NO_INTERVAL)


def similarity_difference(
    similarity: Arrays, quiet: tuple[float, int], noisy: tuple[float, int], rng: np.random.Generator, resamples: int
) -> Estimate:
    """Estimate the mean Sim_J of the noisy cell's runs less that of the quiet cell's; below 0 for diverse runs.

    Args:
        similarity: ``solution_eta``, ``solution_B``, ``jaccard`` of jaccard.h5.
        quiet: (eta, B) of the cell with weak noise.
        noisy: (eta, B) of the cell with strong noise.
        rng: stream of the resampling of both cells' runs.
        resamples: number of resamples.
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
        return Estimate(np.nan, NO_INTERVAL, "too few runs", method)

    def difference(positions: Sequence[np.ndarray]) -> float:
        low, high = (
            finite_mean(block[np.ix_(chosen, chosen)], axis=None)
            for block, chosen in zip(blocks, positions, strict=True)
        )
        return float(high - low)

    between = central_95([difference(drawn) for drawn in resample(counts, rng, resamples)])
    found = difference([np.arange(count) for count in counts])
    return Estimate(found, between, f"{counts[0]} and {counts[1]} runs", method)


def noisiest_converges(endpoints: Arrays, cell_maps: Arrays) -> Estimate:
    """Estimate the fraction of the runs that converge in the cell of the largest eta / B.

    The samples of the estimate name the grey cells of the maps, in which no run converges.

    Args:
        endpoints: ``eta``, ``B``, ``runs``, ``converged`` of endpoints.h5.
        cell_maps: ``noise``, ``convergence_probability`` of cell_maps.h5.
    """
    eta, B, runs = (endpoints[name] for name in ("eta", "B", "runs"))
    noise = np.where(runs > 0, cell_maps["noise"], -np.inf)
    i, j = np.unravel_index(noise.argmax(), noise.shape)
    grey = np.argwhere(cell_maps["convergence_probability"] == 0)
    named = ", ".join(f"({eta[k]:g}, {B[m]})" for k, m in grey) or "none"
    samples = f"runs of (eta, B) = ({eta[i]:g}, {B[j]}); cells without a converged run: {named}"
    return estimates.proportion(endpoints["converged"][i, j].sum(), runs[i, j], samples)


def collect(
    endpoints: Arrays,
    similarity: Arrays,
    cell_maps: Arrays,
    new_rng: RngFactory,
    resamples: int,
    violin_eta: float,
    quiet: tuple[float, int],
    noisy: tuple[float, int],
    images: int,
) -> list[Claim]:
    """Collect the claims about single cells, rows and pairs of maps of Fig. 2.

    Args:
        endpoints: ``eta``, ``B``, ``runs``, ``converged``, ``flatness``, ``test_accuracy``, ``test_file_accuracy`` of
            endpoints.h5.
        similarity: ``solution_eta``, ``solution_B``, ``jaccard`` of jaccard.h5.
        cell_maps: ``noise``, ``convergence_probability``, ``max_flatness``, ``max_test_accuracy`` of cell_maps.h5.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples, and of permutations of each test.
        violin_eta: learning rate of Fig. 2E and G.
        quiet: cell of Fig. 2B.
        noisy: cell of Fig. 2C.
        images: number of test images, which sets the resolution of the test accuracy.
    """
    flat, accurate, on_file = (
        converged_only(endpoints, name) for name in ("flatness", "test_accuracy", "test_file_accuracy")
    )

    def row(values: np.ndarray) -> Estimate:
        return estimates.rate_trend(endpoints, values, violin_eta, new_rng(), resamples, resamples)

    def end(name: str, largest: bool) -> Estimate:
        return extreme_cell(endpoints, name, largest, new_rng(), resamples)

    return [
        Claim(
            "examples_diverge",
            "II B, Fig. 2A-C",
            f"Runs of the noisy example (eta, B) = {noisy} end more diverse than those of the quiet one, {quiet}.",
            "Sim_J of the noisy one is lower",
            falls(ANY),
            similarity_difference(similarity, quiet, noisy, new_rng(), resamples),
        ),
        Claim(
            "accuracy_with_B",
            "II B, Fig. 2E",
            f"At eta = {violin_eta:g} smaller batches give more accurate solutions.",
            "falls with B",
            falls(ANY),
            row(accurate),
        ),
        Claim(
            "test_file_accuracy_with_B",
            "II B, Fig. 2E",
            f"At eta = {violin_eta:g} smaller batches give more accurate solutions, on the whole test file.",
            "falls with B",
            falls(ANY),
            row(on_file),
            beyond_paper=True,
        ),
        Claim(
            "flatness_with_B",
            "II B, Fig. 2G",
            f"At eta = {violin_eta:g} smaller batches give flatter solutions.",
            "falls with B",
            falls(ANY),
            row(flat),
        ),
        *collect_flat_is_accurate(endpoints, cell_maps, new_rng, resamples),
        Claim(
            "accuracy_scale_low",
            "Fig. 2D, scale",
            "Lowest maximum test accuracy of a cell.",
            "0.895",
            Value(0.895, tolerance=1 / images),
            end("test_accuracy", False),
        ),
        Claim(
            "accuracy_scale_high",
            "Fig. 2D, scale",
            "Highest maximum test accuracy of a cell.",
            "0.93",
            Value(0.93, tolerance=1 / images),
            end("test_accuracy", True),
        ),
        Claim(
            "flatness_scale_low",
            "Fig. 2F, scale",
            "Lowest maximum flatness of a cell.",
            "1.66",
            Value(1.66, tolerance=1.66 * SCALE_TOLERANCE),
            end("flatness", False),
        ),
        Claim(
            "flatness_scale_high",
            "Fig. 2F, scale",
            "Highest maximum flatness of a cell.",
            "5.97",
            Value(5.97, tolerance=5.97 * SCALE_TOLERANCE),
            end("flatness", True),
        ),
        Claim(
            "noisiest_does_not_converge",
            "Figs. 2 and 3, grey",
            "In the cell of the strongest noise no run reaches a training accuracy of 100%.",
            "none",
            Value(0.0, no_effect=0.5),
            noisiest_converges(endpoints, cell_maps),
        ),
    ]


def collect_flat_is_accurate(endpoints: Arrays, cell_maps: Arrays, new_rng: RngFactory, resamples: int) -> list[Claim]:
    """Collect the claim that the flat cells are the accurate ones, of any experiment.

    Args:
        endpoints: ``runs``, ``converged``, ``flatness``, ``test_accuracy`` of endpoints.h5.
        cell_maps: ``max_flatness``, ``max_test_accuracy`` of cell_maps.h5.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples, and of permutations of the test.
    """
    cubes = converged_only(endpoints, "flatness"), converged_only(endpoints, "test_accuracy")
    maps = cell_maps["max_flatness"], cell_maps["max_test_accuracy"]
    return [
        Claim(
            "flat_is_accurate",
            "II B, Fig. 2D, F",
            "Cells with a higher maximum flatness have a higher maximum test accuracy.",
            "rises",
            rises(ANY),
            estimates.map_correlation(cubes, finite_max, maps, endpoints["runs"], new_rng(), resamples),
        )
    ]
