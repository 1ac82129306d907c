"""Claims about the loss landscape at the ends of training (Sec. II A, Figs. 1 and S1)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import NONE, bounds
from sgd_valleys.claims.verdict import MARKED, Claim, Estimate, Value, at_least, at_most, falls
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.rank import rank_correlation

Arrays = Mapping[str, np.ndarray]

BY_SOLUTIONS = "bootstrap over solutions"
WINDOW = 0.025  # of Sim_J, on either side of the similarity at which a barrier is asked for
NEAR_ZERO = 1e-3  # of the largest eigenvalue


def signed(slope: np.ndarray, r_squared: np.ndarray) -> np.ndarray:
    """R^2 with the sign of the slope, so that a relation that runs the other way does not pass for the same."""
    return np.sign(slope) * r_squared


def _resampled(
    pairs: np.ndarray, rng: np.random.Generator, resamples: int, statistic: Callable[[np.ndarray], float]
) -> np.ndarray:
    """A statistic (resample) of resampled solutions: it takes how often each pair was drawn, the product of both.

    As in ``inference.fit_pairs``: pairs share solutions, so the pairs themselves are not independent.
    """
    solutions, place = np.unique(pairs, return_inverse=True)
    place = place.reshape(pairs.shape)
    drawn = np.full(resamples, np.nan)
    for k in range(resamples):
        count = np.bincount(rng.integers(0, len(solutions), len(solutions)), minlength=len(solutions))
        weight = count[place[:, 0]] * count[place[:, 1]]
        if weight.any():
            drawn[k] = statistic(weight)
    return drawn


def _of(pairs: np.ndarray) -> str:
    return f"{len(pairs)} pairs of {len(np.unique(pairs))} solutions"


def barrier_r_squared(barriers: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """R^2, with the slope's sign, of the line of barrier against similarity over random pairs."""
    x, y, pairs = (barriers[name] for name in ("pair_similarity", "pair_barrier", "pair_solution"))

    def fit(weight: np.ndarray) -> float:
        slope, _, r_squared = fit_line(x, y, weight.astype(float))
        return float(signed(slope, r_squared))

    interval = bounds(_resampled(pairs, rng, resamples, fit))
    return Estimate(fit(np.ones(len(x))), interval, _of(pairs), f"linear fit, {BY_SOLUTIONS}")


def barrier_r_squared_block(barriers: Arrays) -> Estimate:
    """The same over the pairs of Fig. 1B's cells in one realization, as the paper has it: its spread over them."""
    return estimates.one_run(signed(barriers["block_slope"], barriers["block_r_squared"]))


