"""Compare the covariance of the gradient noise with the Hessian, Eq. 15, along training (control C2).

By Eq. 15 the covariance C of the samples' gradients is proportional to the Hessian H, with a constant factor. Power
laws along runs test the shape and the factor. If Tr C falls with the loss, the noise vanishes as training proceeds.
Vanishing noise, which a constant factor excludes, would then be a rival cause of freezing beside growing barriers.
"""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from sgd_valleys.controls.text import format_interval
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import interval
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.reduce import finite_mean
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import Cell, files_by_cell, join_stacks, locate_cell
from sgd_valleys.storage.hdf5 import Variable

CONTROL = 2
ALONG = {  # long name, and axes after (realization, time), of the measures that are copied
    "loss": ((), "mean training loss L"),
    "covariance_trace": ((), "trace of the covariance C of the samples' gradients"),
    "hessian_trace": ((), "trace of the Hessian H"),
    "eigenvalue": (("rank",), "largest eigenvalues of H"),
    "eigenvector_noise": (("rank",), "v^T C v along the top eigenvectors v of H"),
}
DERIVED = ("hessian_overlap", "hessian_norm", "power", "relative_power")
COMPARED = ("predicted_trace", "measured_trace", "predicted_eigenvalue", "measured_eigenvalue")
PHASES = {"all": "all times", "before": "before t_freeze", "after": "from t_freeze on"}
NUMBERS = {  # long names of the headline numbers; the first four have the axis "phase"
    "loss_exponent": "exponent p of Tr C ~ L^p along a run",
    "hessian_trace_exponent": "exponent p of Tr C ~ (Tr H)^p along a run",
    "eigenvector_exponent": "exponent p of v^T C v ~ lambda^p over eigenvectors v of H",
    "mean_overlap": "Frobenius cosine of C and H",
    "noise_left": "Tr C at the end over that at t_freeze",
    "factor_left": "Tr C / Tr H at the end over that at t_freeze",
    "trace_ratio": "trace of the measured over the predicted covariance of a minibatch gradient",
    "eigenvalue_ratio": "largest eigenvalue of the measured over that of the predicted covariance",
}


class Estimate(NamedTuple):
    """A mean over runs, with the lower and the upper end of its central 95% interval over runs."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __str__(self) -> str:
        """Format a single number with its interval."""
        return format_interval(*map(float, self))


def exponent_along_runs(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, resamples: int) -> Estimate:
    """Return the exponent p of y ~ x^p along each run, mean over runs, with its interval over runs.

    Points of ``x`` and ``y`` (run, time) where either is not positive and finite are left out.
    """
    slopes = np.array([_slope(*pair) for pair in zip(x, y, strict=True)])
    return Estimate(*interval(slopes, rng, resamples))


def curvature_exponents(curvature: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return p of v^T C v ~ lambda^p over the eigenvectors v of H at each point of training.

    Args:
        curvature: (run, time, rank) eigenvalues lambda of H.
        noise: (run, time, rank) v^T C v.

    Returns:
        (run, time), 1 for C ~ H and 2 for C ~ H^2; NaN where fewer than two eigenvalues are positive.
    """
    return np.array([[_slope(*pair) for pair in zip(*run, strict=True)] for run in zip(curvature, noise, strict=True)])


