"""Claims about continuation training: gradient descent from points of SGD runs (Sec. II D, Fig. 4)."""

from collections.abc import Callable

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import Arrays, RngFactory
from sgd_valleys.claims.landscape import signed_r_squared
from sgd_valleys.claims.verdict import ANY, MODERATE, STRONG, Claim, Direction, Equal, Estimate, Value, falls, rises
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import finite_median


def r_squared_by_run(branches: Arrays, loss: str) -> np.ndarray:
    """Return the signed R^2 (realization) of flatness against a final loss over the branches of each run, or NaN."""
    x, y = branches[loss], branches["flatness"]
    found = np.full(len(x), np.nan)
    for r in range(len(x)):
        used = np.isfinite(x[r]) & np.isfinite(y[r])
        if used.sum() > 2:
            slope, _, r_squared = fit_line(x[r, used], y[r, used])
            found[r] = signed_r_squared(slope, r_squared)
    return found


def typical_r_squared(branches: Arrays, loss: str, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the median over realizations of each run's signed R^2."""
    return estimates.over_runs(r_squared_by_run(branches, loss), rng, resamples, finite_median, "median signed R^2")


def one_run_r_squared(branches: Arrays, loss: str) -> Estimate:
    """Estimate the signed R^2 that one run may show."""
    return estimates.one_run(r_squared_by_run(branches, loss))


def time_correlation(
    branches: Arrays, name: str, rng: np.random.Generator, resamples: int, before_freezing: bool = False
) -> Estimate:
    """Estimate the rank correlation of a final quantity with the branching time t_c, mean over realizations.

    Args:
        branches: arrays of branches/statistics/.
        name: the quantity (realization, t_c).
        rng: stream of the resampling.
        resamples: number of resamples.
        before_freezing: use only the branches that leave the run before it freezes.
    """
    t_c = branches["t_c"].astype(float)
    found = np.empty(len(branches[name]))
    for r, (values, t_freeze) in enumerate(zip(branches[name], branches["freezing_time"], strict=True)):
        used = t_c < t_freeze if before_freezing else np.ones(len(t_c), dtype=bool)
        found[r] = rank_correlation(t_c[used], values[used])
    return estimates.over_runs(found, rng, resamples, name="mean rank correlation with t_c")


def _nearest_branch(branches: Arrays, t_c: int) -> int:
    """Return the index of the branch that leaves the run nearest to ``t_c``."""
    return int(np.abs(branches["t_c"] - t_c).argmin())


def early_to_last_ratio(branches: Arrays, name: str, t_c: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate a final quantity of the branch nearest to ``t_c`` over that of the last, mean over realizations."""
    early = _nearest_branch(branches, t_c)
    ratio = branches[name][:, early] / branches[name][:, -1]
    method = f"mean ratio of t_c = {branches['t_c'][early]} to {branches['t_c'][-1]}"
    return estimates.over_runs(ratio, rng, resamples, name=method)


def _similarity_of_freezing_branch(branches: Arrays) -> np.ndarray:
    """Return Sim_J (realization) of the branch nearest to t_freeze to the last branch; NaN for a run never frozen."""
    distance = np.abs(branches["t_c"] - branches["freezing_time"][:, None])
    nearest = np.where(np.isfinite(distance), distance, np.inf).argmin(axis=1)
    found = branches["similarity_to_last"][np.arange(len(nearest)), nearest]
    return np.where(np.isfinite(branches["freezing_time"]), found, np.nan)


def similarity_at_freezing(branches: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate Sim_J of the branch at t_freeze to the last branch."""
    return estimates.over_runs(_similarity_of_freezing_branch(branches), rng, resamples)


def change_before_freezing(branches: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate which fraction of the increase of Sim_J, from the first branch's to 1, a run has made at t_freeze."""
    first = branches["similarity_to_last"][:, 0]
    increase = np.where(first < 1, 1 - first, np.nan)
    return estimates.over_runs((_similarity_of_freezing_branch(branches) - first) / increase, rng, resamples)


def similarity_after_freezing(branches: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the mean Sim_J among the branches from t_freeze on."""
    return estimates.over_runs(branches["similarity_after"], rng, resamples)


def similarity_gap(branches: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the mean Sim_J among the branches before t_freeze, less that among the branches from t_freeze on."""
    return estimates.over_runs(branches["similarity_before"] - branches["similarity_after"], rng, resamples)


def one_basin_fraction(branches: Arrays) -> Estimate:
    """Estimate the fraction of runs whose branches from t_freeze on all end in the basin of the last branch."""
    basin, freezing = branches["basin_freezing_time"], branches["freezing_time"]
    known = np.isfinite(basin) & np.isfinite(freezing)
    step = np.diff(branches["t_c"]).max(initial=0)  # the first branch after t_freeze leaves up to one step later
    return estimates.proportion((basin[known] < freezing[known] + step).sum(), int(known.sum()), "runs")


def collect(
    branches: Arrays,
    new_rng: RngFactory,
    resamples: int,
    same_basin: float,
    early: int = 20,
) -> list[Claim]:
    """Collect the claims about Fig. 4, judged over all realizations.

    Args:
        branches: of a file under branches/statistics/, ``t_c`` (t_c); ``flatness``, ``test_loss``,
            ``test_file_loss``, ``similarity_to_last`` (realization, t_c); ``freezing_time``, ``basin_freezing_time``,
            ``similarity_before``, ``similarity_after`` (realization).
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples.
        same_basin: least Sim_J of two branches that end in one basin, for ``basin_freezing_time``.
        early: the paper's example of a very early branching time, iterations.
    """
    early = int(branches["t_c"][_nearest_branch(branches, early)])  # the claims state the time that they measure

    def estimate(function: Callable[..., Estimate], *quantity: object, **options: object) -> Estimate:
        return function(branches, *quantity, new_rng(), resamples, **options)

    return [
        Claim(
            "later_is_flatter",
            "II D, Fig. 4C",
            "The later a branch leaves the run, the flatter the solution that it ends in.",
            "rises progressively",
            rises(MODERATE),
            estimate(time_correlation, "flatness"),
        ),
        Claim(
            "later_generalizes",
            "II D, Fig. 4B",
            "The later a branch leaves the run, the lower its final test loss.",
            "falls progressively",
            falls(MODERATE),
            estimate(time_correlation, "test_loss"),
        ),
        Claim(
            "later_generalizes_test_file",
            "II D, Fig. 4B",
            "The later a branch leaves the run, the lower its final loss on the whole test file.",
            "falls progressively",
            falls(MODERATE),
            estimate(time_correlation, "test_file_loss"),
            beyond_paper=True,
        ),
        Claim(
            "early_is_sharp",
            "II D, Fig. 4C",
            f"A branch from very early on (t_c = {early}) ends with low flatness.",
            "below the last branch's",
            Direction(-1, no_effect=1.0),
            estimate(early_to_last_ratio, "flatness", early),
        ),
        Claim(
            "early_is_worse",
            "II D, Fig. 4B",
            f"A branch from very early on (t_c = {early}) ends with high test loss.",
            "above the last branch's",
            Direction(+1, no_effect=1.0),
            estimate(early_to_last_ratio, "test_loss", early),
        ),
        Claim(
            "branch_r_squared",
            "II D, Fig. 4D",
            "A straight line of final flatness against final test loss, over a typical run's branches.",
            "R^2 = 0.76, falling",
            Value(-0.76, tolerance=0.05, no_effect=0.0),
            estimate(typical_r_squared, "test_loss"),
        ),
        Claim(
            "branch_r_squared_one_run",
            "II D, Fig. 4D",
            "A straight line of final flatness against final test loss, as any one run may show it.",
            "R^2 = 0.76, falling",
            Value(-0.76, tolerance=0.05, no_effect=0.0),
            one_run_r_squared(branches, "test_loss"),
            beyond_paper=True,
        ),
        Claim(
            "branch_r_squared_test_file",
            "II D, Fig. 4D",
            "A straight line of final flatness against the loss on the whole test file, over a typical run's branches.",
            "R^2 = 0.76, falling",
            Value(-0.76, tolerance=0.05, no_effect=0.0),
            estimate(typical_r_squared, "test_file_loss"),
            beyond_paper=True,
        ),
        Claim(
            "similarity_rises",
            "II D, Fig. 4E",
            "Up to t_freeze solutions of later branches are ever more like the last one.",
            "increases steadily",
            rises(STRONG),
            estimate(time_correlation, "similarity_to_last", before_freezing=True),
        ),
        Claim(
            "similarity_at_freezing",
            "II D, Fig. 4E",
            "As t_c nears t_freeze the similarity approaches 1.",
            "to 1",
            Equal(1.0, tolerance=0.05),
            estimate(similarity_at_freezing),
        ),
        Claim(
            "similarity_gap",
            "II D, Fig. 4E",
            "Branches from before t_freeze are less alike than those from after it.",
            "lower before",
            falls(ANY),
            estimate(similarity_gap),
        ),
        Claim(
            "jumps_before_freezing",
            "II D, Fig. 4E",
            "Valley jumping occurs almost entirely before t_freeze.",
            "at least 0.9 of the way in Sim_J is made by then",
            Direction(+1, strength=0.4, no_effect=0.5),
            estimate(change_before_freezing),
        ),
        Claim(
            "one_valley_after",
            "II D, Fig. 4E",
            "From t_freeze on the run stays confined to a single valley.",
            "Sim_J of 1 among the branches",
            Equal(1.0, tolerance=0.05),
            estimate(similarity_after_freezing),
        ),
        Claim(
            "one_basin_after",
            "II D, Fig. 4E",
            f"From t_freeze on all branches of a run end in one basin, that is with a Sim_J of {same_basin:g} or more.",
            "in four of five runs or more",
            Direction(+1, strength=0.3, no_effect=0.5),
            one_basin_fraction(branches),
            beyond_paper=True,
        ),
    ]
