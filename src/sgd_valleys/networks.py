"""The networks, their initialization, and their linearization in one layer's weights.

Parameters are a mapping from ``layer1_weight``, ``layer1_bias``, ... to arrays, as torch.nn holds them: (out, in)
of a fully connected layer, (out, in, row, column) of a convolution. Everything here is meant for evaluating a
network or taking its curvature, and takes and gives NumPy arrays; :mod:`sgd_valleys.training` trains stacks of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch

Parameters = Mapping[str, np.ndarray]
SLICE = 50  # images that a convolution takes at once: what it makes of them still fits the cache


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


class Network(Protocol):
    """What the rest of the library asks of a network. Layers are those with weights, counted from 1."""

    @property
    def depth(self) -> int:
        """Number of layers."""

    @property
    def dense_layers(self) -> range:
        """The fully connected layers, whose curvature can be taken."""

    def weight_shape(self, layer: int) -> tuple[int, ...]:
        """Shape of a layer's weights, (out, in) or (out, in, row, column)."""

    def names(self) -> list[str]:
        """The parameters' names, first layer first."""

    def initialize(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The parameters at the start of training, float64."""

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """Images (sample, channel, row, column) in the form that the network takes."""

    def first_preactivation(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """What the first layer makes of inputs before the ReLU, (sample, ...): linear in the parameters."""

    def forward_from_first(self, parameters: Parameters, preactivation: np.ndarray) -> np.ndarray:
        """Logits (sample, class) from the preactivations of the first layer."""

    def forward(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Logits (sample, class) of inputs."""

    def linearize(self, parameters: Parameters, inputs: np.ndarray, layer: int) -> Linearization:
        """The logits of inputs to first order in the weights of one of the ``dense_layers``."""


def parameter_names(depth: int) -> list[str]:
    """The parameters' names, first layer first."""
    return [f"layer{k}_{kind}" for k in range(1, depth + 1) for kind in ("weight", "bias")]


@dataclass(frozen=True)
class MLP:
    """Fully connected ReLU network with biases; ``sizes`` from the input to the classes."""

    sizes: tuple[int, ...]

    @property
    def depth(self) -> int:
        """Number of weight layers."""
        return len(self.sizes) - 1

    @property
    def dense_layers(self) -> range:
        """All of them."""
        return range(1, self.depth + 1)

    def weight_shape(self, layer: int) -> tuple[int, int]:
        """(out, in) of a layer's weights."""
        return self.sizes[layer], self.sizes[layer - 1]

    def names(self) -> list[str]:
        """The parameters' names, first layer first."""
        return parameter_names(self.depth)

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """Images (sample, channel, row, column) as (sample, in)."""
        return images.reshape(len(images), -1)

    def initialize(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Kaiming normal with fan-in and the gain of ReLU, std = sqrt(2 / fan_in); biases 0. Float64."""
        parameters = {}
        for k, (fan_in, fan_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            parameters[f"layer{k}_weight"] = rng.normal(0.0, np.sqrt(2 / fan_in), (fan_out, fan_in))
            parameters[f"layer{k}_bias"] = np.zeros(fan_out)
        return parameters

    def first_preactivation(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """(sample, hidden) of inputs (sample, in)."""
        return inputs @ parameters["layer1_weight"].T + parameters["layer1_bias"]

    def forward_from_first(self, parameters: Parameters, preactivation: np.ndarray) -> np.ndarray:
        """Logits (sample, class) from the preactivations (sample, hidden) of the first layer."""
        z = preactivation
        for k in range(2, self.depth + 1):
            z = np.maximum(z, 0) @ parameters[f"layer{k}_weight"].T + parameters[f"layer{k}_bias"]
        return z

    def forward(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Logits (sample, class) of inputs (sample, in)."""
        return self.forward_from_first(parameters, self.first_preactivation(parameters, inputs))

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


@dataclass(frozen=True)
class CNN:
    """Convolutions 3 x 3 with padding 1, each followed by ReLU and 2 x 2 max-pooling, then a fully connected network.

    Attributes:
        shape: (channel, row, column) of an image; rows and columns halve at every convolution.
        channels: of each convolution's output.
        hidden: units of each hidden fully connected layer.
        classes: number of logits.
    """

    shape: tuple[int, int, int]
    channels: tuple[int, ...]
    hidden: tuple[int, ...]
    classes: int

    @cached_property
    def head(self) -> MLP:
        """The fully connected layers; its layer 1 is this network's layer len(channels) + 1."""
        _, rows, columns = self.shape
        features = self.channels[-1] * (rows >> len(self.channels)) * (columns >> len(self.channels))
        return MLP((features, *self.hidden, self.classes))

    @property
    def depth(self) -> int:
        """Number of convolutions and fully connected layers."""
        return len(self.channels) + self.head.depth

    @property
    def dense_layers(self) -> range:
        """The fully connected ones, after the convolutions."""
        return range(len(self.channels) + 1, self.depth + 1)

    def weight_shape(self, layer: int) -> tuple[int, ...]:
        """(out, in, 3, 3) of a convolution, (out, in) of a fully connected layer."""
        if layer in self.dense_layers:
            return self.head.weight_shape(layer - len(self.channels))
        return self.channels[layer - 1], (self.shape[0], *self.channels)[layer - 1], 3, 3

    def names(self) -> list[str]:
        """The parameters' names, first layer first."""
        return parameter_names(self.depth)

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """Images (sample, channel, row, column) as they are."""
        return images

    def initialize(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Kaiming normal with the gain of ReLU, fan-out for convolutions, fan-in for the others; biases 0. Float64."""
        parameters = {}
        for k in range(1, self.depth + 1):
            out, *inner = shape = self.weight_shape(k)
            fan = prod(inner) if k in self.dense_layers else out * prod(inner[1:])
            parameters[f"layer{k}_weight"] = rng.normal(0.0, np.sqrt(2 / fan), shape)
            parameters[f"layer{k}_bias"] = np.zeros(out)
        return parameters

    def first_preactivation(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """(sample, out, row, column) of images."""
        return _convolve(parameters, 1, _tensor(inputs)).numpy()

    def forward_from_first(self, parameters: Parameters, preactivation: np.ndarray) -> np.ndarray:
        """Logits (sample, class) from the preactivations of the first convolution."""
        return self.head.forward(self._of_head(parameters), self._features(parameters, preactivation, first=False))

    def forward(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Logits (sample, class) of images."""
        return self.head.forward(self._of_head(parameters), self._features(parameters, inputs))

    def linearize(self, parameters: Parameters, inputs: np.ndarray, layer: int) -> Linearization:
        """The logits of images to first order in the weights of a fully connected layer."""
        features = self._features(parameters, inputs)
        return self.head.linearize(self._of_head(parameters), features, layer - len(self.channels))

    def _of_head(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """The parameters of the fully connected layers, by the names that they have there."""
        own = self.names()[2 * len(self.channels) :]
        return {there: parameters[here] for there, here in zip(self.head.names(), own, strict=True)}

    def _features(self, parameters: Parameters, z: np.ndarray, first: bool = True) -> np.ndarray:
        """(sample, feature) that the convolutions make of images, or of the first one's preactivations."""
        import torch
        from torch.nn.functional import max_pool2d

        found = []
        for part in _tensor(z).split(SLICE):
            part = part.contiguous(memory_format=torch.channels_last)  # three times as fast
            for k in range(1, len(self.channels) + 1):
                if k > 1 or first:
                    part = _convolve(parameters, k, part)
                part = max_pool2d(part, 2).relu()  # in this order a quarter of the work, and the same
            found.append(part.flatten(1).numpy())
        return np.concatenate(found)


def _convolve(parameters: Parameters, layer: int, z: "torch.Tensor") -> "torch.Tensor":
    from torch.nn.functional import conv2d

    return conv2d(z, *(_tensor(parameters[f"layer{layer}_{kind}"]) for kind in ("weight", "bias")), padding=1)


def _tensor(array: np.ndarray) -> "torch.Tensor":
    """A tensor in the array's memory."""
    import torch  # so late, since the check of the settings asks for shapes and need not wait for it

    return torch.from_numpy(array)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean softmax cross-entropy of logits (..., sample, class) and labels (sample): (...)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    own = shifted[..., np.arange(len(labels)), labels]  # 0 where the sample is classified well: nothing cancels
    return (np.log(np.exp(shifted).sum(axis=-1)) - own).mean(axis=-1)


def build(settings: Mapping, shape: tuple[int, int, int], classes: int) -> Network:
    """The network that an experiment's ``network`` settings describe, for images (channel, row, column) and classes."""
    if settings["name"] == "cnn":
        return CNN(tuple(shape), tuple(settings["channels"]), tuple(settings["hidden"]), classes)
    return MLP((prod(shape), *settings["hidden"], classes))
