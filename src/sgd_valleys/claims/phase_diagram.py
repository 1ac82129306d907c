"""Claims about the phase diagrams of the two-valley model (Sec. II E and G, Figs. 5 and S6)."""

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import BINOMIAL, Arrays, NewSampling, Sampling, not_measured, resampled_correlation
from sgd_valleys.claims.statements import make_claims
from sgd_valleys.claims.verdict import Claim, Estimate
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation

AXES = {"eta": "the learning rate", "sigma": "the noise strength"}
DIAGRAMS = {  # by the noise: placeholders of its statements
    "H": {"covariance": "H", "p_flat_figure": "Fig. 5C", "freezing_figure": "Fig. 5D"},
    "H2": {"covariance": "H^2", "p_flat_figure": "Fig. S6", "freezing_figure": "Fig. S6"},
}
FROZEN_BEFORE = 0.9  # fraction of the iterations; a cell has frozen if its mean last change of valley is earlier


def collect(diagram: Arrays, runs: int, iterations: int, noise: str, new_sampling: NewSampling) -> list[Claim]:
    """Collect the claims about Fig. 5C and D or about Fig. S6, from arrays of phase_diagram_*.h5.

    ``runs`` is the number of runs of each cell, ``iterations`` the length of each run, ``noise`` the covariance of the
    noise, ``H`` or ``H2``. There is no claim where no learning rate is stable.
    """
    if not diagram["stable"].any():
        return []
    diagram = {name: array if name == "sigma" else array[diagram["stable"]] for name, array in diagram.items()}
    has_frozen = diagram["freezing_time"] <= FROZEN_BEFORE * iterations
    frozen = diagram | {"p_flat": np.where(has_frozen, diagram["p_flat"], np.nan)}
    names = {"noise": noise, **DIAGRAMS[noise]}
    claims = []
    for axis, axis_name in AXES.items():
        measured = {
            f"p_flat_with_{axis}_{noise}": p_flat_trend(diagram, axis, runs, new_sampling()),
            f"p_flat_with_{axis}_{noise}_frozen": p_flat_trend(frozen, axis, runs, new_sampling()),
            f"freezing_with_{axis}_{noise}": freezing_trend(diagram, axis, runs, new_sampling()),
        }
        claims += make_claims("phase_diagram_axes", measured, **names, axis=axis, axis_name=axis_name)
    finished = int(runs - diagram["diverged"][-1, -1])
    measured = {
        f"p_flat_transition_{noise}": corner_difference(diagram, runs, new_sampling()),
        f"stable_bias_{noise}": estimates.fraction_of_runs(diagram["p_flat"][-1, -1], finished),
        f"y_freeze_simulated_{noise}": y_freeze_trend(diagram, runs, new_sampling()),
    }
    return claims + make_claims("phase_diagram", measured, **names)


def p_flat_trend(diagram: Arrays, axis: str, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the rank correlation of P_flat with the axis ``eta`` or ``sigma`` at fixed other axis."""
    p_flat = diagram["p_flat"]
    resampled = sampling.fractions(p_flat, runs - diagram["diverged"])
    samples = f"{np.isfinite(p_flat).sum()} cells of {runs} runs"
    return _axis_trend(diagram, axis, (p_flat, resampled), samples, BINOMIAL, runs)


def freezing_trend(diagram: Arrays, axis: str, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the rank correlation of eta <t_freeze> with an axis, resampled by its standard errors."""
    time, error = (diagram["eta"][:, None] * diagram[name] for name in ("freezing_time", "freezing_time_error"))
    resampled = time + sampling.errors(np.where(np.isfinite(error), error, 0))
    samples = f"{time.size} cells of {runs} runs"
    return _axis_trend(diagram, axis, (time, resampled), samples, "resampled by standard errors", runs)


def _axis_trend(
    diagram: Arrays, axis: str, values: tuple[np.ndarray, np.ndarray], samples: str, method: str, runs: int
) -> Estimate:
    """Correlate a map and its resamples, ``values``, with an axis."""

    def correlate(maps: np.ndarray) -> np.ndarray:
        return axis_correlation(maps, diagram[axis], list(AXES).index(axis))

    method = f"mean rank correlation at fixed other axis, {method}"
    return resampled_correlation(*values, correlate, samples, method, runs)


def corner_difference(diagram: Arrays, runs: int, sampling: Sampling) -> Estimate:
    """Estimate P_flat at the largest eta and sigma less P_flat at the smallest."""
    corners = [-1, 0], [-1, 0]
    p_flat, counts = (tuple(array[corners]) for array in (diagram["p_flat"], runs - diagram["diverged"]))
    return estimates.fraction_difference(p_flat, counts, sampling)


def y_freeze_trend(diagram: Arrays, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the rank correlation of the mean y at the last change of valley with Delta_S = eta sigma."""
    delta_S = (diagram["eta"][:, None] * diagram["sigma"]).ravel()
    y, error = diagram["freezing_y"].ravel(), diagram["freezing_y_error"].ravel()
    known = np.isfinite(y) & np.isfinite(error)
    method = "rank correlation with Delta_S, resampled by standard errors"
    if known.sum() < 2:
        return not_measured("no cell where runs change valley", method)
    x, y = delta_S[known], y[known]
    resampled = y + sampling.errors(error[known])
    samples = f"{known.sum()} cells of {runs} runs"
    return resampled_correlation(y, resampled, lambda values: rank_correlation(x, values), samples, method, runs)
