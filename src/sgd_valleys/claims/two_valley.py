"""Claims about the two-valley model: its theory, and occupancies beside it (Sec. II E-G, Appendix A, Fig. 6)."""

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import Arrays, NewSampling, Sampling, exact, not_measured
from sgd_valleys.claims.statements import make_claims
from sgd_valleys.claims.verdict import Claim, Estimate
from sgd_valleys.statistics.rank import rank_correlation

FORM = "closed form"


def collect(theory: Arrays, occupancy: Arrays, runs: int, new_sampling: NewSampling) -> list[Claim]:
    """Collect the claims about the theory and about Fig. 6, from arrays of theory.h5 and occupancy.h5.

    ``runs`` is the number of runs of each noise level.
    """
    tau_x, tau_y = float(theory["tau_x_max"]), float(theory["tau_y_min"])
    delta_S, gamma, transient = theory["delta_S"], theory["gamma"], theory["p_flat_transient"]
    above_equilibrium = theory["p_flat_stationary"] - theory["p_flat_equilibrium"]  # Eq. 22 less Eq. A28
    _, ridge, flat = floors(theory)
    unequal = gamma > 1  # at gamma = 1 the valleys are the same for any noise
    measured = {
        "equal_depth": depth_difference(theory),
        "barrier_with_y": trend_of_closed_form(ridge - flat, theory["y"][theory["y"] > 0]),
        "tau_x": exact(tau_x, FORM),
        "tau_y": exact(tau_y, FORM),
        "tau_ratio": exact(tau_x / tau_y, FORM),
        "effective_loss_flat": effective_loss_on_floor(theory, +1),
        "effective_loss_sharp": effective_loss_on_floor(theory, -1),
        "above_equilibrium": exact(above_equilibrium.min(), f"{FORM} at {above_equilibrium.size} points"),
        "equilibrium_share": exact(theory["p_flat_boltzmann"], FORM),
        "simulated_above_equilibrium": estimates.fraction_of_runs(occupancy["p_flat"][:, -1].min(), runs),
        "theory_until_freezing": deviation_until_freezing(theory, occupancy, runs, new_sampling()),
        "stationary_falls": stationary_change_with_noise(theory),
        "rate_ratio_as_printed": rate_ratio_change_with_noise(theory),
        "final_p_flat_rises": final_p_flat_rise(occupancy, runs, new_sampling()),
        "y_freeze": trend_of_closed_form(theory["y_freeze"], delta_S),
        "transient_with_noise": trend_of_closed_form(transient[unequal], delta_S),
        "transient_with_gamma": trend_of_closed_form(transient.T, gamma),
        "transient_theory": transient_deviation(theory, occupancy, runs),
    }
    return make_claims("two_valley", measured, equilibrium=float(theory["p_flat_equilibrium"]))