def barrier_rank(barriers: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Rank correlation of barrier and similarity, which does not ask for a straight line."""
    x, y, pairs = (barriers[name] for name in ("pair_similarity", "pair_barrier", "pair_solution"))

    def rank(weight: np.ndarray) -> float:
        return rank_correlation(np.repeat(x, weight), np.repeat(y, weight))

    interval = bounds(_resampled(pairs, rng, resamples, rank))
    return Estimate(rank_correlation(x, y), interval, _of(pairs), f"rank correlation, {BY_SOLUTIONS}")


def barrier_near(barriers: Arrays, target: float, loss: float, rng: np.random.Generator, resamples: int) -> Estimate:
    """Median barrier of pairs with a similarity within ``WINDOW`` of a target, over the solutions' own training loss.

    Args:
        barriers: of barriers.h5.
        target: the similarity.
        loss: median final training loss of the converged runs.
        rng: of the resampling.
        resamples: how many.
    """
    close = np.abs(barriers["pair_similarity"] - target) <= WINDOW
    height, pairs = barriers["pair_barrier"][close] / loss, barriers["pair_solution"][close]
    method = f"median within {WINDOW} of Sim_J, over the median final training loss, {BY_SOLUTIONS}"
    if not close.any():
        return Estimate(np.nan, NONE, "no pairs", method)

    def median(weight: np.ndarray) -> float:
        return float(np.median(np.repeat(height, weight)))

    return Estimate(float(np.median(height)), bounds(_resampled(pairs, rng, resamples, median)), _of(pairs), method)


def barrier_emergence(barriers: Arrays, target: float, rng: np.random.Generator, resamples: int) -> Estimate:
    """Median share of the training after which the barrier of a dissimilar pair stays above half of its final one.

    Args:
        barriers: of barriers.h5; a pair whose last barrier is not finite is left out.
        target: the similarity at the end up to which a followed pair counts as dissimilar.
        rng: of the resampling.
        resamples: how many.
    """
    used = (barriers["path_similarity"] <= target) & np.isfinite(barriers["path_barrier"][:, -1])
    height, pairs = barriers["path_barrier"][used], barriers["path_solution"][used]
    method = f"median time from which on a barrier is at least half of its final one, {BY_SOLUTIONS}"
    if not len(height):
        return Estimate(np.nan, NONE, "no pairs", method)
    # places counted from the end: how long the barrier has been up when training ends
    up = (height >= height[:, -1:] / 2)[:, ::-1]
    lasting = np.where(up.all(axis=1), up.shape[1], up.argmin(axis=1))
    first = barriers["time_fraction"][up.shape[1] - lasting]

    def median(weight: np.ndarray) -> float:
        return float(np.median(np.repeat(first, weight)))

    interval = bounds(_resampled(pairs, rng, resamples, median)) if len(pairs) > 1 else NONE
    return Estimate(float(np.median(first)), interval, _of(pairs), method)


def block_converges(block: Arrays, endpoints: Arrays) -> Estimate:
    """Share of the runs of Fig. 1's cells that converge, in all realizations.

    Args:
        block: of jaccard.h5, ``block_eta``, ``block_B``.
        endpoints: of endpoints.h5, ``eta``, ``B``, ``runs``, ``converged``.
    """
    cells = {
        (int(np.abs(endpoints["eta"] - eta).argmin()), int(np.flatnonzero(endpoints["B"] == B)[0]))
        for eta, B in zip(block["block_eta"], block["block_B"], strict=True)
    }
    count = sum(int(endpoints["converged"][cell].sum()) for cell in cells)
    runs = sum(int(endpoints["runs"][cell]) for cell in cells)
    return estimates.proportion(count, runs, f"runs of the {len(cells)} cells")


def top_share(endpoints: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Median share of the top N eigenvalues in the trace, over all converged runs."""
    share = np.where(endpoints["converged"], endpoints["top_sum"] / endpoints["trace"], np.nan)

    def median(values: np.ndarray) -> float:
        used = values[np.isfinite(values)]
        return float(np.median(used)) if used.size else np.nan

    return estimates.over_cells([share], endpoints["runs"], median, rng, resamples, "median")


def near_zero_share(spectra: Sequence[np.ndarray], rng: np.random.Generator, resamples: int) -> Estimate:
    """Mean share of a run's eigenvalues that are below ``NEAR_ZERO`` of its largest.

    The runs are of different cells, so that its interval is about another choice of these as well.

    Args:
        spectra: (index) all eigenvalues of a run each.
        rng: of the resampling.
        resamples: how many.
    """
    share = np.array([np.mean(one < NEAR_ZERO * one.max()) for one in spectra if np.isfinite(one).all()])
    found = estimates.over_runs(share, rng, resamples)
    return replace(found, method="mean, bootstrap over these runs, of different cells")


def collect_spectra(
    endpoints: Arrays,
    spectra: Sequence[np.ndarray],
    drawing: Callable[[], np.random.Generator],
    resamples: int,
    N: int,
) -> list[Claim]:
    """What the spectra at the ends say.

    Args:
        endpoints: ``converged``, ``runs``, ``trace``, ``top_sum`` of endpoints.h5.
        spectra: the rows of ``spectrum`` of all files under curvature/ that have it; may be none.
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap.
        N: how many eigenvalues ``top_sum`` is of.
    """
    zero = near_zero_share(spectra, drawing(), resamples)
    return [
        Claim(
            "spectrum_few_large",
            "II A, Fig. S1, as meant",
            "A few large eigenvalues carry the curvature at the end of training.",
            f"the top {N} hold most of the trace",
            at_least(0.5),
            top_share(endpoints, drawing(), resamples),
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
    drawing: Callable[[], np.random.Generator],
    resamples: int,
    targets: tuple[float, float],
) -> list[Claim]:
    """What Fig. 1 says.

    Args:
        barriers: of barriers.h5, ``pair_similarity``, ``pair_barrier``, ``pair_solution``, ``block_slope``,
            ``block_r_squared``, ``path_similarity``, ``path_barrier``, ``path_solution``,
            ``time_fraction``.
        block: of jaccard.h5, ``block_eta``, ``block_B``.
        endpoints: of endpoints.h5, ``eta``, ``B``, ``runs``, ``converged``, ``train_loss``.
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap.
        targets: Sim_J of the paper's similar and its dissimilar pair.
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
            barrier_near(barriers, similar, loss, drawing(), resamples),
        ),
        Claim(
            "barrier_dissimilar",
            "II A, Fig. 1D",
            f"Dissimilar solutions (Sim_J = {dissimilar:g}) are parted by a pronounced barrier.",
            "pronounced: ten times the solutions' own loss or more",
            at_least(10.0),
            barrier_near(barriers, dissimilar, loss, drawing(), resamples),
        ),
        Claim(
            "barrier_early",
            "II A, Fig. 1D",
            "Barriers of dissimilar solutions emerge early in training.",
            "in its first half",
            at_most(0.5),
            barrier_emergence(barriers, dissimilar, drawing(), resamples),
        ),
        Claim(
            "barrier_falls",
            "II A, Fig. 1E",
            "The more dissimilar two solutions, the higher the barrier between them.",
            "falls with Sim_J, strongly",
            falls(MARKED),
            barrier_rank(barriers, drawing(), resamples),
        ),
        Claim(
            "barrier_r_squared",
            "II A, Fig. 1E",
            "A straight line of barrier against similarity, over random pairs of all solutions.",
            "R^2 = 0.64, falling",
            Value(-0.64, tolerance=0.05, no_effect=0.0),
            barrier_r_squared(barriers, drawing(), resamples),
            more=True,
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
