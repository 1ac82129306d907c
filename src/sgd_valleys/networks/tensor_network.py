"""Networks as functions of tensors, for automatic differentiation."""

from collections.abc import Mapping

import torch
from torch.nn.functional import conv2d, linear

from sgd_valleys.networks.network import Network
from sgd_valleys.networks.tensor_functions import ACTIVATIONS


def forward(network: Network, parameters: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """Compute logits (sample, class) of inputs; reverse and forward differentiation go through the result.

    Args:
        network: its architecture.
        parameters: tensors by name.
        inputs: (sample, ...) in the network's form.
    """
    activation, z = ACTIVATIONS[network.activation], inputs
    for k in range(1, network.depth + 1):
        weight, bias = (parameters[f"layer{k}_{kind}"] for kind in ("weight", "bias"))
        if k not in network.dense_layers:
            z = activation.pooled(conv2d(z, weight, bias, padding=1))
            continue
        z = linear(z.flatten(1), weight, bias)
        if k < network.depth:
            z = activation.apply(z)
    return z