def isotropic_overlap(trace: np.ndarray, norm: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the Frobenius cosine of H and isotropic noise, Tr H / (sqrt(P) |H|), the null of the overlap of C and H.

    ``trace`` is Tr H, ``norm`` the Frobenius norm |H|, and ``size`` the number P of parameters; shapes broadcast.
    """
    return trace / (np.sqrt(size) * norm)


def noise_left(
    iteration: np.ndarray, trace: np.ndarray, t_freeze: np.ndarray, rng: np.random.Generator, resamples: int
) -> Estimate:
    """Return Tr C at the end over Tr C at t_freeze, geometric mean over runs; 1 for noise that does not decay.

    Args:
        iteration: (time) measured iterations.
        trace: (run, time) Tr C, or Tr C / Tr H. Between times its logarithm is interpolated linearly.
        t_freeze: (run) in iterations; NaN for a run that does not freeze, which is left out.
        rng: draws runs.
        resamples: number of resamples.
    """
    logs = _log(trace)
    frozen = np.isfinite(t_freeze)
    at = [np.interp(time, iteration, run) for time, run in zip(t_freeze[frozen], logs[frozen], strict=True)]
    left = np.full(len(trace), np.nan)
    left[frozen] = logs[frozen, -1] - np.array(at)
    return Estimate(*np.exp(interval(left, rng, resamples)))


def over_prediction(measured: np.ndarray, predicted: np.ndarray, rng: np.random.Generator, resamples: int) -> Estimate:
    """Return the measured over the predicted covariance of a minibatch gradient, geometric mean over times and runs.

    Args:
        measured: (run, time) trace or eigenvalue.
        predicted: (run, time) that of (1/B - 1/M) C M/(M - 1).
        rng: draws runs.
        resamples: number of resamples.
    """
    return Estimate(*np.exp(interval(finite_mean(_log(measured) - _log(predicted)), rng, resamples)))


def _log(values: np.ndarray) -> np.ndarray:
    usable = np.isfinite(values) & (values > 0)
    return np.log(np.where(usable, values, np.nan))


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Return the exponent p of y ~ x^p over points (point); NaN for fewer than two usable points."""
    x, y = _log(x), _log(y)
    used = np.isfinite(x) & np.isfinite(y)
    return fit_line(x[used], y[used])[0] if used.sum() > 1 else np.nan


def analyze(
    files: Mapping[str, str | list[str]], settings: Mapping[str, Any], log: logging.Logger
) -> dict[str, Variable]:
    """Compute the numbers of Fig. C2.

    Args:
        files: ``gradient_noise``, a list, of which the cell with the most measured runs is used; ``freezing``.
        settings: ``seed`` and ``resamples``.
        log: receives the headline numbers.
    """
    rng, resamples = stream(settings["seed"], Stage.CONTROLS, CONTROL), settings["resamples"]
    (eta, B), found = _read_runs(list(files["gradient_noise"]))
    iteration, trace = found["iteration"], found["covariance_trace"]
    t_freeze = _read_freezing(str(files["freezing"]), eta, B, found["realization"])

    frozen = iteration >= t_freeze[:, None]  # False at all times for a run that does not freeze
    phases = dict(zip(PHASES, (np.ones_like(frozen), ~frozen, frozen), strict=True))
    slopes = curvature_exponents(found["eigenvalue"], found["eigenvector_noise"])
    # relative_power is power / (Tr H Tr C / P), with P parameters
    size = found["relative_power"] * found["hessian_trace"] * trace / found["power"]
    null = isotropic_overlap(found["hessian_trace"], found["hessian_norm"], size)
    ratios = {
        "trace": (found["measured_trace"], found["predicted_trace"]),
        "eigenvalue": (found["measured_eigenvalue"][..., 0], found["predicted_eigenvalue"][..., 0]),
    }

    def estimate(values: np.ndarray) -> Estimate:
        return Estimate(*interval(values, rng, resamples))

    by_phase = {
        "loss_exponent": [
            exponent_along_runs(np.where(phase, found["loss"], np.nan), trace, rng, resamples)
            for phase in phases.values()
        ],
        "hessian_trace_exponent": [
            exponent_along_runs(np.where(phase, found["hessian_trace"], np.nan), trace, rng, resamples)
            for phase in phases.values()
        ],
        "eigenvector_exponent": [estimate(finite_mean(np.where(phase, slopes, np.nan))) for phase in phases.values()],
        "mean_overlap": [
            estimate(finite_mean(np.where(phase, found["hessian_overlap"], np.nan))) for phase in phases.values()
        ],
    }
    single = {
        "noise_left": noise_left(iteration, trace, t_freeze, rng, resamples),
        "factor_left": noise_left(iteration, trace / found["hessian_trace"], t_freeze, rng, resamples),
        **{f"{name}_ratio": over_prediction(*pair, rng, resamples) for name, pair in ratios.items()},
    }
    for name, estimates in by_phase.items():
        for phase, each in zip(PHASES.values(), estimates, strict=True):
            log.info(f"{NUMBERS[name]}, {phase}: {each}")
    for name, each in single.items():
        log.info(f"{NUMBERS[name]}: {each}")
    log.info(f"{len(trace)} runs of eta = {eta:g}, B = {B}, of which {np.isfinite(t_freeze).sum()} freeze")

    run, along = ("realization",), ("realization", "time")
    curves = {
        "eigenvector_slope": (slopes, "exponent p of v^T C v ~ lambda^p over the top eigenvectors v of H"),
        "overlap": (found["hessian_overlap"], "Frobenius cosine of C and H"),
        "isotropic_overlap": (null, "Frobenius cosine of H and isotropic noise"),
        **{f"{name}_over_prediction": (m / p, NUMBERS[f"{name}_ratio"]) for name, (m, p) in ratios.items()},
    }
    units = {name: variable.units for name, variable in hdf5.describe(files["gradient_noise"][0]).items()}
    return {
        **hdf5.coordinates(realization=found["realization"]),
        "cell_eta": Variable((), eta, "learning rate of the runs"),
        "cell_B": Variable((), B, "batch size of the runs", "samples"),
        "iteration": Variable(("time",), iteration, "iteration t", "iterations"),
        "freezing_time": Variable(run, t_freeze, "freezing time t_freeze, Eq. 7", "iterations"),
        **{name: Variable((*along, *own), found[name], text, units[name]) for name, (own, text) in ALONG.items()},
        **{name: Variable(along, values, text) for name, (values, text) in curves.items()},
        **{
            name: Variable(("phase", "estimate"), np.array(each), f"{NUMBERS[name]}: mean, low, high")
            for name, each in by_phase.items()
        },
        **{
            name: Variable(("estimate",), np.array(each), f"{NUMBERS[name]}: mean, low, high")
            for name, each in single.items()
        },
    }


def _read_runs(paths: list[str]) -> tuple[Cell, dict[str, np.ndarray]]:
    """Read the cell with the most measured runs: its (eta, B), and its measures (realization, time, ...) by name."""
    cells = {
        cell: join_stacks(own, ["iteration", *ALONG, *DERIVED, *COMPARED]) for cell, own in files_by_cell(paths).items()
    }
    return max(cells.items(), key=lambda each: len(each[1]["realization"]))


def _read_freezing(path: str, eta: float, B: int, realization: np.ndarray) -> np.ndarray:
    """Read the freezing times (realization) of runs of a cell in iterations, at the first threshold, that of Eq. 7."""
    found = hdf5.read(path, ["eta", "B", "freezing_time"])
    i, j = locate_cell(found["eta"], found["B"], eta, B)
    return found["freezing_time"][0, i, j, realization]
