"""Claims about the two-valley model: its theory, and occupancies beside it (Sec. II E-G, Appendix A, Fig. 6)."""

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import NO_INTERVAL, Arrays, RngFactory, exact, interval_including_estimate
from sgd_valleys.claims.verdict import ANY, Claim, Equal, Estimate, Value, at_least, at_most, falls, rises
from sgd_valleys.statistics.rank import rank_correlation

FORM = "closed form"
FOLLOWS_WITHIN = 0.05  # a tenth of the range of P_flat in Fig. 6B
MONOTONE = 0.999  # rank correlation of a quantity that rises at every point, up to rounding


def lowest_final_p_flat(occupancy: Arrays, runs: int) -> Estimate:
    """Estimate the lowest final fraction of runs in the flat valley of all noise levels."""
    p_flat = float(occupancy["p_flat"][:, -1].min())
    return estimates.proportion(round(p_flat * runs), runs, "runs")


def final_p_flat_rise(occupancy: Arrays, runs: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the final fraction in the flat valley at the strongest noise less that at the weakest."""
    order = np.argsort(occupancy["delta_S"])
    strongest, weakest = occupancy["p_flat"][order[[-1, 0]], -1]
    return estimates.fraction_difference((strongest, weakest), (runs, runs), rng, resamples)


def margin_above_equilibrium(theory: Arrays) -> Estimate:
    """Return the least difference of Eq. 22 and Eq. A28, over y and Delta_S."""
    least = (theory["p_flat_stationary"] - theory["p_flat_equilibrium"]).min()
    return exact(least, f"{FORM} at {theory['p_flat_stationary'].size} points")


def stationary_change_with_noise(theory: Arrays) -> Estimate:
    """Return P_flat of Eq. 22 at the strongest noise less that at the weakest, mean over y."""
    order = np.argsort(theory["course_delta_S"])
    p_flat = theory["p_flat_stationary"][order]
    return exact((p_flat[-1] - p_flat[0]).mean(), f"{FORM}, mean over {p_flat.shape[1]} y")


def rate_ratio_change_with_noise(theory: Arrays) -> Estimate:
    """Return ln(k+ / k-) of Eq. 21 at the strongest noise less that at the weakest, mean over y.

    By Eq. 22 the ratio follows from P_flat.
    """
    order = np.argsort(theory["course_delta_S"])
    p_flat = theory["p_flat_stationary"][order[[0, -1]]]
    known = ((p_flat > 0) & (p_flat < 1)).all(axis=0)
    weak, strong = np.log((1 - p_flat[:, known]) / p_flat[:, known])
    return exact((strong - weak).mean(), f"{FORM}, mean over {known.sum()} y")


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


def barrier_trend(theory: Arrays) -> Estimate:
    """Return the rank correlation of the barrier's height with y."""
    _, ridge, flat = floors(theory)
    return trend_of_closed_form(ridge - flat, theory["y"][theory["y"] > 0])


def deviation_until_freezing(theory: Arrays, occupancy: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the root mean square over time of simulated P_flat less Eq. 22, until y_freeze; the largest over noise.

    The sampling variance of the simulation is subtracted. The interval shifts all times of a noise level together,
    since they come from the same runs.

    Args:
        theory: arrays of theory.h5.
        occupancy: arrays of occupancy.h5.
        rng: stream of the resampling.
        resamples: number of resamples.
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
        return Estimate(np.nan, NO_INTERVAL, "no recorded time", method)

    def deviation(shift: float) -> float:
        return max(np.sqrt(max(0.0, ((off + shift * error) ** 2 - error**2).mean())) for off, error in levels)

    resampled = np.array([deviation(shift) for shift in rng.standard_normal(resamples)])
    found = float(deviation(0.0))
    return Estimate(found, interval_including_estimate(resampled, found), f"{len(levels)} noise levels", method)


def transient_deviation(theory: Arrays, occupancy: Arrays, runs: int) -> Estimate:
    """Estimate the simulated final P_flat less Eq. 26; the largest in absolute value over the noise levels."""
    expected = np.interp(np.log(occupancy["delta_S"]), np.log(theory["delta_S"]), theory["p_flat_transient_here"])
    p_flat = occupancy["p_flat"][:, -1]
    k = int(np.abs(p_flat - expected).argmax())
    found = estimates.proportion(round(float(p_flat[k]) * runs), runs, "runs")
    low, high = (float(bound - expected[k]) for bound in found.interval)
    return Estimate(float(p_flat[k] - expected[k]), (low, high), found.samples, "largest difference, exact binomial")


def effective_loss_on_floor(theory: Arrays, side: int) -> Estimate:
    """Return L_SGD of Eq. 20 on the floor of the flat (side +1) or the sharp valley (-1) of the cut of Fig. 6A."""
    here = np.flatnonzero(np.sign(theory["cut_x"]) == side)
    floor = here[theory["cut_loss"][here].argmin()]
    return exact(theory["cut_L_SGD"][floor], FORM)


def trend_of_closed_form(values: np.ndarray, at: np.ndarray) -> Estimate:
    """Return the rank correlation of a closed form with its argument; of several lines the least.

    Args:
        values: (line, at) or (at); lines that do not vary are left out.
        at: (at) the argument.
    """
    lines = rank_correlation(at, np.atleast_2d(values))
    lines = lines[np.isfinite(lines)]
    used = int(np.isfinite(values).sum())
    return exact(lines.min() if lines.size else np.nan, f"{FORM} at {used} points")


def collect(theory: Arrays, occupancy: Arrays, runs: int, new_rng: RngFactory, resamples: int) -> list[Claim]:
    """Collect the claims about the theory and about Fig. 6.

    Args:
        theory: ``tau_x_max``, ``tau_y_min``, ``p_flat_equilibrium``, ``p_flat_boltzmann``, ``cut_x``, ``cut_loss``,
            ``cut_L_SGD``, ``along``, ``course_delta_S``, ``p_flat_stationary``, ``delta_S``, ``gamma``,
            ``p_flat_transient``, ``p_flat_transient_here``, ``y_freeze``, ``x``, ``y``, ``loss`` of theory.h5.
        occupancy: ``delta_S``, ``p_flat``, ``p_flat_error``, ``mean_y`` of occupancy.h5.
        runs: number of runs of each noise level.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples.
    """
    tau_x, tau_y = float(theory["tau_x_max"]), float(theory["tau_y_min"])
    equilibrium = float(theory["p_flat_equilibrium"])
    unequal = theory["gamma"] > 1  # at gamma = 1 the valleys are the same for any noise
    transient = theory["p_flat_transient"][unequal]
    return [
        Claim(
            "equal_depth",
            "II E, Eq. 11",
            "The two valleys are equally deep at every y.",
            "no difference",
            Equal(0.0, tolerance=0.01),
            depth_difference(theory),
        ),
        Claim(
            "barrier_with_y",
            "II E, Eq. 11",
            "The barrier between the valleys grows along y.",
            "rises at every y",
            rises(MONOTONE),
            barrier_trend(theory),
        ),
        Claim(
            "tau_x",
            "App. A 2, Eq. A7",
            "Longest relaxation time across a valley.",
            "0.32",
            Value(0.32, tolerance=0.005),
            exact(tau_x, FORM),
        ),
        Claim(
            "tau_y",
            "App. A 2, Eq. A8",
            "Shortest drift time along the valleys.",
            "41.8",
            Value(41.8, tolerance=0.05),
            exact(tau_y, FORM),
        ),
        Claim(
            "tau_ratio",
            "App. A 2",
            "Their ratio is small enough for the adiabatic approximation.",
            "7.6e-3",
            Value(7.6e-3, tolerance=1e-4),
            exact(tau_x / tau_y, FORM),
        ),
        Claim(
            "effective_loss_flat",
            "II F, Eq. 20, Fig. 6A",
            "The noise lowers the effective loss of the flat valley.",
            "below 0",
            falls(ANY),
            effective_loss_on_floor(theory, +1),
        ),
        Claim(
            "effective_loss_sharp",
            "II F, Eq. 20, Fig. 6A",
            "The noise raises the effective loss of the sharp valley.",
            "above 0",
            rises(ANY),
            effective_loss_on_floor(theory, -1),
        ),
        Claim(
            "above_equilibrium",
            "II F, Eq. 23",
            "The quasi-steady P_flat always exceeds its equilibrium value.",
            "above",
            rises(ANY),
            margin_above_equilibrium(theory),
        ),
        Claim(
            "equilibrium_share",
            "App. A 3, Eq. A28; Fig. 6B",
            "In equilibrium, that is in Boltzmann's distribution, the flat valley's share is gamma / (1 + gamma).",
            f"{equilibrium:.3f}",
            Value(equilibrium, tolerance=0.005),
            exact(float(theory["p_flat_boltzmann"]), FORM),
        ),
        Claim(
            "simulated_above_equilibrium",
            "II F, Fig. 6B",
            "Simulated runs end in the flat valley more often than in equilibrium, at every noise level.",
            f"above {equilibrium:.3f}",
            at_least(equilibrium),
            lowest_final_p_flat(occupancy, runs),
        ),
        Claim(
            "theory_until_freezing",
            "II G, Fig. 6B",
            "Until it freezes the simulated P_flat follows Eq. 22.",
            f"to within {FOLLOWS_WITHIN:g}",
            at_most(FOLLOWS_WITHIN),
            deviation_until_freezing(theory, occupancy, new_rng(), resamples),
        ),
        Claim(
            "stationary_falls",
            "II G, Eq. 22",
            "At fixed y more noise weakens the preference for the flat valley.",
            "falls",
            falls(ANY),
            stationary_change_with_noise(theory),
        ),
        Claim(
            "rate_ratio_as_printed",
            "II G, Eq. 21; Fig. 6, as printed",
            "As the sentence is printed, at fixed y more noise reduces k+ / k-, flat over sharp: change of the log.",
            "falls",
            falls(ANY),
            rate_ratio_change_with_noise(theory),
        ),
        Claim(
            "final_p_flat_rises",
            "II G, Fig. 6B",
            "Yet the share of runs that end in the flat valley rises with the noise.",
            "rises",
            rises(ANY),
            final_p_flat_rise(occupancy, runs, new_rng(), resamples),
        ),
        Claim(
            "y_freeze",
            "II G, Eq. 25",
            "The freezing point y_freeze rises with Delta_S.",
            "rises throughout",
            rises(MONOTONE),
            trend_of_closed_form(theory["y_freeze"], theory["delta_S"]),
        ),
        Claim(
            "transient_with_noise",
            "II G, Eq. 26, Fig. 6C",
            "The transient P_flat rises with Delta_S, at every gamma above 1.",
            "rises throughout",
            rises(MONOTONE),
            trend_of_closed_form(transient, theory["delta_S"]),
        ),
        Claim(
            "transient_with_gamma",
            "II G, Eq. 26, Fig. 6C",
            "The transient P_flat rises with the flatness ratio gamma, at every Delta_S.",
            "rises throughout",
            rises(MONOTONE),
            trend_of_closed_form(theory["p_flat_transient"].T, theory["gamma"]),
        ),
        Claim(
            "transient_theory",
            "II G, Eq. 26; Fig. 6C",
            "Eq. 26 gives the share of runs that end in the flat valley.",
            "no difference",
            Equal(0.0, tolerance=0.02),
            transient_deviation(theory, occupancy, runs),
        ),
    ]
