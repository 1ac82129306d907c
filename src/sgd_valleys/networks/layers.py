"""Checks and sizes of layers that are given by their numbers."""

from collections.abc import Sequence
from math import prod

from sgd_valleys.errors import UserError
from sgd_valleys.networks.network import Network


def check_dense_layers(network: Network, layers: Sequence[int]) -> None:
    """Check that ``layers`` are different fully connected layers of a network, at least one.

    Raises:
        UserError: a layer is not fully connected or named twice, or there is none.
    """
    dense = network.dense_layers
    allowed = f"allowed are the fully connected layers {', '.join(map(str, dense))}, each once"
    for layer in layers:
        if layer not in dense:
            kind = "a convolution" if 1 <= layer <= network.depth else "not in this network"
            raise UserError(f"layers = {list(layers)}: layer {layer} is {kind}; {allowed}; delete layer {layer}.")
    if not layers or len(set(layers)) < len(layers):
        raise UserError(f"layers = {list(layers)}: no layer, or a repeated layer; {allowed}; change the list.")


def number_of_weights(network: Network, layers: Sequence[int], biases: bool = False) -> int:
    """Return the number of weights of ``layers``, and with ``biases`` of their biases too."""
    shapes = map(network.weight_shape, layers)
    return sum(prod(shape) + biases * shape[0] for shape in shapes)
