"""Effects in the phase diagrams and the controls of the two-valley model (Sec. II E, Figs. 5 and S6, control C9)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import (
    BINOMIAL,
    Arrays,
    NewSampling,
    Sampling,
    not_measured,
    resampled_correlation,
    weakest,
)
from sgd_valleys.claims.permutations import axis_permutation_p
from sgd_valleys.claims.verdict import NO_INTERVAL, Estimate
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation

AXES = {"eta": "eta at fixed sigma", "sigma": "sigma at fixed eta"}
COVARIANCES = {"H": "H", "H2": "H^2"}  # of the noise, by its setting


def measure(diagrams: Sequence[tuple[Arrays, int, str]], new_sampling: NewSampling) -> dict[str, Estimate]:
    """Measure the trends of the phase diagrams of Figs. 5C, D and S6.

    ``diagrams`` are the arrays of phase_diagram_*.h5, the number of runs of each cell, and the noise. A claim concerns
    the weakest trend over all axes and noise laws. The other numbers are of the first diagram of each of
    ``COVARIANCES``. Diagrams without a stable learning rate are left out.
    """
    trends: dict[str, dict[str, Estimate]] = {"p_flat_rises": {}, "freezing_rises": {}}
    others: dict[str, Estimate] = {}
    for diagram, runs, noise in diagrams:
        if not diagram["stable"].any():
            continue
        diagram = {name: array if name == "sigma" else array[diagram["stable"]] for name, array in diagram.items()}
        frozen = _frozen_cells(diagram)
        for axis, text in AXES.items():
            name = f"{text}, noise as {COVARIANCES.get(noise, noise)}"
            trends["p_flat_rises"][name] = p_flat_trend(diagram, axis, runs, new_sampling())
            trends["freezing_rises"][name] = freezing_trend(frozen, axis, runs, new_sampling())
        finished = int(runs - diagram["diverged"][-1, -1])
        if f"stable_bias_{noise}" in others or noise not in COVARIANCES:
            continue
        others |= {
            f"p_flat_transition_{noise}": corner_difference(diagram, runs, new_sampling()),
            f"stable_bias_{noise}": estimates.fraction_of_runs(diagram["p_flat"][-1, -1], finished),
            f"y_freeze_simulated_{noise}": y_freeze_trend(frozen, runs, new_sampling()),
            f"changing_cells_{noise}": share_of_cells(diagram["enough_changes"]),
            f"frozen_cells_{noise}": share_of_cells(diagram["frozen"][diagram["enough_changes"]]),
        }
    return {key: weakest(by_name) for key, by_name in trends.items() if by_name} | others


def gamma_trend(control: Arrays, gamma: Sequence[float], sampling: Sampling) -> Estimate:
    """Estimate the mean rank correlation of P_flat with gamma at fixed Delta_S, from the arms of control C9.

    The control is P_flat at the smallest gamma over all Delta_S, which is 1/2 for gamma = 1.
    """
    p_flat, at = control["p_flat"], np.asarray(gamma, dtype=float)
    resampled = sampling.fractions(p_flat, control["finite"])
    runs = int(control["finite"].min())
    samples = f"{len(at)} values of gamma, {p_flat.shape[1]} of Delta_S, {runs} runs each"
    method = "mean rank correlation, binomial resampling of runs, permutation of gamma"

    def correlate(maps: np.ndarray) -> np.ndarray:
        return axis_correlation(maps, at, 0)

    found = resampled_correlation(p_flat, resampled, correlate, samples, method, runs)
    p_value = axis_permutation_p(p_flat, at, 0, *sampling)
    k = int(at.argmin())
    equal = estimates.proportion(int(control["flat"][k].sum()), int(control["finite"][k].sum()), "runs")
    return replace(found, p_value=p_value).beside(equal.as_control(f"P_flat at gamma = {at[k]:g}"))


def isotropic_share(control: Arrays, noise: Sequence[str]) -> Estimate | None:
    """Estimate P_flat under isotropic noise, from the arms of control C9; None without such an arm.

    The runs are those of the Delta_S at which enough runs change valley. A run without a change only shows its start.
    """
    if "isotropic" not in noise:
        return None
    k = list(noise).index("isotropic")
    used = control["enough_changes"][k].astype(bool)
    flat, finite = (int(control[name][k][used].sum()) for name in ("flat", "finite"))
    return estimates.proportion(flat, finite, "runs")


def _frozen_cells(diagram: Arrays) -> dict[str, np.ndarray]:
    """Return a diagram whose measures are NaN where a cell is not frozen; see ``two_valley.phase_diagram``."""
    measures = "p_flat", "freezing_time", "freezing_time_error", "freezing_y", "freezing_y_error"
    return {**diagram, **{name: np.where(diagram["frozen"], diagram[name], np.nan) for name in measures}}


def share_of_cells(chosen: np.ndarray) -> Estimate:
    """Return the share of the cells (...) that are ``chosen``; it has no interval, since cells are no sample."""
    if not chosen.size:
        return not_measured("no cells", "share of cells")
    return Estimate(float(chosen.mean()), NO_INTERVAL, f"{chosen.sum()} of {chosen.size} cells", "share of cells", 0)


def p_flat_trend(diagram: Arrays, axis: str, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the rank correlation of P_flat with the axis ``eta`` or ``sigma`` at fixed other axis."""
    p_flat = diagram["p_flat"]
    resampled = sampling.fractions(p_flat, runs - diagram["diverged"])
    samples = f"{np.isfinite(p_flat).sum()} cells of {runs} runs"
    return _axis_trend(diagram, axis, (p_flat, resampled), samples, BINOMIAL, runs, sampling)


def freezing_trend(diagram: Arrays, axis: str, runs: int, sampling: Sampling) -> Estimate:
    """Estimate the rank correlation of eta <t_freeze> with an axis, resampled by its standard errors.

    The mean time is over the runs that change valley. The estimate names their number.
    """
    time, error = (diagram["eta"][:, None] * diagram[name] for name in ("freezing_time", "freezing_time_error"))
    resampled = time + sampling.errors(np.where(np.isfinite(error), error, 0))
    known = np.isfinite(time)
    changed = round(float((diagram["changed"] * runs)[known].sum()))
    samples = f"{known.sum()} cells of {runs} runs, of which {changed} in all change valley"
    return _axis_trend(diagram, axis, (time, resampled), samples, "resampled by standard errors", runs, sampling)


def _axis_trend(
    diagram: Arrays,
    axis: str,
    values: tuple[np.ndarray, np.ndarray],
    samples: str,
    method: str,
    runs: int,
    sampling: Sampling,
) -> Estimate:
    """Correlate a map and its resamples, ``values``, with an axis, with a permutation test of its lines."""
    at, number = diagram[axis], list(AXES).index(axis)

    def correlate(maps: np.ndarray) -> np.ndarray:
        return axis_correlation(maps, at, number)

    method = f"mean rank correlation, {method}, permutation of the axis"
    found = resampled_correlation(*values, correlate, samples, method, runs)
    return replace(found, p_value=axis_permutation_p(values[0], at, number, *sampling))


def corner_difference(diagram: Arrays, runs: int, sampling: Sampling) -> Estimate:
    """Estimate P_flat at the largest eta and sigma minus P_flat at the smallest."""
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
        return not_measured("fewer than two frozen cells", method)
    x, y = delta_S[known], y[known]
    resampled = y + sampling.errors(error[known])
    samples = f"{known.sum()} cells of {runs} runs"
    return resampled_correlation(y, resampled, lambda values: rank_correlation(x, values), samples, method, runs)
