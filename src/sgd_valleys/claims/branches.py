"""Claims about continuation training: gradient descent from points of SGD runs (Sec. II D, Fig. 4)."""

from collections.abc import Callable, Mapping

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.landscape import signed
from sgd_valleys.claims.verdict import MARKED, SOME, STEADY, Claim, Direction, Equal, Estimate, Value, falls, rises
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.rank import rank_correlation

Arrays = Mapping[str, np.ndarray]


def own_fits(branches: Arrays, loss: str) -> np.ndarray:
    """R^2 with the slope's sign of flatness against a final loss, of each realization's branches; NaN where none."""
    x, y = branches[loss], branches["flatness"]
    found = np.full(len(x), np.nan)
    for r in range(len(x)):
        used = np.isfinite(x[r]) & np.isfinite(y[r])
        if used.sum() > 2:
            slope, _, r_squared = fit_line(x[r, used], y[r, used])
            found[r] = signed(slope, r_squared)
    return found


def typical_fit(branches: Arrays, loss: str, rng: np.random.Generator, resamples: int) -> Estimate:
    """Median over realizations of their own signed R^2."""
    return estimates.over_runs(own_fits(branches, loss), rng, resamples, np.nanmedian, "median signed R^2")


def single_fit(branches: Arrays, loss: str) -> Estimate:
    """Signed R^2 that one realization may show."""
    return estimates.one_run(own_fits(branches, loss))


def with_time(
    branches: Arrays, name: str, rng: np.random.Generator, resamples: int, before_freezing: bool = False
) -> Estimate:
    """Rank correlation of a final quantity with the branching time, mean over realizations.

    Args:
        branches: the arrays.
        name: of the quantity, (realization, t_c).
        rng: of the resampling.
        resamples: how many.
        before_freezing: only of the branches that leave the run before it freezes.
    """
    t_c = branches["t_c"].astype(float)
    found = np.empty(len(branches[name]))
    for r, (values, t_freeze) in enumerate(zip(branches[name], branches["freezing_time"], strict=True)):
        used = t_c < t_freeze if before_freezing else np.ones(len(t_c), dtype=bool)
        found[r] = rank_correlation(t_c[used], values[used])
    return estimates.over_runs(found, rng, resamples, name="mean rank correlation with t_c")


def _nearest(branches: Arrays, t_c: int) -> int:
    """Which branch left the run at ``t_c``, or nearest to it."""
    return int(np.abs(branches["t_c"] - t_c).argmin())


