"""What a network is to the rest of the library, and its linearization in one layer's weights.

Parameters are a mapping from ``layer1_weight``, ``layer1_bias``, ... to arrays, as torch.nn holds them: (out, in)
of a fully connected layer, (out, in, row, column) of a convolution. Everything here evaluates a network or takes its
curvature, and takes and gives NumPy arrays; :mod:`sgd_valleys.training` trains stacks of replicas.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

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
