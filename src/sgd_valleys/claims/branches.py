"""Claims about continuation training: gradient descent from points of SGD runs (Sec. II D, Fig. 4).

Every quantity is measured in each realization first; its estimate is over the realizations.
"""

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import Arrays, NewSampling
from sgd_valleys.claims.landscape import signed_r_squared
from sgd_valleys.claims.statements import make_claims
from sgd_valleys.claims.verdict import Claim, Estimate
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import finite_median


def collect(branches: Arrays, new_sampling: NewSampling, same_basin: float, early: int = 20) -> list[Claim]:
    """Collect the claims about Fig. 4, from arrays of a file under branches/statistics/.

    ``same_basin`` is the least Sim_J of two branches that end in one basin. ``early`` is the paper's example of a very
    early branching time, in iterations, of which the nearest one is used.
    """
    t_c = branches["t_c"]
    first = int(np.abs(t_c - early).argmin())
    r_squared = {loss: r_squared_by_run(branches, loss) for loss in ("test_loss", "test_file_loss")}

    def mean(by_run: np.ndarray, method: str = "mean") -> Estimate:
        return estimates.over_runs(by_run, new_sampling(), name=method)

    def median(by_run: np.ndarray) -> Estimate:
        return estimates.over_runs(by_run, new_sampling(), finite_median, "median signed R^2")

    def trend(name: str, before_freezing: bool = False) -> Estimate:
        return mean(time_correlation(branches, name, before_freezing), "mean rank correlation with t_c")

    def early_to_last(name: str) -> Estimate:
        ratio = branches[name][:, first] / branches[name][:, -1]
        return mean(ratio, f"mean ratio of t_c = {t_c[first]} to {t_c[-1]}")

    measured = {
        "later_is_flatter": trend("flatness"),
        "later_generalizes": trend("test_loss"),
        "later_generalizes_test_file": trend("test_file_loss"),
        "early_is_sharp": early_to_last("flatness"),
        "early_is_worse": early_to_last("test_loss"),
        "branch_r_squared": median(r_squared["test_loss"]),
        "branch_r_squared_one_run": estimates.one_run(r_squared["test_loss"]),
        "branch_r_squared_test_file": median(r_squared["test_file_loss"]),
        "similarity_rises": trend("similarity_to_last", before_freezing=True),
        "similarity_at_freezing": mean(similarity_at_freezing(branches)),
        "similarity_gap": mean(branches["similarity_before"] - branches["similarity_after"]),
        "jumps_before_freezing": mean(change_before_freezing(branches)),
        "one_valley_after": mean(branches["similarity_after"]),
        "one_basin_after": one_basin_fraction(branches),
    }
    return make_claims("branches", measured, early=int(t_c[first]), same_basin=same_basin)


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


def time_correlation(branches: Arrays, name: str, before_freezing: bool = False) -> np.ndarray:
    """Return the rank correlation (realization) of a final quantity with the branching time t_c.

    With ``before_freezing`` only the branches that leave the run before it freezes are used.
    """
    t_c = branches["t_c"].astype(float)
    found = np.empty(len(branches[name]))
    for r, (values, t_freeze) in enumerate(zip(branches[name], branches["freezing_time"], strict=True)):
        used = t_c < t_freeze if before_freezing else np.ones(len(t_c), dtype=bool)
        found[r] = rank_correlation(t_c[used], values[used])
    return found


def similarity_at_freezing(branches: Arrays) -> np.ndarray:
    """Return Sim_J (realization) of the branch nearest to t_freeze to the last branch; NaN for a run never frozen."""
    distance = np.abs(branches["t_c"] - branches["freezing_time"][:, None])
    nearest = np.where(np.isfinite(distance), distance, np.inf).argmin(axis=1)
    found = branches["similarity_to_last"][np.arange(len(nearest)), nearest]
    return np.where(np.isfinite(branches["freezing_time"]), found, np.nan)


def change_before_freezing(branches: Arrays) -> np.ndarray:
    """Return the fraction (realization) of the rise of Sim_J, from the first branch's to 1, made before t_freeze."""
    first = branches["similarity_to_last"][:, 0]
    return (similarity_at_freezing(branches) - first) / np.where(first < 1, 1 - first, np.nan)


def one_basin_fraction(branches: Arrays) -> Estimate:
    """Estimate the fraction of runs whose branches from t_freeze on all end in the basin of the last branch."""
    basin, freezing = branches["basin_freezing_time"], branches["freezing_time"]
    known = np.isfinite(basin) & np.isfinite(freezing)
    step = np.diff(branches["t_c"]).max(initial=0)  # the first branch after t_freeze leaves up to one step later
    return estimates.proportion((basin[known] < freezing[known] + step).sum(), int(known.sum()), "runs")
