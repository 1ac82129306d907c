"""Claims about the loss landscape at the ends of training (Sec. II A, Figs. 1 and S1)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import Arrays, RngFactory
from sgd_valleys.claims.verdict import MODERATE, Claim, Estimate, Value, at_least, at_most, falls
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import finite_median
from sgd_valleys.storage.cells import find_cell

WINDOW = 0.025  # of Sim_J, on either side of the similarity at which a barrier is measured
NEAR_ZERO = 1e-3  # of the largest eigenvalue


def signed_r_squared(slope: np.ndarray, r_squared: np.ndarray) -> np.ndarray:
    """Return R^2 with the sign of the slope, which tells a rising relation from a falling one."""
    return np.sign(slope) * r_squared


def barrier_r_squared(barriers: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the signed R^2 of the line of barrier against similarity over random pairs."""
    x, y = barriers["pair_similarity"], barriers["pair_barrier"]

    def fit(weight: np.ndarray) -> float:
        slope, _, r_squared = fit_line(x, y, weight)
        return float(signed_r_squared(slope, r_squared))

    return estimates.over_solutions(barriers["pair_solution"], fit, rng, resamples, "linear fit")


def barrier_r_squared_block(barriers: Arrays) -> Estimate:
    """Estimate the signed R^2 over the pairs of Fig. 1B's cells in one realization, and its spread over realizations.

    This is the paper's R^2.
    """
    return estimates.one_run(signed_r_squared(barriers["block_slope"], barriers["block_r_squared"]))


