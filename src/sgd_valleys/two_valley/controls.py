"""Control C9 of the two-valley model: P_flat against Delta_S = eta sigma, with one property of the model changed.

The reference has the noise of Eq. 15. All arms of a control run for the same time eta t, and arms of different learning
rates are therefore compared at equal time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import binomtest, chi2_contingency

from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.langevin import simulate
from sgd_valleys.two_valley.phase_diagram import FreezingThresholds, freezing_state, summarize_cell
from sgd_valleys.two_valley.theory import tau_x_max

CONTROLS = {  # the property that each control changes
    "y": "y of the start",
    "noise": "noise law, the covariance of the noise",
    "gamma": "ratio of flatness gamma, at the landscape's x2",
    "decay": "decay of the noise: constant, or sigma in proportion to the loss",
    "eta": "learning rate",
}
MEASURES = {  # long name and unit
    "flat": ("number of runs that end at x > 0", "1"),
    "finite": ("number of runs that have not diverged", "1"),
    "p_flat": ("fraction of runs that end at x > 0", "1"),
    "p_flat_low": ("lower end of the 95% interval of p_flat over runs, by Wilson", "1"),
    "p_flat_high": ("upper end of this interval", "1"),
    "changed_relaxed": ("fraction of runs that change valley after eta t = tau_x_max of Eq. A7", "1"),
    "late": ("fraction of these whose last change comes after freezing.late times the iterations", "1"),
    "freezing_y": ("mean y at the last change of valley, of the runs with one", "1"),
    "freezing_y_error": ("standard error of freezing_y", "1"),
}


@dataclass(frozen=True)
class Arm:
    """Model of one arm, without its Delta_S."""

    landscape: Landscape
    eta: float
    noise: str
    start: tuple[float, float]
    sigma_scale: float = 1.0  # over Delta_S/eta


def make_arm(reference: Arm, control: str, value: Any) -> Arm:
    """Return the reference with the property of a control, a key of ``CONTROLS``, changed to ``value``.

    gamma = (x1/x2)^2 changes x1 alone. With decay "loss" the covariance is 2 sigma L/L* H. L is the loss at the point,
    and L* is the loss on the ridge at the y of the start. At the start, which is close to the ridge, the noise is
    therefore about as strong as in the reference.

    Raises:
        ValueError: the control, or the value of decay, is unknown.
    """
    landscape, (x, y) = reference.landscape, reference.start
    match control, value:
        case "y", _:
            return replace(reference, start=(x, float(value)))
        case (("noise" | "eta"), _):
            return replace(reference, **{control: value})
        case "gamma", _:
            return replace(reference, landscape=replace(landscape, x1=landscape.x2 * float(np.sqrt(value))))
        case "decay", "constant":
            return reference
        case "decay", "loss":
            return replace(reference, noise="H-loss", sigma_scale=1 / float(landscape.L_0(y)))
    raise ValueError(
        f"{control} = {value}: unknown control; allowed are {', '.join(CONTROLS)}, and constant or loss for decay; "
        "choose one of these."
    )


def simulate_arm(
    arm: Arm, delta_S: float, *, runs: int, time: float, seed: int, thresholds: FreezingThresholds
) -> dict[str, float]:
    """Return the ``MEASURES`` of the runs of one arm at one Delta_S, after ``time`` = eta t."""
    iterations = round(time / arm.eta)
    sigma = arm.sigma_scale * delta_S / arm.eta
    done = simulate(
        arm.landscape, arm.eta, sigma, noise=arm.noise, runs=runs, iterations=iterations, start=arm.start, seed=seed
    )
    found = summarize_cell(done, iterations, tau_x_max(arm.landscape) / arm.eta, thresholds.late)
    flat, finite = int((done.x > 0).sum()), int(np.isfinite(done.x).sum())
    low, high = binomial_interval(flat, finite)
    found |= {"flat": flat, "finite": finite, "p_flat_low": low, "p_flat_high": high}
    return {name: found[name] for name in MEASURES}


def binomial_interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95% interval of a probability from ``count`` of ``total`` runs, by Wilson; NaN without runs."""
    if not total:
        return np.nan, np.nan
    interval = binomtest(count, total).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def spread_between_arms(flat: np.ndarray, finite: np.ndarray) -> tuple[float, int, float]:
    """Return the largest difference of P_flat between two arms at one Delta_S, where it is, and its p-value.

    The null is that all arms have the same P_flat at every Delta_S. The p-value is the smallest of the chi-squared
    tests of homogeneity, one for every Delta_S, multiplied by their number (Bonferroni).

    Args:
        flat: (arm, delta_S) number of runs that end at x > 0.
        finite: (arm, delta_S) number of runs.

    Returns:
        the difference, the index of its Delta_S, and the p-value; NaN, 0 and 1 where no two arms have runs.
    """
    p_flat = np.divide(flat, finite, out=np.full(np.shape(flat), np.nan), where=np.asarray(finite) > 0)
    spread = np.array([np.ptp(each[np.isfinite(each)]) if np.isfinite(each).sum() > 1 else np.nan for each in p_flat.T])
    if np.isnan(spread).all():
        return np.nan, 0, 1.0
    p_values = []
    for ends, runs in zip(np.transpose(flat), np.transpose(finite), strict=True):
        table = np.stack([ends, runs - ends])[:, runs > 0]
        p_values.append(chi2_contingency(table).pvalue if table.shape[1] > 1 and table.any(axis=1).all() else 1.0)
    return float(np.nanmax(spread)), int(np.nanargmax(spread)), float(min(1.0, min(p_values) * len(p_values)))


def tabulate(
    delta_S: np.ndarray, cells: list[list[Mapping[str, float]]], thresholds: FreezingThresholds
) -> dict[str, Variable]:
    """Return the variables (arm, delta_S) of a control from the results of `simulate_arm`."""
    table = {name: np.array([[cell[name] for cell in row] for row in cells]) for name in MEASURES}
    enough, frozen = freezing_state(table["changed_relaxed"], table["late"], thresholds)
    dims = ("arm", "delta_S")
    return {
        "delta_S": Variable(("delta_S",), delta_S, "effective noise Delta_S = eta sigma"),
        **{name: Variable(dims, table[name], *text) for name, text in MEASURES.items()},
        "enough_changes": Variable(dims, enough, "whether enough runs change valley to speak of freezing"),
        "frozen": Variable(dims, frozen, "whether nearly all of these runs last change valley well before their end"),
    }
