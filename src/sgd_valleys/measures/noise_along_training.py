"""The noise of minibatch gradients at recorded times of several runs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sgd_valleys.measures.gradient_noise import Draws, GradientNoise, exponent, gradient_noise
from sgd_valleys.networks.layers import number_of_weights
from sgd_valleys.networks.network import Network, Parameters
from sgd_valleys.progress import Progress
from sgd_valleys.storage.hdf5 import Variable

# axes after run and time, long name, and units of each measure for the cross-entropy
MEASURES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "loss": ((), "mean training loss L", "nat"),
    "covariance_trace": ((), "trace of the covariance C of the samples' gradients", "nat^2"),
    "hessian_trace": ((), "trace of the Hessian H", "nat"),
    "covariance_norm": ((), "Frobenius norm of C", "nat^2"),
    "hessian_norm": ((), "Frobenius norm of H", "nat"),
    "gauss_newton_norm": ((), "Frobenius norm of the Gauss-Newton matrix G", "nat"),
    "hessian_overlap": ((), "Frobenius cosine of C and H", "1"),
    "gauss_newton_overlap": ((), "Frobenius cosine of C and G", "1"),
    "power": ((), "power of the noise along the curvature, Tr(H C)", "nat^3"),
    "relative_power": ((), "Tr(H C) over that of isotropic noise of equal trace, P Tr(H C) / (Tr H Tr C)", "1"),
    "eigenvalue": (("rank",), "largest eigenvalues of H", "nat"),
    "eigenvector_noise": (("rank",), "v^T C v along the top eigenvectors v of H", "nat^2"),
    "top_share": ((), "share of Tr C in the span of the top eigenvectors of H", "1"),
    "direction_curvature": (("direction",), "v^T H v along random directions v", "nat"),
    "direction_noise": (("direction",), "v^T C v along random directions v", "nat^2"),
    "eigenvector_exponent": ((), "exponent p of v^T C v ~ lambda^p over the top eigenvectors of H", "1"),
    "direction_exponent": ((), "exponent p of v^T C v ~ (v^T H v)^p over the random directions", "1"),
    "predicted_trace": ((), "trace, predicted covariance of a minibatch gradient", "nat^2"),
    "measured_trace": ((), "trace, measured covariance of minibatch gradients", "nat^2"),
    "predicted_eigenvalue": (
        ("rank",),
        "largest eigenvalues, predicted covariance of a minibatch gradient",
        "nat^2",
    ),
    "measured_eigenvalue": (
        ("rank",),
        "largest eigenvalues, measured covariance of minibatch gradients",
        "nat^2",
    ),
}


def along_training(
    network: Network,
    samples: tuple[np.ndarray, np.ndarray],
    parameters_at: Callable[[int, int], Parameters],
    shape: tuple[int, int],
    B: int,
    settings: Mapping[str, Any],
    log: logging.Logger,
) -> list[list[GradientNoise]]:
    """Measure the noise of several runs of a cell at recorded times, with the same directions and minibatches.

    Args:
        network: the architecture.
        samples: training images (sample, ...) in the network's form, and their classes (sample).
        parameters_at: returns the parameters at positions (run, time).
        shape: numbers of runs and of times.
        B: batch size of the cell. The minibatches contain all images if there are fewer than B.
        settings: ``layers``, ``biases``, ``loss`` (cross-entropy by default), ``N``, ``tolerance``, ``directions``,
            ``minibatches`` and ``seed``.
        log: receives the progress.

    Returns:
        measures by run, then by time.
    """
    inputs, labels = samples[0].astype(np.float64), samples[1]
    own = {name: settings[name] for name in ("layers", "biases", "N", "tolerance")}
    size = number_of_weights(network, settings["layers"], settings["biases"])
    counts = {name: settings[name] for name in ("directions", "minibatches")}
    draws = Draws.of(settings["seed"], size=size, M=len(labels), B=min(B, len(labels)), **counts)
    progress, runs, times = Progress(shape[0] * shape[1], "checkpoints", log), range(shape[0]), range(shape[1])

    def measure(run: int, time: int) -> GradientNoise:
        exact = {name: array.astype(np.float64) for name, array in parameters_at(run, time).items()}
        found = gradient_noise(
            network, exact, (inputs, labels), draws, loss=settings.get("loss", "cross_entropy"), **own
        )
        progress()
        return found

    return [[measure(run, time) for time in times] for run in runs]


def noise_variables(found: Sequence[Sequence[GradientNoise]]) -> dict[str, Variable]:
    """Describe measures by run and time for ``hdf5.write``, with the exponents of Tr C in L and Tr H along each run."""
    axes = ("realization", "time")
    stacked = {name: np.array([[getattr(each, name) for each in run] for run in found]) for name in MEASURES}
    variables = {
        name: Variable((*axes, *own), stacked[name], text, units) for name, (own, text, units) in MEASURES.items()
    }
    for name, text in (("loss", "L^p"), ("hessian_trace", "(Tr H)^p")):
        p = [exponent(*pair) for pair in zip(stacked[name], stacked["covariance_trace"], strict=True)]
        variables[f"{name}_exponent"] = Variable(axes[:1], np.array(p), f"exponent p of Tr C ~ {text} along the run")
    return variables
