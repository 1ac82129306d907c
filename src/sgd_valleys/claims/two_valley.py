"""Effects in the simulation of Fig. 6B, compared with the theory of the two-valley model (Secs. II F and G)."""

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.controls import Measured
from sgd_valleys.claims.estimates import Arrays, NewSampling, Sampling, not_measured
from sgd_valleys.claims.verdict import Control, Estimate


def measure(
    theory: Arrays, occupancy: Arrays, runs: int, new_sampling: NewSampling, isotropic: Estimate | None = None
) -> Measured:
    """Compare the simulated P_flat with the theory, from arrays of theory.h5 and occupancy.h5.

    ``runs`` is the number of runs of each noise level. ``isotropic`` is P_flat simulated with isotropic noise.
    """
    lowest = estimates.fraction_of_runs(occupancy["p_flat"][:, -1].min(), runs)
    beside = [] if isotropic is None else [isotropic.as_control("simulated with isotropic noise")]
    found = {
        "above_equilibrium": lowest.beside(
            *beside, Control("Boltzmann's share at one temperature", float(theory["p_flat_boltzmann"]))
        ),
        "theory_until_freezing": deviation_until_freezing(theory, occupancy, runs, new_sampling()).beside(
            Control("standard error of P_flat", float(occupancy["p_flat_error"].mean()))
        ),
        "transient_theory": transient_deviation(theory, occupancy, runs),
        "final_p_flat_rises": final_p_flat_rise(occupancy, runs, new_sampling()),
    }
    return found, {"equilibrium": float(theory["p_flat_equilibrium"])}


def final_p_flat_rise(occupancy: Arrays, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the final P_flat at the strongest noise minus that at the weakest."""
    order = np.argsort(occupancy["delta_S"])
    strongest, weakest = occupancy["p_flat"][order[[-1, 0]], -1]
    return estimates.fraction_difference((strongest, weakest), (runs, runs), sampling)


def deviation_until_freezing(theory: Arrays, occupancy: Arrays, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the root mean square over time of simulated P_flat minus Eq. 22, until y_freeze; the largest over noise.

    The sampling variance of the simulation is subtracted. The resamples shift all times of a noise level together,
    because all times come from the same runs.
    """
    method = "without the sampling variance, binomial error"
    every = (until_freezing(theory, occupancy, k) for k in range(len(occupancy["delta_S"])))
    levels = [(off, error) for off, error in every if len(off)]
    if not levels:
        return not_measured("no recorded time", method)

    def deviation(shift: float) -> float:
        return max(root_mean_square(off + shift * error, error) for off, error in levels)

    resampled = np.array([deviation(shift) for shift in sampling.rng.standard_normal(sampling.resamples)])
    found = float(deviation(0.0))
    between = estimates.interval_including_estimate(resampled, found)
    return Estimate(found, between, f"{len(levels)} noise levels", method, runs)


def until_freezing(theory: Arrays, occupancy: Arrays, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return simulated P_flat minus Eq. 22 (time) of noise level ``k`` until y_freeze, and its standard error.

    Without a freezing point the times are those of the whole course.
    """
    delta_S, y = occupancy["delta_S"][k], occupancy["mean_y"][k]
    inside = (y >= theory["along"][0]) & (y <= min(theory["along"][-1], freezing_point(theory, delta_S)))
    inside[0] = False  # at the start, half of the runs are in each valley
    off = occupancy["p_flat"][k][inside] - stationary_p_flat(theory, delta_S, y[inside])
    return off, occupancy["p_flat_error"][k][inside]


def freezing_point(theory: Arrays, delta_S: float) -> float:
    """Return y_freeze of Eq. 25, interpolated in the logarithm of Delta_S; NaN where Eq. 25 has no freezing point."""
    return float(_at_delta_S(theory, "y_freeze", delta_S))


def stationary_p_flat(theory: Arrays, delta_S: float, y: np.ndarray) -> np.ndarray:
    """Return P_flat of Eq. 22 at y (time), interpolated; ``delta_S`` is one of ``course_delta_S``."""
    course = np.abs(theory["course_delta_S"] - delta_S).argmin()
    return np.interp(y, theory["along"], theory["p_flat_stationary"][course])


def root_mean_square(off: np.ndarray, error: np.ndarray) -> float:
    """Return the root mean square of deviations (time) with standard errors, without their sampling variance."""
    return float(np.sqrt(max(0.0, (off**2 - error**2).mean()))) if len(off) else np.nan


def transient_deviation(theory: Arrays, occupancy: Arrays, runs: int) -> Estimate:
    """Estimate the simulated final P_flat minus Eq. 26; the largest in absolute value over the noise levels."""
    expected = _at_delta_S(theory, "p_flat_transient_here", occupancy["delta_S"])
    p_flat = occupancy["p_flat"][:, -1]
    k = int(np.abs(p_flat - expected).argmax())
    found = estimates.fraction_of_runs(p_flat[k], runs)
    low, high = (float(bound - expected[k]) for bound in found.interval)
    difference = float(p_flat[k] - expected[k])
    estimate = Estimate(difference, (low, high), found.samples, "exact binomial", runs)
    return estimate.beside(Control("predicted", float(expected[k])), found.as_control("simulated"))


def _at_delta_S(theory: Arrays, name: str, delta_S: float | np.ndarray) -> np.ndarray:
    """Interpolate a quantity of the theory in the logarithm of Delta_S."""
    return np.interp(np.log(delta_S), np.log(theory["delta_S"]), theory[name])
