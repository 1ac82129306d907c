"""Is a run at the edge of stability? Sharpness of the whole network against 2 / eta, and along minibatch gradients.

Full-batch gradient descent with a constant eta hovers where the largest Hessian eigenvalue of all parameters is 2 / eta
(Cohen et al. 2021, arXiv 2103.00065). For SGD the curvature that a minibatch sees along its own gradient plays this
part: the batch sharpness

    E_B[ g_B^T H_B g_B / |g_B|^2 ],

with gradient and Hessian of the loss of the same minibatch (Andreyev & Beneventano 2024, arXiv 2412.20553).
"""

from dataclasses import dataclass

import numpy as np

from sgd_valleys.measures.operators import NetworkCurvature
from sgd_valleys.measures.spectra import top_eigenpairs
from sgd_valleys.networks.network import Network, Parameters

Samples = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Sharpness:
    """The sharpness of a network at one point, in units of the loss.

    Attributes:
        largest: largest eigenvalue of the Hessian of the mean training loss in all parameters.
        batch: batch sharpness; NaN without minibatches.
        batch_error: its standard error.
    """

    largest: float
    batch: float
    batch_error: float


def sharpness(
    network: Network,
    parameters: Parameters,
    samples: Samples,
    B: int,
    minibatches: int,
    rng: np.random.Generator,
    loss: str = "cross_entropy",
    tolerance: float = 1e-6,
) -> Sharpness:
    """Compute the sharpness of a network at one point.

    Args:
        network: architecture.
        parameters: of one network by name.
        samples: training inputs (sample, ...) in the network's form, and labels (sample).
        B: samples of a minibatch, drawn without replacement.
        minibatches: how many; 0 leaves the batch sharpness out.
        rng: draws the start vector and the minibatches.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        tolerance: largest accepted residual of the eigenvalue, relative to it.
    """
    whole = NetworkCurvature(network, parameters, samples, "all", loss)
    if not whole.is_finite:
        return Sharpness(np.nan, np.nan, np.nan)
    largest = top_eigenpairs(whole, 1, rng, tolerance).eigenvalue[0]
    inputs, labels = samples
    along = np.empty(minibatches)
    for k in range(minibatches):
        chosen = rng.choice(len(labels), B, replace=False)
        part = NetworkCurvature(network, parameters, (inputs[chosen], labels[chosen]), "all", loss)
        g = part.gradient()
        length = g @ g
        along[k] = g @ (part @ g) / length if length else np.nan
    if minibatches < 2:
        return Sharpness(largest, along.mean() if minibatches else np.nan, np.nan)
    return Sharpness(largest, along.mean(), along.std(ddof=1) / np.sqrt(minibatches))
