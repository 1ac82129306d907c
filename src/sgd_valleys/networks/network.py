"""The interface of a network, and the linearization of its logits in one layer's weights.

Parameters are a mapping from ``layer1_weight``, ``layer1_bias``, ... to arrays with the shapes of torch.nn. Weights are
(out, in) for a fully connected layer and (out, in, row, column) for a convolution. The networks evaluate NumPy arrays;
:mod:`sgd_valleys.training` trains stacks of replicas.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sgd_valleys.errors import UserError

Parameters = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Linearization:
    """The logits to first order in one layer's weights, at one point of parameter space.

    In a ReLU network the logits are piecewise linear in the weights of any one layer. The linearization is then
    exact as long as no unit becomes active or inactive. ``jvp`` and ``vjp`` take a slice of the samples as a second
    argument; the default is all samples.
    """

    inputs: np.ndarray  # (sample, in) inputs of the layer
    logits: np.ndarray  # (sample, class)
    jvp: Callable[..., np.ndarray]  # from a change of ``preactivation`` (sample, out) to that of ``logits``
    vjp: Callable[..., np.ndarray]  # the transpose of ``jvp``, from (sample, class) to (sample, out)
    out: int  # number of units of the layer
    preactivation: np.ndarray  # (sample, out) outputs of the layer before the activation
    upper_layers: Sequence[tuple[np.ndarray, np.ndarray]]  # weights (out, in) and biases (out) of the layers above
    activation: str  # activation of the layer and of the layers above, except the last


class Network(Protocol):
    """The interface of a network. Layers are those with weights, counted from 1."""

    @property
    def activation(self) -> str:
        """Name of the activation of the hidden layers."""

    @property
    def depth(self) -> int:
        """Number of layers."""

    @property
    def dense_layers(self) -> range:
        """The fully connected layers, in whose weights the network can be linearized."""

    def weight_shape(self, layer: int) -> tuple[int, ...]:
        """Return the shape of a layer's weights, (out, in) or (out, in, row, column)."""

    def names(self) -> list[str]:
        """List the parameters' names, first layer first."""

    def initialize(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the parameters of the initialization by name, float64."""

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """Convert images (sample, channel, row, column) to the form that ``forward`` takes."""

    def first_preactivation(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Compute the outputs (sample, ...) of the first layer before the activation.

        The outputs are linear in the parameters.
        """

    def forward_from_first(self, parameters: Parameters, preactivation: np.ndarray) -> np.ndarray:
        """Compute logits (sample, class) from the preactivations of the first layer."""

    def forward(self, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
        """Compute logits (sample, class) from inputs (sample, ...)."""

    def linearize(self, parameters: Parameters, inputs: np.ndarray, layer: int) -> Linearization:
        """Linearize the logits of inputs in the weights of ``layer``, one of the ``dense_layers``."""


def parameter_names(depth: int) -> list[str]:
    """List the parameters' names, first layer first."""
    return [f"layer{k}_{kind}" for k in range(1, depth + 1) for kind in ("weight", "bias")]


def check_parameters(
    network: Network, parameters: Parameters, name: str = "parameters", axes: tuple[int, ...] = ()
) -> None:
    """Check that ``parameters`` have exactly the names and shapes of a network.

    Args:
        network: architecture.
        parameters: parameters by name.
        name: name of the argument, for the error message.
        axes: lengths of the leading axes of each array, such as (run).

    Raises:
        UserError: a parameter is missing, unknown, or of another shape.
    """
    expected: dict[str, tuple[int, ...]] = {}
    for k in range(1, network.depth + 1):
        shape = network.weight_shape(k)
        expected |= {f"layer{k}_weight": (*axes, *shape), f"layer{k}_bias": (*axes, shape[0])}
    found = {key: np.shape(array) for key, array in parameters.items()}
    wrong = [key for key in dict.fromkeys((*expected, *found)) if found.get(key) != expected.get(key)]
    if wrong:
        first, more = wrong[0], f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        fault = "is missing" if first not in found else "is unknown"
        if first in found and first in expected:
            fault = f"has the shape {found[first]}, not {expected[first]}"
        raise UserError(
            f"{name}: {first} {fault}{more}; allowed are the parameters of {network}; change the parameters."
        )
