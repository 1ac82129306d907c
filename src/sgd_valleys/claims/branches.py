"""Effects of continuation training: gradient descent from points of SGD runs (Sec. II D, Fig. 4).

Every quantity is measured in each realization first; its estimate is over the realizations.
"""

from collections.abc import Mapping

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.controls import Measured
from sgd_valleys.claims.estimates import Arrays, NewSampling
from sgd_valleys.claims.landscape import signed_r_squared
from sgd_valleys.claims.verdict import Control, Estimate
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import finite_mean, finite_median

BEFORE, AFTER = "before", "after"  # parts of a run, divided by t_freeze


def measure(
    branches: Arrays, similarity: np.ndarray, new_sampling: NewSampling, same_basin: float, early: int = 20
) -> Measured:
    """Measure the effects of Fig. 4, from arrays of a file under branches/statistics/.

    Args:
        branches: arrays of that file.
        similarity: (realization, t_c, t_c) Sim_J among the ends of a run's branches.
        new_sampling: returns the sampling of every bootstrap.
        same_basin: smallest Sim_J of two branches that end in one basin.
        early: the paper's example of a very early branching time, in iterations; the nearest t_c is used.

    Returns:
        the effects by key, and the values of the placeholders in the statements.
    """
    t_c = branches["t_c"]
    first = int(np.abs(t_c - early).argmin())
    r_squared = {loss: r_squared_by_run(branches, loss) for loss in ("test_loss", "test_file_loss")}
    jump = jumps(similarity, same_basin)

    def mean(by_run: np.ndarray) -> Estimate:
        return estimates.over_runs(by_run, new_sampling())

    def median(by_run: np.ndarray) -> Estimate:
        return estimates.over_runs(by_run, new_sampling(), finite_median, "median")

    def trend(name: str, part: str = "") -> Estimate:
        return mean(time_correlation(branches, name, part))

    before = mean(share_before_freezing(branches, jump))
    typical = median(r_squared["test_loss"])
    found = {
        "later_is_flatter": trend("flatness").beside(trend("flatness", BEFORE).as_control("before t_freeze")),
        "later_generalizes": trend("test_loss").beside(trend("test_file_loss").as_control("on the whole test file")),
        "early_branches_improve": trend("test_file_loss", BEFORE).beside(
            trend("flatness", BEFORE).as_control("F, for t_c < t_freeze")
        ),
        "flatness_after_freezing": trend("flatness", AFTER).beside(
            mean(growth(branches, AFTER)).as_control("F of the last branch over that at t_freeze")
        ),
        "branch_r_squared_one_run": estimates.one_run(r_squared["test_loss"]).beside(
            typical.as_control("median over runs")
        ),
        "repeated_escapes": mean(jumps_per_run(similarity, same_basin)).beside(
            Control("consecutive branches compared, per run", float(jump.shape[1]))
        ),
        "jumps_to_flatter": mean(share_to_flatter(branches, jump)).beside(
            mean(share_to_flatter(branches, ~jump)).as_control("steps of t_c without a jump")
        ),
        "one_basin_after": one_basin_fraction(branches).beside(before.as_control("share of the jumps before t_freeze")),
        "branch_r_squared": typical,
        "branch_r_squared_test_file": median(r_squared["test_file_loss"]),
        "early_is_sharp": mean(branches["flatness"][:, first] / branches["flatness"][:, -1]),
        "early_is_worse": mean(branches["test_loss"][:, first] / branches["test_loss"][:, -1]),
        "similarity_rises": trend("similarity_to_last", BEFORE),
        "similarity_gap": mean(branches["similarity_before"] - branches["similarity_after"]),
        "similarity_at_freezing": mean(similarity_at_freezing(branches)),
        "one_valley_after": mean(branches["similarity_after"]),
        "jumps_before_freezing": before,
    }
    return found, {"early": int(t_c[first]), "same_basin": same_basin}


def measure_descents(
    similarity: Mapping[float, np.ndarray], eta: float, same_basin: float, similarity_of_runs: np.ndarray
) -> Estimate:
    """Estimate the share of gradient descents from slightly displaced starts that end in the basin of the start.

    Args:
        similarity: (copy) Sim_J of the displaced descents to the descent from the start, by learning rate.
        eta: learning rate of the branches. Descents at larger learning rates are left out.
        same_basin: smallest Sim_J of two solutions in one basin.
        similarity_of_runs: (pair) Sim_J of runs with noise that share the start, the null.
    """
    used = {rate: values[np.isfinite(values)] for rate, values in similarity.items() if rate <= eta * (1 + 1e-9)}
    every = np.concatenate([np.empty(0), *used.values()])
    found = estimates.proportion(int((every >= same_basin).sum()), len(every), f"descents, rates: {len(used)}")
    pairs = similarity_of_runs[np.isfinite(similarity_of_runs)]
    if not pairs.size:
        return found
    return found.beside(Control("pairs of runs with noise in one basin", float((pairs >= same_basin).mean())))