def final_p_flat_rise(occupancy: Arrays, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the final fraction in the flat valley at the strongest noise less that at the weakest."""
    order = np.argsort(occupancy["delta_S"])
    strongest, weakest = occupancy["p_flat"][order[[-1, 0]], -1]
    return estimates.fraction_difference((strongest, weakest), (runs, runs), sampling)


def stationary_change_with_noise(theory: Arrays) -> Estimate:
    """Return P_flat of Eq. 22 at the strongest noise less that at the weakest, mean over y."""
    weakest, strongest = _weakest_and_strongest(theory)
    return exact((strongest - weakest).mean(), f"{FORM}, mean over {len(weakest)} y")


def rate_ratio_change_with_noise(theory: Arrays) -> Estimate:
    """Return ln(k+ / k-) of Eq. 21 at the strongest noise less that at the weakest, mean over y.

    By Eq. 22 the ratio follows from P_flat.
    """
    p_flat = _weakest_and_strongest(theory)
    known = ((p_flat > 0) & (p_flat < 1)).all(axis=0)
    weak, strong = np.log((1 - p_flat[:, known]) / p_flat[:, known])
    return exact((strong - weak).mean(), f"{FORM}, mean over {known.sum()} y")


def _weakest_and_strongest(theory: Arrays) -> np.ndarray:
    """Return P_flat of Eq. 22 (noise, y) at the weakest and at the strongest noise."""
    return theory["p_flat_stationary"][np.argsort(theory["course_delta_S"])[[0, -1]]]


def floors(theory: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the loss (y) on the floor of the sharp valley, on the ridge x = 0 and on the flat floor, for y > 0."""
    x, positive = theory["x"], theory["y"] > 0
    loss = theory["loss"][:, positive]
    return loss[x < 0].min(axis=0), loss[np.abs(x).argmin()], loss[x > 0].min(axis=0)


def depth_difference(theory: Arrays) -> Estimate:
    """Return the largest difference in loss of the two floors at one y, relative to the barrier's height there."""
    sharp, ridge, flat = floors(theory)
    height = ridge - flat
    resolved = height > 0.01 * height.max()  # by the grid
    return exact(np.abs(sharp - flat)[resolved].max() / height[resolved].max(), f"{FORM} at {resolved.sum()} y")


def deviation_until_freezing(theory: Arrays, occupancy: Arrays, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the root mean square over time of simulated P_flat less Eq. 22, until y_freeze; the largest over noise.

    The sampling variance of the simulation is subtracted. The interval shifts all times of a noise level together,
    since they come from the same runs.
    """
    method = "largest root mean square difference up to y_freeze of Eq. 25, binomial error"
    levels = []
    for k, delta_S in enumerate(occupancy["delta_S"]):
        course = np.abs(theory["course_delta_S"] - delta_S).argmin()
        y_freeze = np.interp(np.log(delta_S), np.log(theory["delta_S"]), theory["y_freeze"])
        y, p_flat = occupancy["mean_y"][k], occupancy["p_flat"][k]
        inside = (y >= theory["along"][0]) & (y <= min(theory["along"][-1], y_freeze))
        inside[0] = False  # the start, where half of the runs are put into each valley
        if inside.any():
            stationary = np.interp(y[inside], theory["along"], theory["p_flat_stationary"][course])
            levels.append((p_flat[inside] - stationary, occupancy["p_flat_error"][k][inside]))
    if not levels:
        return not_measured("no recorded time", method)

    def deviation(shift: float) -> float:
        return max(np.sqrt(max(0.0, ((off + shift * error) ** 2 - error**2).mean())) for off, error in levels)

    resampled = np.array([deviation(shift) for shift in sampling.rng.standard_normal(sampling.resamples)])
    found = float(deviation(0.0))
    between = estimates.interval_including_estimate(resampled, found)
    return Estimate(found, between, f"{len(levels)} noise levels", method, runs)


def transient_deviation(theory: Arrays, occupancy: Arrays, runs: int) -> Estimate:
    """Estimate the simulated final P_flat less Eq. 26; the largest in absolute value over the noise levels."""
    expected = np.interp(np.log(occupancy["delta_S"]), np.log(theory["delta_S"]), theory["p_flat_transient_here"])
    p_flat = occupancy["p_flat"][:, -1]
    k = int(np.abs(p_flat - expected).argmax())
    found = estimates.fraction_of_runs(p_flat[k], runs)
    low, high = (float(bound - expected[k]) for bound in found.interval)
    difference = float(p_flat[k] - expected[k])
    return Estimate(difference, (low, high), found.samples, "largest difference, exact binomial", runs)


def effective_loss_on_floor(theory: Arrays, side: int) -> Estimate:
    """Return L_SGD of Eq. 20 on the floor of the flat (side +1) or the sharp valley (-1) of the cut of Fig. 6A."""
    here = np.flatnonzero(np.sign(theory["cut_x"]) == side)
    floor = here[theory["cut_loss"][here].argmin()]
    return exact(theory["cut_L_SGD"][floor], FORM)


def trend_of_closed_form(values: np.ndarray, at: np.ndarray) -> Estimate:
    """Return the rank correlation of a closed form, (line, at) or (at), with its argument (at).

    Of several lines the least is returned; lines that do not vary are omitted.
    """
    lines = rank_correlation(at, np.atleast_2d(values))
    lines = lines[np.isfinite(lines)]
    used = int(np.isfinite(values).sum())
    return exact(lines.min() if lines.size else np.nan, f"{FORM} at {used} points")
