"""Effects of the loss landscape at the ends of training (Sec. II A, Figs. 1 and S1, and control C5)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import Arrays, NewSampling, Sampling, stored, stored_control
from sgd_valleys.claims.verdict import Control, Estimate
from sgd_valleys.controls.valleys import connected_share
from sgd_valleys.measures.paths import dissimilar_pairs, emergence
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import finite_mean, finite_median
from sgd_valleys.storage.cells import find_cell

WINDOW = 0.025  # half width in Sim_J of the pairs whose barrier is measured near a similarity
NEAR_ZERO = 1e-3  # eigenvalues below this share of the largest one count as near zero
HIGHLY_SIMILAR = 0.95  # Sim_J of the paper's highly similar pair


def measure(
    barriers: Arrays, block: Arrays, endpoints: Arrays, new_sampling: NewSampling, targets: tuple[float, float]
) -> dict[str, Estimate]:
    """Measure the effects of Fig. 1, from arrays of barriers.h5, jaccard.h5 and endpoints.h5.

    ``targets`` are Sim_J of the paper's similar and of its dissimilar pair.
    """
    losses = endpoints["train_loss"][endpoints["converged"]]
    loss = float(np.median(losses)) if losses.size else np.nan
    similar, dissimilar = (barrier_near(barriers, target, loss, new_sampling()) for target in targets)
    line = barrier_r_squared(barriers, new_sampling())
    return {
        "barrier_falls": barrier_rank(barriers, new_sampling()).beside(
            dissimilar.as_control(f"height near Sim_J = {targets[1]:g}, over the final loss"),
            similar.as_control(f"near Sim_J = {targets[0]:g}"),
        ),
        "barrier_r_squared_block": barrier_r_squared_block(barriers).beside(line.as_control("random pairs")),
        "barrier_early": barrier_emergence(barriers, targets[1], new_sampling()).beside(
            barrier_emergence(barriers, targets[1], new_sampling(), "path_barrier").as_control("the barrier of Eq. 5")
        ),
        "endings_converge": block_converges(block, endpoints),
        "barrier_similar": similar,
        "barrier_dissimilar": dissimilar,
        "barrier_r_squared": line,
    }


def measure_spectra(endpoints: Arrays, spectra: Sequence[np.ndarray], new_sampling: NewSampling) -> dict[str, Estimate]:
    """Measure the spectra of the Hessian at the end of training (Fig. S1).

    ``endpoints`` are arrays of endpoints.h5. ``spectra`` are all eigenvalues (index) of some runs, in nat.
    """
    return {
        "spectrum_few_large": top_fraction(endpoints, new_sampling()),
        "spectrum_many_near_zero": near_zero_fraction(spectra, new_sampling()),
    }


def measure_valleys(control: Arrays, paths: Arrays) -> dict[str, Estimate]:
    """Measure trained curves between solutions, and read the heights along training, from control C5.

    Args:
        control: arrays of the control's file.
        paths: ``pair_similarity`` of the sweep's paths.h5 and, if curves are trained, ``curve_pair`` and
            ``curve_excess``. Pairs that the paper calls highly similar are left out, because these share a valley.
    """
    found = {}
    if "curve_pair" in paths:
        dissimilar = paths["pair_similarity"][paths["curve_pair"]] < HIGHLY_SIMILAR
        excess = paths["curve_excess"][dissimilar, -1]
        samples = f"{len(excess)} pairs with Sim_J < {HIGHLY_SIMILAR:g}"
        found["valleys_separated"] = stored(
            connected_share(excess, float(control["threshold"])), samples, "exact binomial"
        ).beside(
            stored_control("pairs of independent starts", control["connected_share"][2]),
            stored_control("height after permutation of units over height before", control["aligned_ratio"][0]),
        )
    if "growth" in control:
        found["barrier_grows"] = stored(
            control["growth"], f"{len(control['path_height'])} dissimilar pairs", "ratio of means, bootstrap over runs"
        ).beside(Control("mean height at t_freeze, nat", float(finite_mean(control["path_at_freezing"]))))
    return found


def signed_r_squared(slope: np.ndarray | float, r_squared: np.ndarray | float) -> np.ndarray:
    """Return R^2 with the sign of the slope: positive for a rising relation, negative for a falling one."""
    return np.sign(slope) * r_squared


def barrier_r_squared(barriers: Arrays, sampling: Sampling) -> Estimate:
    """Estimate the signed R^2 of the line of barrier against similarity over random pairs."""

    def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        slope, _, r_squared = fit_line(x, y, weight)
        return float(signed_r_squared(slope, r_squared))

    return _over_random_pairs(barriers, fit, sampling, "linear fit")


def barrier_r_squared_block(barriers: Arrays) -> Estimate:
    """Estimate the signed R^2 of Fig. 1E, over the pairs of Fig. 1B's cells in one realization, with the spread."""
    return estimates.one_run(signed_r_squared(barriers["block_slope"], barriers["block_r_squared"]))


def barrier_rank(barriers: Arrays, sampling: Sampling) -> Estimate:
    """Estimate the rank correlation of barrier and similarity, which requires no straight line."""

    def rank(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        return float(rank_correlation(np.repeat(x, weight), np.repeat(y, weight)))

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


def barrier_emergence(barriers: Arrays, target: float, sampling: Sampling, name: str = "path_chord_height") -> Estimate:
    """Estimate the time from which on the height between dissimilar runs is at least half of its final value.

    The height is above the chord, at equal times of both runs, because a difference of their losses alone is no
    barrier. ``name`` chooses another height.

    The number is the median over pairs, as a fraction of the training. A pair is dissimilar if its Sim_J at the end is
    at most ``target``. A pair without a finite final height is left out.
    """
    used = dissimilar_pairs(barriers["path_similarity"], barriers[name], target)
    height, pairs = barriers[name][used], barriers["path_solution"][used]
    first = emergence(height, barriers["time_fraction"])
    return _median_over_solutions(first, pairs, sampling, "median")


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

    return estimates.over_cells([estimates.Cube(fraction)], endpoints, median, sampling, "median")


def near_zero_fraction(spectra: Sequence[np.ndarray], sampling: Sampling) -> Estimate:
    """Estimate the mean fraction of a run's eigenvalues (index) that are below ``NEAR_ZERO`` times the largest."""
    fraction = np.array([np.mean(one < NEAR_ZERO * one.max()) for one in spectra if np.isfinite(one).all()])
    found = estimates.over_runs(fraction, sampling)
    return replace(found, method="mean, bootstrap over these runs, of different cells")