def jumps(similarity: np.ndarray, same_basin: float) -> np.ndarray:
    """Return whether a run changes its basin between consecutive branches (realization, t_c - 1).

    Two branches end in one basin if their Sim_J (realization, t_c, t_c) is at least ``same_basin``.
    """
    next_to = np.diagonal(similarity, offset=1, axis1=1, axis2=2)
    return next_to < same_basin


def jumps_per_run(similarity: np.ndarray, same_basin: float) -> np.ndarray:
    """Return the number of ``jumps`` (realization); NaN for a run with an unknown similarity."""
    known = np.isfinite(similarity).all(axis=(1, 2))
    return np.where(known, jumps(similarity, same_basin).sum(axis=1), np.nan)


def share_before_freezing(branches: Arrays, jump: np.ndarray) -> np.ndarray:
    """Return the share (realization) of the jumps that end at a t_c of at most t_freeze; NaN without a jump."""
    early = branches["t_c"][1:] <= branches["freezing_time"][:, None]
    count = jump.sum(axis=1)
    return np.where(count > 0, (jump & early).sum(axis=1) / np.maximum(count, 1), np.nan)


def share_to_flatter(branches: Arrays, step: np.ndarray) -> np.ndarray:
    """Return the share (realization) of chosen steps (realization, t_c - 1) after which F rises; NaN without a step."""
    rises = np.diff(branches["flatness"], axis=1)
    return finite_mean(np.where(step & np.isfinite(rises), rises > 0, np.nan))


def growth(branches: Arrays, part: str) -> np.ndarray:
    """Return F of the last branch over F of the first one (realization) in a part of the run; NaN without a branch."""
    found = np.full(len(branches["flatness"]), np.nan)
    for r, (values, used) in enumerate(zip(branches["flatness"], _part(branches, part), strict=True)):
        if used.any():
            found[r] = values[used][-1] / values[used][0]
    return found


def r_squared_by_run(branches: Arrays, loss: str) -> np.ndarray:
    """Return the signed R^2 (realization) of flatness against a final loss over the branches of each run.

    NaN for a run with fewer than three branches that have both values.
    """
    x, y = branches[loss], branches["flatness"]
    found = np.full(len(x), np.nan)
    for r in range(len(x)):
        used = np.isfinite(x[r]) & np.isfinite(y[r])
        if used.sum() > 2:
            slope, _, r_squared = fit_line(x[r, used], y[r, used])
            found[r] = signed_r_squared(slope, r_squared)
    return found


def time_correlation(branches: Arrays, name: str, part: str = "") -> np.ndarray:
    """Return the rank correlation (realization) of a final quantity with the branching time t_c.

    ``part`` restricts the branches to those that leave the run before t_freeze, or from t_freeze on.
    """
    t_c = branches["t_c"].astype(float)
    used = _part(branches, part)
    return np.array([rank_correlation(t_c[own], row[own]) for row, own in zip(branches[name], used, strict=True)])


def _part(branches: Arrays, part: str) -> np.ndarray:
    """Return whether branches (realization, t_c) leave the run in a part of the run.

    A run that never freezes has no branch before or after t_freeze.
    """
    t_c, t_freeze = branches["t_c"], branches["freezing_time"][:, None]
    if part == BEFORE:
        return t_c < t_freeze
    return t_c >= t_freeze if part == AFTER else np.ones((len(t_freeze), len(t_c)), dtype=bool)


def similarity_at_freezing(branches: Arrays) -> np.ndarray:
    """Return Sim_J (realization) of the branch nearest to t_freeze to the last branch; NaN if a run never freezes."""
    distance = np.abs(branches["t_c"] - branches["freezing_time"][:, None])
    nearest = np.where(np.isfinite(distance), distance, np.inf).argmin(axis=1)
    found = branches["similarity_to_last"][np.arange(len(nearest)), nearest]
    return np.where(np.isfinite(branches["freezing_time"]), found, np.nan)


def one_basin_fraction(branches: Arrays) -> Estimate:
    """Estimate the fraction of runs whose branches from t_freeze on all end in the basin of the last branch."""
    basin, freezing = branches["basin_freezing_time"], branches["freezing_time"]
    known = np.isfinite(basin) & np.isfinite(freezing)
    step = np.diff(branches["t_c"]).max(initial=0)  # the first branch after t_freeze leaves up to one step later
    return estimates.proportion((basin[known] < freezing[known] + step).sum(), int(known.sum()), "runs")
