"""The multilayer perceptron, its initialization, and its linearization in one layer's weights.

Parameters are a mapping from ``layer1_weight`` (out, in), ``layer1_bias`` (out), ... to arrays,
the order in which torch.nn.Linear holds them. Everything here is NumPy and meant for evaluating a
network or taking its curvature; :mod:`sgd_valleys.training` trains stacks of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Parameters = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Linearization:
    """The logits to first order in one layer's weights, at one point of parameter space.

    In a ReLU network the logits are piecewise linear in the weights of any one layer, so this is
    exact as long as no unit changes sides.

    Attributes:
        inputs: (sample, in) what the layer sees.
        logits: (sample, class).
        jvp: (sample, out) change of the layer's preactivations -> (sample, class) change of logits.
        vjp: its transpose, (sample, class) -> (sample, out).
        out: number of the layer's units.
    """

    inputs: np.ndarray
    logits: np.ndarray
    jvp: Callable[[np.ndarray], np.ndarray]
    vjp: Callable[[np.ndarray], np.ndarray]
    out: int


@dataclass(frozen=True)
class MLP:
    """Fully connected ReLU network with biases; ``sizes`` from the input to the classes."""

    sizes: tuple[int, ...]

    @property
    def depth(self) -> int:
        """Number of weight layers."""
        return len(self.sizes) - 1

    def names(self) -> list[str]:
        """The parameters' names, first layer first."""
        return [f"layer{k}_{kind}" for k in range(1, self.depth + 1) for kind in ("weight", "bias")]

    def initialize(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Kaiming normal with fan-in and the gain of ReLU, std = sqrt(2 / fan_in); biases 0. Float64."""
        parameters = {}
        for k, (fan_in, fan_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            parameters[f"layer{k}_weight"] = rng.normal(0.0, np.sqrt(2 / fan_in), (fan_out, fan_in))
            parameters[f"layer{k}_bias"] = np.zeros(fan_out)
        return parameters

    def forward(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Logits (sample, class) of inputs (sample, in)."""
        return self.forward_from(1, parameters, inputs @ parameters["layer1_weight"].T + parameters["layer1_bias"])

    def forward_from(self, layer: int, parameters: Parameters, preactivation: np.ndarray) -> np.ndarray:
        """Logits from the preactivations (sample, out) of ``layer``."""
        z = preactivation
        for k in range(layer + 1, self.depth + 1):
            z = np.maximum(z, 0) @ parameters[f"layer{k}_weight"].T + parameters[f"layer{k}_bias"]
        return z

    def linearize(self, parameters: Parameters, inputs: np.ndarray, layer: int) -> Linearization:
        """The logits of ``inputs`` (sample, in) to first order in ``layer``'s weights."""
        h = inputs
        for k in range(1, layer):
            h = np.maximum(h @ parameters[f"layer{k}_weight"].T + parameters[f"layer{k}_bias"], 0)
        z = h @ parameters[f"layer{layer}_weight"].T + parameters[f"layer{layer}_bias"]
        above = []  # (active units of layer k - 1 as 0 or 1, weights of layer k)
        for k in range(layer + 1, self.depth + 1):
            weight = parameters[f"layer{k}_weight"]
            above.append(((z > 0).astype(z.dtype), weight))
            z = np.maximum(z, 0) @ weight.T + parameters[f"layer{k}_bias"]

        def jvp(tangent: np.ndarray) -> np.ndarray:
            for active, weight in above:
                tangent = (tangent * active) @ weight.T
            return tangent

        def vjp(cotangent: np.ndarray) -> np.ndarray:
            for active, weight in reversed(above):
                cotangent = (cotangent @ weight) * active
            return cotangent

        return Linearization(h, z, jvp, vjp, self.sizes[layer])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean softmax cross-entropy of logits (..., sample, class) and labels (sample): (...)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    own = shifted[..., np.arange(len(labels)), labels]  # 0 where the sample is classified well: nothing cancels
    return (np.log(np.exp(shifted).sum(axis=-1)) - own).mean(axis=-1)


def build(settings: Mapping, inputs: int, classes: int) -> MLP:
    """The network that an experiment's ``network`` settings describe, for so many inputs and classes."""
    return MLP((inputs, *settings["hidden"], classes))
