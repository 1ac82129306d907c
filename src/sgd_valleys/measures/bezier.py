"""Paths of low loss between two solutions: quadratic Bezier curves with a trained control point.

The curve from theta_j (alpha = 0) to theta_i (alpha = 1) with control point c is

    phi(alpha) = (1 - alpha)^2 theta_j + 2 alpha (1 - alpha) c + alpha^2 theta_i.

L-BFGS minimizes the mean loss of the curve, the integral of L(phi(alpha)) over alpha, from the straight line. The
integral is a Gauss-Legendre sum. The training uses float64, all samples, and no random numbers.

Source: Garipov et al. 2018 (arXiv 1802.10026), "Loss surfaces, mode connectivity, and fast ensembling of DNNs". L-BFGS
replaces their SGD.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize

from sgd_valleys.measures.operators import flatten, layers_of, unflatten
from sgd_valleys.measures.paths import barrier
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.network import Network, Parameters
from sgd_valleys.networks.tensor_functions import LOSSES as TENSOR_LOSSES
from sgd_valleys.networks.tensor_functions import gradient_of, logits_from_first, preactivation

NODES = 10  # points of the Gauss-Legendre sum
SLICE = 1000  # samples that are differentiated at once; bounds the memory
MEMORY = 20  # pairs of steps and gradients from which L-BFGS estimates the curvature


@dataclass(frozen=True)
class BezierCurve:
    """The lowest curve of a training, with its values up to each step 0, 1, ....

    The lowest curve has the smallest maximum of the loss. Step 0 is the straight line.

    Attributes:
        control: control point of the lowest curve of all steps, by name.
        loss: (point) loss along this curve, in units of the loss.
        excess: (step) maximum of the loss on the lowest curve so far, above the mean of the ends, as in Eq. 5.
        accuracy: (step) lowest training accuracy on the lowest curve so far.
    """

    control: dict[str, np.ndarray]
    loss: np.ndarray
    excess: np.ndarray
    accuracy: np.ndarray


def weights_of_ends(alpha: np.ndarray) -> np.ndarray:
    """Return the Bernstein weights (point, 3) of theta_j, the control point and theta_i at ``alpha`` (point)."""
    return np.stack([(1 - alpha) ** 2, 2 * alpha * (1 - alpha), alpha**2], axis=-1)


def curve_point(ends: tuple[Parameters, Parameters], control: Parameters, alpha: float) -> dict[str, np.ndarray]:
    """Return the parameters phi(alpha) of a curve whose ``ends`` are theta_i (alpha = 1) and theta_j, by name."""
    b_j, b_c, b_i = weights_of_ends(np.array(alpha)).tolist()
    return {name: b_i * ends[0][name] + b_c * control[name] + b_j * ends[1][name] for name in control}


def train_curve(
    network: Network,
    ends: tuple[Parameters, Parameters],
    samples: tuple[np.ndarray, np.ndarray],
    alpha: np.ndarray,
    steps: int,
    loss: str = "cross_entropy",
    progress: Callable[[], object] = lambda: None,
) -> BezierCurve:
    """Train the control point of the curve between two solutions.

    The maximum of the loss is over ``alpha``. The lowest curve is the lowest of all steps so far. Therefore the excess
    never rises with the steps, and is an upper bound of the excess of the best curve.

    Args:
        network: architecture of both solutions.
        ends: parameters of theta_i (alpha = 1) and of theta_j.
        samples: inputs (sample, ...) in the network's form, and labels (sample).
        alpha: (point) points at which the curves are compared, from 0 to 1, both included.
        steps: largest number of L-BFGS steps. The training ends earlier if the gradient vanishes or no step decreases
            the loss.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        progress: called after each step.

    Returns:
        the lowest curve. Its arrays (step) have length ``steps`` + 1. If the training ends earlier, their last values
        are repeated.
    """
    curve = _Curve(network, ends, samples, loss)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    start = flatten({name: (curve.ends[0][name] + curve.ends[1][name]) / 2 for name in network.names()}, curve.layers)
    along, accuracy = curve.evaluate(start, alpha)
    best, lowest = start, along
    found = [(barrier(along), accuracy.min())]

    def record(intermediate_result) -> None:  # SciPy passes the point by this name
        nonlocal best, lowest
        point = intermediate_result.x.copy()
        along, accuracy = curve.evaluate(point, alpha)
        better = along.max() < lowest.max()
        if better:
            best, lowest = point, along
        found.append((barrier(along), accuracy.min()) if better else found[-1])
        progress()

    minimize(
        lambda point: curve.mean_loss(point, (nodes + 1) / 2, weights / 2),
        start,
        jac=True,
        method="L-BFGS-B",
        callback=record,
        options={"maxiter": steps, "maxcor": MEMORY, "ftol": 0, "gtol": 0, "maxfun": 100 * (steps + 1)},
    )
    found += found[-1:] * (steps + 1 - len(found))
    excess, accuracy = np.array(found).T
    return BezierCurve(unflatten(network, best, curve.layers), lowest, excess, accuracy)


class _Curve:
    """The curves between two solutions, as functions of the flattened control point (``point``).

    The first layer's preactivation is linear in the parameters. Each curve therefore needs this preactivation only
    at the ends, computed once for all curves, and at the control point.
    """

    def __init__(self, network: Network, ends: tuple[Parameters, Parameters], samples: tuple, loss: str) -> None:
        self.network, self.loss, self.layers = network, loss, layers_of(network, "all")
        self.ends = [{name: end[name].astype(np.float64) for name in network.names()} for end in ends]
        self.inputs, self.labels = samples[0].astype(np.float64), samples[1]
        self.first = [network.first_preactivation(end, self.inputs) for end in self.ends]

    def evaluate(self, point: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute loss and accuracy (point) along the curve."""
        control = unflatten(self.network, point, self.layers)
        first = self.network.first_preactivation(control, self.inputs)
        losses, accuracy = np.empty(len(alpha)), np.empty(len(alpha))
        for k, (b_j, b_c, b_i) in enumerate(weights_of_ends(alpha).tolist()):
            between = curve_point((self.ends[0], self.ends[1]), control, alpha[k])
            z = b_i * self.first[0] + b_c * first + b_j * self.first[1]
            logits = self.network.forward_from_first(between, z)
            losses[k] = LOSSES[self.loss].evaluate(logits, self.labels)
            accuracy[k] = (logits.argmax(axis=1) == self.labels).mean()
        return losses, accuracy

    def mean_loss(self, point: np.ndarray, alpha: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Compute the weighted sum of the loss over ``alpha``, and its gradient (parameter) in the control point."""
        control = {
            name: torch.from_numpy(array).requires_grad_()
            for name, array in unflatten(self.network, point, self.layers).items()
        }
        upper = [name for name in control if not name.startswith("layer1_")]
        arrays = (self.inputs, self.labels, *self.first)
        total = 0.0
        for x, y, z_i, z_j in zip(*(torch.from_numpy(array).split(SLICE) for array in arrays), strict=True):
            z_c = preactivation(self.network, control, 1, x)
            leaf = z_c.detach().requires_grad_()  # collects the gradients of all ``alpha`` for one pass through layer 1
            for weight, (b_j, b_c, b_i) in zip(weights.tolist(), weights_of_ends(alpha).tolist(), strict=True):
                between = {
                    name: b_c * control[name] + torch.from_numpy(b_i * self.ends[0][name] + b_j * self.ends[1][name])
                    for name in upper
                }
                outputs = logits_from_first(self.network, between, b_i * z_i + b_c * leaf + b_j * z_j)
                value = weight / len(self.labels) * TENSOR_LOSSES[self.loss].total(outputs, y)
                value.backward()
                total += float(value.detach())
            z_c.backward(leaf.grad)
        return total, flatten({name: gradient_of(tensor).numpy() for name, tensor in control.items()}, self.layers)
