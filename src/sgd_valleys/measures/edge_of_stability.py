"""The edge of stability: sharpness of the whole network, and along the gradients of minibatches, against 2 / eta.

At constant eta, full-batch gradient descent hovers where the largest Hessian eigenvalue of all parameters is 2 / eta
(Cohen et al. 2021, arXiv 2103.00065). For SGD the batch sharpness

    E_B[ g_B^T H_B g_B / |g_B|^2 ]

takes the place of this eigenvalue (Andreyev & Beneventano 2024, arXiv 2412.20553). The gradient g_B and the Hessian H_B
are those of the same minibatch's loss.
"""

from dataclasses import dataclass

import numpy as np

from sgd_valleys.measures.operators import NetworkCurvature
from sgd_valleys.measures.spectra import top_eigenpairs
from sgd_valleys.networks.network import Network, Parameters

Samples = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Sharpness:
    """The sharpness of a network at one point, in units of the loss; NaN where the network's outputs are not finite.

    Attributes:
        largest: largest eigenvalue of the Hessian of the mean training loss in all parameters.
        batch: batch sharpness, over the minibatches whose gradient is not 0; NaN without such minibatches.
        batch_error: standard error of the batch sharpness; NaN for fewer than 2 such minibatches.
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
        B: number of samples in a minibatch, drawn without replacement.
        minibatches: number of minibatches; 0 omits the batch sharpness.
        rng: draws the start vector and the minibatches.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        tolerance: largest accepted residual of the eigenvalue, relative to the eigenvalue.
    """
    whole = NetworkCurvature(network, parameters, samples, "all", loss)
    if not whole.is_finite:
        return Sharpness(np.nan, np.nan, np.nan)
    largest = top_eigenpairs(whole, 1, rng, tolerance).eigenvalue[0]
    inputs, labels = samples
    along = []
    for _ in range(minibatches):
        chosen = rng.choice(len(labels), B, replace=False)
        part = NetworkCurvature(network, parameters, (inputs[chosen], labels[chosen]), "all", loss)
        g = part.gradient()
        if length := g @ g:
            along.append(g @ (part @ g) / length)
    error = np.std(along, ddof=1) / np.sqrt(len(along)) if len(along) > 1 else np.nan
    return Sharpness(largest, float(np.mean(along)) if along else np.nan, error)
