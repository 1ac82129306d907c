"""Claims about the loss landscape at the ends of training (Sec. II A, Figs. 1 and S1)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import Arrays, NewSampling, Sampling
from sgd_valleys.claims.statements import make_claims
from sgd_valleys.claims.verdict import Claim, Estimate
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import finite_median
from sgd_valleys.storage.cells import find_cell

WINDOW = 0.025  # of Sim_J, on either side of the similarity at which a barrier is measured
NEAR_ZERO = 1e-3  # of the largest eigenvalue


def collect(
    barriers: Arrays, block: Arrays, endpoints: Arrays, new_sampling: NewSampling, targets: tuple[float, float]
) -> list[Claim]:
    """Collect the claims about Fig. 1, from arrays of barriers.h5, jaccard.h5 and endpoints.h5.

    ``targets`` are Sim_J of the paper's similar and of its dissimilar pair.
    """
    losses = endpoints["train_loss"][endpoints["converged"]]
    loss = float(np.median(losses)) if losses.size else np.nan
    similar, dissimilar = targets
    measured = {
        "endings_converge": block_converges(block, endpoints),
        "barrier_similar": barrier_near(barriers, similar, loss, new_sampling()),
        "barrier_dissimilar": barrier_near(barriers, dissimilar, loss, new_sampling()),
        "barrier_early": barrier_emergence(barriers, dissimilar, new_sampling()),
        "barrier_falls": barrier_rank(barriers, new_sampling()),
        "barrier_r_squared": barrier_r_squared(barriers, new_sampling()),
        "barrier_r_squared_block": barrier_r_squared_block(barriers),
    }
    return make_claims("landscape", measured, similar=similar, dissimilar=dissimilar)


def collect_spectra(endpoints: Arrays, spectra: Sequence[np.ndarray], new_sampling: NewSampling, N: int) -> list[Claim]:
    """Collect the claims about the spectra of the Hessian at the end of training (Fig. S1), of any experiment.

    ``endpoints`` are arrays of endpoints.h5, whose ``top_sum`` has ``N`` eigenvalues; ``spectra`` are all eigenvalues
    (index) of some runs, nat.
    """
    zero = near_zero_fraction(spectra, new_sampling())
    measured = {
        "spectrum_few_large": top_fraction(endpoints, new_sampling()),
        "spectrum_many_near_zero": zero,
        "spectrum_as_printed": zero,
    }
    return make_claims("spectra", measured, N=N)


def signed_r_squared(slope: np.ndarray, r_squared: np.ndarray) -> np.ndarray:
    """Return R^2 with the sign of the slope, which tells a rising relation from a falling one."""
    return np.sign(slope) * r_squared


def barrier_r_squared(barriers: Arrays, sampling: Sampling) -> Estimate:
    """Estimate the signed R^2 of the line of barrier against similarity over random pairs."""

    def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        slope, _, r_squared = fit_line(x, y, weight)
        return float(signed_r_squared(slope, r_squared))

    return _over_random_pairs(barriers, fit, sampling, "linear fit")


def barrier_r_squared_block(barriers: Arrays) -> Estimate:
    """Estimate the paper's R^2, with a sign: of the pairs of Fig. 1B's cells in one realization, with its spread."""
    return estimates.one_run(signed_r_squared(barriers["block_slope"], barriers["block_r_squared"]))


def barrier_rank(barriers: Arrays, sampling: Sampling) -> Estimate:
    """Estimate the rank correlation of barrier and similarity, which requires no straight line."""

    def rank(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        return rank_correlation(np.repeat(x, weight), np.repeat(y, weight))

    return _over_random_pairs(barriers, rank, sampling, "rank correlation")


def _over_random_pairs(barriers: Arrays, statistic: Callable[..., float], sampling: Sampling, method: str) -> Estimate:
    x, y = barriers["pair_similarity"], barriers["pair_barrier"]
    return estimates.over_solutions(barriers["pair_solution"], lambda weight: statistic(x, y, weight), sampling, method)


def barrier_near(barriers: Arrays, target: float, loss: float, sampling: Sampling) -> Estimate:
    """Estimate the median barrier of pairs within ``WINDOW`` of a similarity, relative to the solutions' loss (nat)."""
    close = np.abs(barriers["pair_similarity"] - target) <= WINDOW
    height, pairs = barriers["pair_barrier"][close] / loss, barriers["pair_solution"][close]
    method = f"median within {WINDOW} of Sim_J, over the median final training loss"
    return _median_over_solutions(height, pairs, sampling, method)


def barrier_emergence(barriers: Arrays, target: float, sampling: Sampling) -> Estimate:
    """Estimate when the barrier of a dissimilar pair rises above half of its final height for good.

    The number is the median over pairs, as a fraction of the training. A pair is dissimilar if its Sim_J at the end is
    at most ``target``; it is omitted if its last barrier is not finite.
    """
    used = (barriers["path_similarity"] <= target) & np.isfinite(barriers["path_barrier"][:, -1])
    height, pairs = barriers["path_barrier"][used], barriers["path_solution"][used]
    above = (height >= height[:, -1:] / 2)[:, ::-1]  # from the end of training backwards
    points = above.shape[1]
    lasting = np.where(above.all(axis=1), points, above.argmin(axis=1))
    first = barriers["time_fraction"][points - lasting]
    method = "median time from which on a barrier is at least half of its final one"
    return _median_over_solutions(first, pairs, sampling, method)


def _median_over_solutions(values: np.ndarray, pairs: np.ndarray, sampling: Sampling, method: str) -> Estimate:
    def median(weight: np.ndarray) -> float:
        return float(np.median(np.repeat(values, weight)))

    return estimates.over_solutions(pairs, median, sampling, method)


def block_converges(block: Arrays, endpoints: Arrays) -> Estimate:
    """Estimate the fraction of the runs of Fig. 1's cells that converge, over all realizations."""
    shown = zip(block["block_eta"], block["block_B"], strict=True)
    cells = {find_cell(endpoints["eta"], endpoints["B"], *cell) for cell in shown} - {None}
    count = sum(int(endpoints["converged"][cell].sum()) for cell in cells)
    runs = sum(int(endpoints["runs"][cell]) for cell in cells)
    return estimates.proportion(count, runs, f"runs of the {len(cells)} cells")


def top_fraction(endpoints: Arrays, sampling: Sampling) -> Estimate:
    """Estimate the median fraction of the trace in the top N eigenvalues, over all converged runs."""
    fraction = np.where(endpoints["converged"], endpoints["top_sum"] / endpoints["trace"], np.nan)

    def median(values: np.ndarray) -> np.ndarray:
        return finite_median(values.reshape(*values.shape[:-3], -1))

    return estimates.over_cells([fraction], endpoints, median, sampling, "median")


def near_zero_fraction(spectra: Sequence[np.ndarray], sampling: Sampling) -> Estimate:
    """Estimate the mean fraction of a run's eigenvalues (index) that are below ``NEAR_ZERO`` of its largest."""
    fraction = np.array([np.mean(one < NEAR_ZERO * one.max()) for one in spectra if np.isfinite(one).all()])
    found = estimates.over_runs(fraction, sampling)
    return replace(found, method="mean, bootstrap over these runs, of different cells")