def early_over_last(branches: Arrays, name: str, t_c: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """A final quantity of the branch at ``t_c`` over that of the last branch, mean over realizations.

    Where no branch left at ``t_c`` itself it is the one nearest to it.
    """
    early = _nearest(branches, t_c)
    ratio = branches[name][:, early] / branches[name][:, -1]
    method = f"mean ratio of t_c = {branches['t_c'][early]} to {branches['t_c'][-1]}"
    return estimates.over_runs(ratio, rng, resamples, name=method)


def _at_freezing(branches: Arrays) -> np.ndarray:
    """Sim_J to the last branch of the branch nearest to each run's t_freeze; NaN where it never freezes."""
    distance = np.abs(branches["t_c"] - branches["freezing_time"][:, None])
    nearest = np.where(np.isfinite(distance), distance, np.inf).argmin(axis=1)
    found = branches["similarity_to_last"][np.arange(len(nearest)), nearest]
    return np.where(np.isfinite(branches["freezing_time"]), found, np.nan)


def similarity_at_freezing(branches: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Sim_J of the branch at t_freeze to the last one."""
    return estimates.over_runs(_at_freezing(branches), rng, resamples)


def change_before_freezing(branches: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Share of the way from the first branch's Sim_J to the last, up to 1, that is behind a run at its t_freeze."""
    first = branches["similarity_to_last"][:, 0]
    way = np.where(first < 1, 1 - first, np.nan)
    return estimates.over_runs((_at_freezing(branches) - first) / way, rng, resamples)


def similarity_among(branches: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Mean Sim_J among the branches from t_freeze on."""
    return estimates.over_runs(branches["similarity_after"], rng, resamples)


def similarity_gap(branches: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Mean Sim_J among the branches before t_freeze, less that among those from it on."""
    return estimates.over_runs(branches["similarity_before"] - branches["similarity_after"], rng, resamples)


def settled(branches: Arrays) -> Estimate:
    """Share of the runs all of whose branches from t_freeze on end in the basin in which the last one ends."""
    basin, freezing = branches["basin_freezing_time"], branches["freezing_time"]
    known = np.isfinite(basin) & np.isfinite(freezing)
    step = np.diff(branches["t_c"]).max(initial=0)  # the first branch after t_freeze may leave so much later
    return estimates.proportion((basin[known] < freezing[known] + step).sum(), int(known.sum()), "runs")


def collect(
    branches: Arrays,
    drawing: Callable[[], np.random.Generator],
    resamples: int,
    same_basin: float,
    early: int = 20,
) -> list[Claim]:
    """What Fig. 4 says, judged over all realizations.

    Args:
        branches: of the file under branches/statistics/, ``t_c`` (t_c); ``flatness``, ``test_loss``,
            ``test_file_loss``, ``similarity_to_last`` (realization, t_c); ``freezing_time``, ``basin_freezing_time``,
            ``similarity_before``, ``similarity_after`` (realization).
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap.
        same_basin: Sim_J from which on two branches are of one basin, for ``basin_freezing_time``.
        early: the paper's example of a very early branching time.
    """
    args = (drawing, resamples)
    early = int(branches["t_c"][_nearest(branches, early)])  # what the claims state is what they measure

    def of(function: Callable[..., Estimate], *what: object, **how: object) -> Estimate:
        return function(branches, *what, args[0](), args[1], **how)

    return [
        Claim(
            "later_is_flatter",
            "II D, Fig. 4C",
            "The later a branch leaves the run, the flatter the solution that it ends in.",
            "rises progressively",
            rises(MARKED),
            of(with_time, "flatness"),
        ),
        Claim(
            "later_generalizes",
            "II D, Fig. 4B",
            "The later a branch leaves the run, the lower its final test loss.",
            "falls progressively",
            falls(MARKED),
            of(with_time, "test_loss"),
        ),
        Claim(
            "later_generalizes_test_file",
            "II D, Fig. 4B",
            "The later a branch leaves the run, the lower its final loss on the whole test file.",
            "falls progressively",
            falls(MARKED),
            of(with_time, "test_file_loss"),
            more=True,
        ),
        Claim(
            "early_is_sharp",
            "II D, Fig. 4C",
            f"A branch from very early on (t_c = {early}) ends with low flatness.",
            "below the last branch's",
            Direction(-1, no_effect=1.0),
            of(early_over_last, "flatness", early),
        ),
        Claim(
            "early_is_worse",
            "II D, Fig. 4B",
            f"A branch from very early on (t_c = {early}) ends with high test loss.",
            "above the last branch's",
            Direction(+1, no_effect=1.0),
            of(early_over_last, "test_loss", early),
        ),
        Claim(
            "branch_r_squared",
            "II D, Fig. 4D",
            "A straight line of final flatness against final test loss, over a typical run's branches.",
            "R^2 = 0.76, falling",
            Value(-0.76, tolerance=0.05, no_effect=0.0),
            of(typical_fit, "test_loss"),
        ),
        Claim(
            "branch_r_squared_one_run",
            "II D, Fig. 4D",
            "A straight line of final flatness against final test loss, as any one run may show it.",
            "R^2 = 0.76, falling",
            Value(-0.76, tolerance=0.05, no_effect=0.0),
            single_fit(branches, "test_loss"),
            more=True,
        ),
        Claim(
            "branch_r_squared_test_file",
            "II D, Fig. 4D",
            "A straight line of final flatness against the loss on the whole test file, over a typical run's branches.",
            "R^2 = 0.76, falling",
            Value(-0.76, tolerance=0.05, no_effect=0.0),
            of(typical_fit, "test_file_loss"),
            more=True,
        ),
        Claim(
            "similarity_rises",
            "II D, Fig. 4E",
            "Up to t_freeze solutions of later branches are ever more like the last one.",
            "increases steadily",
            rises(STEADY),
            of(with_time, "similarity_to_last", before_freezing=True),
        ),
        Claim(
            "similarity_at_freezing",
            "II D, Fig. 4E",
            "As t_c nears t_freeze the similarity approaches 1.",
            "to 1",
            Equal(1.0, tolerance=0.05),
            of(similarity_at_freezing),
        ),
        Claim(
            "similarity_gap",
            "II D, Fig. 4E",
            "Branches from before t_freeze are less alike than those from after it.",
            "lower before",
            falls(SOME),
            of(similarity_gap),
        ),
        Claim(
            "jumps_before_freezing",
            "II D, Fig. 4E",
            "Valley jumping occurs almost entirely before t_freeze.",
            "at least 0.9 of the way in Sim_J is made by then",
            Direction(+1, strength=0.4, no_effect=0.5),
            of(change_before_freezing),
        ),
        Claim(
            "one_valley_after",
            "II D, Fig. 4E",
            "From t_freeze on the run stays confined to a single valley.",
            "Sim_J of 1 among the branches",
            Equal(1.0, tolerance=0.05),
            of(similarity_among),
        ),
        Claim(
            "one_basin_after",
            "II D, Fig. 4E",
            f"From t_freeze on all branches of a run end in one basin, that is with a Sim_J of {same_basin:g} or more.",
            "in four of five runs or more",
            Direction(+1, strength=0.3, no_effect=0.5),
            settled(branches),
            more=True,
        ),
    ]
