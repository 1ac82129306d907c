"""Fully connected networks."""

from dataclasses import dataclass

import numpy as np

from sgd_valleys.networks.activation import ACTIVATIONS, Activation
from sgd_valleys.networks.network import Linearization, Parameters, parameter_names


@dataclass(frozen=True)
class MLP:
    """A fully connected network with biases."""

    sizes: tuple[int, ...]  # numbers of units, from the input to the classes
    activation: str = "relu"  # of the hidden layers, one of ``networks.activation.ACTIVATIONS``

    @property
    def depth(self) -> int:
        """Number of weight layers."""
        return len(self.sizes) - 1

    @property
    def dense_layers(self) -> range:
        """All layers."""
        return range(1, self.depth + 1)

    def weight_shape(self, layer: int) -> tuple[int, int]:
        """Return (out, in) of a layer's weights."""
        return self.sizes[layer], self.sizes[layer - 1]

    def names(self) -> list[str]:
        """List the parameters' names, first layer first."""
        return parameter_names(self.depth)

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """Flatten images (sample, channel, row, column) to (sample, in)."""
        return images.reshape(len(images), -1)

    def initialize(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw Kaiming normal weights, std = sqrt(2 / fan_in), with the ReLU gain for every activation; biases are 0.

        Networks that differ only in the activation therefore start at the same parameters.

        Returns:
            parameters by name, float64.
        """
        parameters = {}
        for k, (fan_in, fan_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            parameters[f"layer{k}_weight"] = rng.normal(0.0, np.sqrt(2 / fan_in), (fan_out, fan_in))
            parameters[f"layer{k}_bias"] = np.zeros(fan_out)
        return parameters

    def first_preactivation(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Compute the preactivations (sample, hidden) of the first layer from inputs (sample, in)."""
        return inputs @ parameters["layer1_weight"].T + parameters["layer1_bias"]

    def forward_from_first(self, parameters: Parameters, preactivation: np.ndarray) -> np.ndarray:
        """Compute logits (sample, class) from the preactivations (sample, hidden) of the first layer."""
        z = preactivation
        for k in range(2, self.depth + 1):
            z = self._activation.value(z) @ parameters[f"layer{k}_weight"].T + parameters[f"layer{k}_bias"]
        return z

    def forward(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Compute logits (sample, class) from inputs (sample, in)."""
        return self.forward_from_first(parameters, self.first_preactivation(parameters, inputs))

    def linearize(self, parameters: Parameters, inputs: np.ndarray, layer: int) -> Linearization:
        """Linearize the logits of inputs (sample, in) in the weights of ``layer``, counted from 1."""
        h, activation = inputs, self._activation
        for k in range(1, layer):
            h = activation.value(h @ parameters[f"layer{k}_weight"].T + parameters[f"layer{k}_bias"])
        z = h @ parameters[f"layer{layer}_weight"].T + parameters[f"layer{layer}_bias"]
        last, above = z, []  # for each layer k above: slopes of the activations of layer k - 1, and weights of layer k
        for k in range(layer + 1, self.depth + 1):
            weight = parameters[f"layer{k}_weight"]
            above.append((activation.derivative(z), weight))
            z = activation.value(z) @ weight.T + parameters[f"layer{k}_bias"]

        def jvp(tangent: np.ndarray, part: slice = slice(None)) -> np.ndarray:
            for slope, weight in above:
                tangent = (tangent * slope[part]) @ weight.T
            return tangent

        def vjp(cotangent: np.ndarray, part: slice = slice(None)) -> np.ndarray:
            for slope, weight in reversed(above):
                cotangent = (cotangent @ weight) * slope[part]
            return cotangent

        upper = [
            (parameters[f"layer{k}_weight"], parameters[f"layer{k}_bias"]) for k in range(layer + 1, self.depth + 1)
        ]
        return Linearization(h, z, jvp, vjp, self.sizes[layer], last, upper, self.activation)

    @property
    def _activation(self) -> Activation:
        return ACTIVATIONS[self.activation]