def barrier_rank(barriers: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the rank correlation of barrier and similarity, which requires no straight line."""
    x, y = barriers["pair_similarity"], barriers["pair_barrier"]

    def rank(weight: np.ndarray) -> float:
        return rank_correlation(np.repeat(x, weight), np.repeat(y, weight))

    return estimates.over_solutions(barriers["pair_solution"], rank, rng, resamples, "rank correlation")


def barrier_near(barriers: Arrays, target: float, loss: float, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the median barrier of pairs near a similarity, relative to the training loss of the solutions.

    Args:
        barriers: arrays of barriers.h5.
        target: the similarity; pairs within ``WINDOW`` of it are used.
        loss: median final training loss of the converged runs, nat.
        rng: stream of the resampling.
        resamples: number of resamples.
    """
    close = np.abs(barriers["pair_similarity"] - target) <= WINDOW
    method = f"median within {WINDOW} of Sim_J, over the median final training loss"
    height, pairs = barriers["pair_barrier"][close] / loss, barriers["pair_solution"][close]
    return _median_over_solutions(height, pairs, rng, resamples, method)


def barrier_emergence(barriers: Arrays, target: float, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate when the barrier of a dissimilar pair rises above half of its final height for good.

    Args:
        barriers: arrays of barriers.h5; a pair whose last barrier is not finite is left out.
        target: largest similarity at the end of training that counts as dissimilar.
        rng: stream of the resampling.
        resamples: number of resamples.

    Returns:
        The median over pairs of the time as a fraction of the training.
    """
    used = (barriers["path_similarity"] <= target) & np.isfinite(barriers["path_barrier"][:, -1])
    height, pairs = barriers["path_barrier"][used], barriers["path_solution"][used]
    above = (height >= height[:, -1:] / 2)[:, ::-1]  # from the end of training backwards
    points = above.shape[1]
    lasting = np.where(above.all(axis=1), points, above.argmin(axis=1))
    first = barriers["time_fraction"][points - lasting]
    method = "median time from which on a barrier is at least half of its final one"
    return _median_over_solutions(first, pairs, rng, resamples, method)


def _median_over_solutions(
    values: np.ndarray, pairs: np.ndarray, rng: np.random.Generator, resamples: int, method: str
) -> Estimate:
    def median(weight: np.ndarray) -> float:
        return float(np.median(np.repeat(values, weight)))

    return estimates.over_solutions(pairs, median, rng, resamples, method)


def block_converges(block: Arrays, endpoints: Arrays) -> Estimate:
    """Estimate the fraction of the runs of Fig. 1's cells that converge, over all realizations.

    Args:
        block: ``block_eta``, ``block_B`` of jaccard.h5.
        endpoints: ``eta``, ``B``, ``runs``, ``converged`` of endpoints.h5.
    """
    found = (
        find_cell(endpoints["eta"], endpoints["B"], eta, B)
        for eta, B in zip(block["block_eta"], block["block_B"], strict=True)
    )
    cells = {cell for cell in found if cell}
    count = sum(int(endpoints["converged"][cell].sum()) for cell in cells)
    runs = sum(int(endpoints["runs"][cell]) for cell in cells)
    return estimates.proportion(count, runs, f"runs of the {len(cells)} cells")


def top_fraction(endpoints: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the median fraction of the trace in the top N eigenvalues, over all converged runs."""
    fraction = np.where(endpoints["converged"], endpoints["top_sum"] / endpoints["trace"], np.nan)

    def median(values: np.ndarray) -> np.ndarray:
        return finite_median(values.reshape(*values.shape[:-3], -1))

    return estimates.over_cells([fraction], endpoints["runs"], median, rng, resamples, "median")


def near_zero_fraction(spectra: Sequence[np.ndarray], rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the mean fraction of a run's eigenvalues that are below ``NEAR_ZERO`` of its largest.

    The runs are of different cells, so that the interval covers another choice of cells too.

    Args:
        spectra: for each run all eigenvalues (index), nat.
        rng: stream of the resampling.
        resamples: number of resamples.
    """
    fraction = np.array([np.mean(one < NEAR_ZERO * one.max()) for one in spectra if np.isfinite(one).all()])
    found = estimates.over_runs(fraction, rng, resamples)
    return replace(found, method="mean, bootstrap over these runs, of different cells")


def collect_spectra(
    endpoints: Arrays,
    spectra: Sequence[np.ndarray],
    new_rng: RngFactory,
    resamples: int,
    N: int,
) -> list[Claim]:
    """Collect the claims about the spectra of the Hessian at the end of training (Fig. S1), of any experiment.

    Args:
        endpoints: ``converged``, ``runs``, ``trace``, ``top_sum`` of endpoints.h5.
        spectra: rows of ``spectrum`` of all files under curvature/ that store it; may be empty.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples.
        N: number of eigenvalues in ``top_sum``.
    """
    zero = near_zero_fraction(spectra, new_rng(), resamples)
    return [
        Claim(
            "spectrum_few_large",
            "II A, Fig. S1, as meant",
            "A few large eigenvalues carry the curvature at the end of training.",
            f"the top {N} hold most of the trace",
            at_least(0.5),
            top_fraction(endpoints, new_rng(), resamples),
        ),
        Claim(
            "spectrum_many_near_zero",
            "II A, Fig. S1, as meant",
            "Most eigenvalues are near zero: directions along the valley's floor.",
            "most below 1e-3 of the largest",
            at_least(0.5),
            zero,
        ),
        Claim(
            "spectrum_as_printed",
            "II A, Fig. S1, as printed",
            "As the sentence is printed, near-zero eigenvalues are the few and large ones the many.",
            "few below 1e-3 of the largest",
            at_most(0.5),
            zero,
        ),
    ]


def collect(
    barriers: Arrays,
    block: Arrays,
    endpoints: Arrays,
    new_rng: RngFactory,
    resamples: int,
    targets: tuple[float, float],
) -> list[Claim]:
    """Collect the claims about Fig. 1.

    Args:
        barriers: ``pair_similarity``, ``pair_barrier``, ``pair_solution``, ``block_slope``, ``block_r_squared``,
            ``path_similarity``, ``path_barrier``, ``path_solution``, ``time_fraction`` of barriers.h5.
        block: ``block_eta``, ``block_B`` of jaccard.h5.
        endpoints: ``eta``, ``B``, ``runs``, ``converged``, ``train_loss`` of endpoints.h5.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples.
        targets: Sim_J of the paper's similar and of its dissimilar pair.
    """
    losses = endpoints["train_loss"][endpoints["converged"]]
    loss = float(np.median(losses)) if losses.size else np.nan
    similar, dissimilar = targets
    return [
        Claim(
            "endings_converge",
            "II A, Fig. 1A",
            "The runs of the cells shown all reach a training accuracy of 100%.",
            "all",
            Value(1.0, no_effect=0.5),
            block_converges(block, endpoints),
        ),
        Claim(
            "barrier_similar",
            "II A, Fig. 1C",
            f"Highly similar solutions (Sim_J = {similar:g}) have a negligible barrier between them.",
            "negligible: no more than the solutions' own loss",
            at_most(1.0),
            barrier_near(barriers, similar, loss, new_rng(), resamples),
        ),
        Claim(
            "barrier_dissimilar",
            "II A, Fig. 1D",
            f"Dissimilar solutions (Sim_J = {dissimilar:g}) are parted by a pronounced barrier.",
            "pronounced: ten times the solutions' own loss or more",
            at_least(10.0),
            barrier_near(barriers, dissimilar, loss, new_rng(), resamples),
        ),
        Claim(
            "barrier_early",
            "II A, Fig. 1D",
            "Barriers of dissimilar solutions emerge early in training.",
            "in its first half",
            at_most(0.5),
            barrier_emergence(barriers, dissimilar, new_rng(), resamples),
        ),
        Claim(
            "barrier_falls",
            "II A, Fig. 1E",
            "The more dissimilar two solutions, the higher the barrier between them.",
            "falls with Sim_J, strongly",
            falls(MODERATE),
            barrier_rank(barriers, new_rng(), resamples),
        ),
        Claim(
            "barrier_r_squared",
            "II A, Fig. 1E",
            "A straight line of barrier against similarity, over random pairs of all solutions.",
            "R^2 = 0.64, falling",
            Value(-0.64, tolerance=0.05, no_effect=0.0),
            barrier_r_squared(barriers, new_rng(), resamples),
            beyond_paper=True,
        ),
        Claim(
            "barrier_r_squared_block",
            "II A, Fig. 1E",
            "A straight line of barrier against similarity, over the pairs of Fig. 1B's runs in one realization.",
            "R^2 = 0.64, falling",
            Value(-0.64, tolerance=0.05, no_effect=0.0),
            barrier_r_squared_block(barriers),
        ),
    ]
