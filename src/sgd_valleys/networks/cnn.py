"""Convolutional networks with max-pooling, and fully connected layers after the convolutions."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Linearization, Parameters, parameter_names

if TYPE_CHECKING:
    import torch

SLICE = 50  # images that a convolution evaluates at once, so that their activations fit the cache


@dataclass(frozen=True)
class CNN:
    """Convolutions 3 x 3 with padding 1, each with activation and 2 x 2 max-pooling, then a fully connected network."""

    shape: tuple[int, int, int]  # (channel, row, column) of an image; every pooling halves rows and columns
    channels: tuple[int, ...]  # number of output channels of each convolution
    hidden: tuple[int, ...]  # number of units of each hidden fully connected layer
    classes: int  # number of logits
    activation: str = "relu"  # of all layers but the last, one of ``networks.activation.ACTIVATIONS``

    @cached_property
    def head(self) -> MLP:
        """The fully connected layers as an MLP, whose layer 1 is layer len(channels) + 1 of the CNN."""
        _, rows, columns = self.shape
        features = self.channels[-1] * (rows >> len(self.channels)) * (columns >> len(self.channels))
        return MLP((features, *self.hidden, self.classes), self.activation)

    @property
    def depth(self) -> int:
        """Number of convolutions and fully connected layers."""
        return len(self.channels) + self.head.depth

    @property
    def dense_layers(self) -> range:
        """The fully connected layers, which follow the convolutions."""
        return range(len(self.channels) + 1, self.depth + 1)

    def weight_shape(self, layer: int) -> tuple[int, ...]:
        """Return the shape of a layer's weights, (out, in, 3, 3) of a convolution or (out, in) of a dense layer."""
        if layer in self.dense_layers:
            return self.head.weight_shape(layer - len(self.channels))
        return self.channels[layer - 1], (self.shape[0], *self.channels)[layer - 1], 3, 3

    def names(self) -> list[str]:
        """List the parameters' names, first layer first."""
        return parameter_names(self.depth)

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """Return images (sample, channel, row, column) unchanged."""
        return images

    def initialize(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw Kaiming normal weights, std = sqrt(2 / fan), with the gain of ReLU for every activation; biases are 0.

        The fan is the fan-out of a convolution, and the fan-in of a fully connected layer.

        Returns:
            parameters by name, float64.
        """
        parameters = {}
        for k in range(1, self.depth + 1):
            out, *inner = shape = self.weight_shape(k)
            fan = prod(inner) if k in self.dense_layers else out * prod(inner[1:])
            parameters[f"layer{k}_weight"] = rng.normal(0.0, np.sqrt(2 / fan), shape)
            parameters[f"layer{k}_bias"] = np.zeros(out)
        return parameters

    def first_preactivation(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Compute the preactivations (sample, out, row, column) of the first convolution from images."""
        return _convolve(parameters, 1, _tensor(inputs)).numpy()

    def forward_from_first(self, parameters: Parameters, preactivation: np.ndarray) -> np.ndarray:
        """Compute logits (sample, class) from the preactivations of the first convolution."""
        features = self._features(parameters, preactivation, first=False)
        return self.head.forward(self._head_parameters(parameters), features)

    def forward(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Compute logits (sample, class) of images."""
        return self.head.forward(self._head_parameters(parameters), self._features(parameters, inputs))

    def linearize(self, parameters: Parameters, inputs: np.ndarray, layer: int) -> Linearization:
        """Linearize the logits of images in the weights of a fully connected layer."""
        features = self._features(parameters, inputs)
        return self.head.linearize(self._head_parameters(parameters), features, layer - len(self.channels))

    def _head_parameters(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """Rename the parameters of the fully connected layers to those of ``head``."""
        names = self.names()[2 * len(self.channels) :]
        return {head_name: parameters[name] for head_name, name in zip(self.head.names(), names, strict=True)}

    def _features(self, parameters: Parameters, z: np.ndarray, first: bool = True) -> np.ndarray:
        """Compute the outputs (sample, feature) of the convolutions.

        Args:
            parameters: parameters of the CNN by name.
            z: images, or the preactivations of the first convolution.
            first: whether ``z`` are images.
        """
        import torch

        from sgd_valleys.networks.tensor_functions import ACTIVATIONS

        activation = ACTIVATIONS[self.activation]
        features = []
        for part in _tensor(z).split(SLICE):
            part = part.contiguous(memory_format=torch.channels_last)  # makes the convolution three times as fast
            for k in range(1, len(self.channels) + 1):
                if k > 1 or first:
                    part = _convolve(parameters, k, part)
                part = activation.pooled(part)
            features.append(part.flatten(1).numpy())
        return np.concatenate(features)


def _convolve(parameters: Parameters, layer: int, z: "torch.Tensor") -> "torch.Tensor":
    from torch.nn.functional import conv2d

    weight, bias = (_tensor(parameters[f"layer{layer}_{kind}"]) for kind in ("weight", "bias"))
    return conv2d(z, weight, bias, padding=1)


def _tensor(array: np.ndarray) -> "torch.Tensor":
    """Return a tensor that shares the array's memory."""
    import torch  # here, since the validation of the configuration needs shapes but not torch, which imports slowly

    return torch.from_numpy(array)
