"""Read effects from the files of the controls C1 to C4 and C7."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sgd_valleys.claims.estimates import Arrays, NewSampling, over_runs, stored, stored_control
from sgd_valleys.claims.verdict import Control, Estimate
from sgd_valleys.controls.learning_rate import QUANTITIES as OF_RATES
from sgd_valleys.controls.schedules import KINDS, classify

Words = dict[str, Any]  # numbers that fill placeholders of the statements
Measured = tuple[dict[str, Estimate], Words]
BY_RUNS = "bootstrap over runs"
FREEZING_SHARE = 0.25  # share of the run by which gradient descent has frozen; 0.16 with the settings of config.yaml


def measure_learning_rate(control: Arrays) -> dict[str, Estimate]:
    """Read control C1: SGD over gradient descent of the same eta, and exponents of noise and eta together.

    The first condition of a stable cell is that the largest Hessian eigenvalue is below 2/eta. The second condition
    requires this of the batch sharpness as well.
    """
    measured = len(control["measured_eta"]) if "measured_eta" in control else 0
    stable, cells = control["stable_effect"], int(control["stable_cells"][0])
    bounds = control["stable_effect_interval"]
    samples = f"cells of SGD below the edge: {cells}; runs measured: {measured}"
    found = {
        "noise_without_instability": stored([stable[0], *bounds[0]], samples, f"geometric mean, {BY_RUNS}").beside(
            stored_control("batch sharpness below 2/eta as well", [stable[1], *bounds[1]])
        )
    }
    for k, name in enumerate(OF_RATES):
        joint, alone = (
            [control[f"{prefix}exponent"][k], *control[f"{prefix}exponent_interval"][k]] for prefix in ("", "descent_")
        )
        of_eta, of_noise, of_descent = ([row[p] for row in rows] for rows, p in ((joint, 0), (joint, 1), (alone, 0)))
        found[f"{name}_exponent"] = stored(of_noise, "cells of SGD", f"least squares, {BY_RUNS}").beside(
            stored_control("exponent of eta in the same fit", of_eta),
            stored_control("exponent of eta along gradient descent", of_descent),
        )
    return found


def measure_noise_shape(control: Arrays) -> dict[str, Estimate]:
    """Read control C2: the covariance C of the noise and the Hessian H. The first phase contains all times."""
    runs = f"{len(control['freezing_time'])} runs of eta = {control['cell_eta']:g}, B = {int(control['cell_B'])}"
    left, trace = (stored(control[name], runs, f"geometric mean, {BY_RUNS}") for name in ("factor_left", "noise_left"))
    return {
        "noise_like_hessian": stored(control["eigenvector_exponent"][0], runs, f"mean over times, {BY_RUNS}").beside(
            stored_control("Frobenius cosine of C and H", control["mean_overlap"][0]),
            Control("cosine of isotropic noise and H", float(np.nanmean(control["isotropic_overlap"]))),
        ),
        "noise_factor": left.beside(trace.as_control("Tr C alone")),
        "noise_trace_left": trace,
        "noise_over_prediction": stored(control["trace_ratio"], runs, f"geometric mean, {BY_RUNS}"),
    }


def measure_arms(control: Arrays, training: Mapping[str, Mapping[str, Any]]) -> dict[str, Estimate]:
    """Read control C3: arms that differ in their noise alone, relative to minibatches and to no noise.

    ``training`` has the changed settings of each arm, in the order of the file. The first arm is minibatch training.
    The settings identify an arm. An effect is left out without its arm, and a share without an arm that has no noise.
    """
    runs = [f"{int(own)} and {int(control['runs'][0])} runs" for own in control["runs"]]
    names = list(training)

    def difference(k: int) -> list[float]:
        return [control["flatness_difference"][k], *control["flatness_difference_interval"][:, k]]

    def share(k: int) -> Estimate:
        values = [control["share"][k], *control["share_interval"][:, k]]
        return stored(values, runs[k], f"ratio of differences of means, {BY_RUNS}")

    def control_of(k: int, text: str) -> Control:
        return share(k).as_control(text)

    arms = {kind: k for k, name in enumerate(names) for kind in _kinds(training[name])}
    found = {}
    if "isotropic" in arms:
        found["isotropic_noise"] = stored(difference(arms["isotropic"]), runs[arms["isotropic"]], BY_RUNS)
        for kind, text in (
            ("none", "no noise minus minibatches"),
            ("covariance", "Gaussian noise of equal covariance"),
        ):
            if kind in arms:
                other = stored_control(text, difference(arms[kind]))
                found["isotropic_noise"] = found["isotropic_noise"].beside(other)
    if "share" not in control:
        return found
    if "until freezing" in arms:
        beside = [control_of(arms["until a quarter"], "noise until T/4")] if "until a quarter" in arms else []
        found["noise_until_freezing"] = share(arms["until freezing"]).beside(*beside)
    if "from a quarter" in arms:
        later = {name: classify(training[name]) for name in names}
        beside = [
            control_of(k, f"noise from {switch:g} T on")
            for k, (kind, switch) in enumerate(later.values())
            if kind == KINDS.index("noise from") and switch > FREEZING_SHARE
        ]
        found["noise_after_freezing"] = share(arms["from a quarter"]).beside(*beside)
    if "covariance" in arms:
        found["covariance_share"] = share(arms["covariance"])
    return found


def _kinds(training: Mapping[str, Any]) -> Iterator[str]:
    """Yield the kinds of an arm that effects use, from its changed settings."""
    schedule = training.get("schedule") or []
    if training in [{"noise": kind} for kind in ("none", "isotropic", "covariance")]:
        yield training["noise"]
    if len(schedule) == 2 and schedule[1].get("noise") == "none" and "loss" in _mapping(schedule[0]["until"]):
        yield "until freezing"
    kind, switch = classify(training)
    if switch == FREEZING_SHARE and kind in (KINDS.index("noise until"), KINDS.index("noise from")):
        yield "until a quarter" if kind == KINDS.index("noise until") else "from a quarter"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def measure_senses(control: Arrays) -> Measured:
    """Read control C4: F at equal training loss and at t_freeze, and measures that are invariant under rescaling."""
    B, eta, noisy = control["B"], float(control["eta"]), control["noise"] > 0
    found: dict[str, Estimate] = {}
    descent = np.flatnonzero(control["gradient_descent"])
    row = f"runs of eta = {eta:g}, {noisy.sum()} batch sizes"
    share = stored(control["mean_freezing_share"], row, f"mean over B with noise, {BY_RUNS}")
    if descent.size:
        share = share.beside(stored_control("gradient descent", control["freezing_share"][:, descent[0]]))
    found["share_at_freezing"] = share
    k = int(control["noise"].argmax())
    levels = np.flatnonzero(np.isfinite(control["level_ratio"][0, k]))
    words: Words = {"senses_eta": eta, "senses_B": int(B[k]), "level": np.nan}
    if levels.size:
        last, first = levels[-1], levels[0]
        words["level"] = float(control["level"][last])
        ratio = control["level_ratio"][:, k]
        equal = stored(ratio[:, last], f"runs of B = {B[k]}", f"ratio of means, {BY_RUNS}")
        first_level = stored_control(f"at L = {control['level'][first]:g} nat", ratio[:, first])
        found["flat_at_equal_loss"] = equal.beside(first_level)
    if (invariant := np.flatnonzero(control["invariance"] == 2)).size:
        found["flat_when_rescaled"] = _weakest_measure(control, invariant)
    return found, words


def _weakest_measure(control: Arrays, which: np.ndarray) -> Estimate:
    """Return the smallest trend with the noise at fixed eta of the measures ``which``."""
    trend = control["noise_correlation"]
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in control["measure"]]
    least = which[int(np.argmin(trend[which, 0]))]
    found = stored(trend[least], f"runs of the sweep; measures: {len(which)}", f"{names[least]}, {BY_RUNS}")
    return found.beside(
        *(stored_control(f"{names[k]}", trend[k]) for k in range(len(names)) if names[k] == "flatness_10")
    )


def measure_starts(control: Arrays, new_sampling: NewSampling) -> Measured:
    """Read control C7: the effect of the noise over initializations, and over sets of training images as the control.

    The effect of each group is a mean over the learning rates. The bootstrap resamples the groups.
    """
    is_start = control["group_of_initializations"].astype(bool)
    ratio = np.exp(np.log(control["flatness_effect"]).mean(axis=0))
    loss = control["test_file_loss_effect"].mean(axis=0)
    found = {}
    for key, values in (("initializations_flatness", ratio), ("initializations_test_loss", loss)):
        starts, images = (over_runs(values[own], new_sampling()) for own in (is_start, ~is_start))
        samples = f"{is_start.sum()} initializations"
        method = "mean, bootstrap over initializations"
        found[key] = stored([starts.value, *starts.interval], samples, method).beside(
            images.as_control(f"{(~is_start).sum()} sets of training images")
        )
    return found, {"starts_B": int(control["B"])}
