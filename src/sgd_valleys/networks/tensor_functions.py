"""Activations and losses of tensors, for training and for automatic differentiation.

``networks.activation`` and ``networks.loss`` have those of NumPy arrays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch.nn import functional as F

from sgd_valleys.networks.network import Network

_aten = torch.ops.aten


@dataclass(frozen=True)
class TensorActivation:
    """An activation a(z) of tensors.

    Attributes:
        apply: returns a(z).
        write: writes a(z) into a second tensor.
        backward: returns the gradient in z from the gradient in a, z, and a.
        is_monotonic: whether the activation may follow the pooling of a maximum.
    """

    apply: Callable[[torch.Tensor], torch.Tensor]
    write: Callable[[torch.Tensor, torch.Tensor], object]
    backward: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
    is_monotonic: bool = True

    def pooled(self, z: torch.Tensor) -> torch.Tensor:
        """Apply the activation and 2 x 2 max-pooling to images (sample, channel, row, column).

        A monotonic activation comes last: the result is the same and the activation has a quarter of the work.
        """
        return self.apply(F.max_pool2d(z, 2)) if self.is_monotonic else F.max_pool2d(self.apply(z), 2)


ACTIVATIONS = {
    "relu": TensorActivation(
        torch.relu,
        lambda z, a: torch.clamp_min(z, 0, out=a),
        lambda gradient, z, a: _aten.threshold_backward(gradient, a, 0),
    ),
    "tanh": TensorActivation(
        torch.tanh,
        lambda z, a: torch.tanh(z, out=a),
        lambda gradient, z, a: _aten.tanh_backward(gradient, a),
    ),
    "gelu": TensorActivation(
        F.gelu,
        lambda z, a: a.copy_(F.gelu(z)),
        lambda gradient, z, a: _aten.gelu_backward(gradient, z),
        is_monotonic=False,
    ),
}


@dataclass(frozen=True)
class TensorLoss:
    """A loss of networks with K classes.

    Attributes:
        name: one of ``sgd_valleys.recipe.LOSSES``.
        factor: the gradient in the output is ``factor`` times (output - onehot).
        descend: returns -scale dl/dz (replica, K, sample) from logits z (replica, K, sample), from the target, which is
            factor * scale at the label and else 0, and from factor * scale.
        mean: returns the loss (replica), the mean over the samples of logits (replica, K, sample) and labels (sample).
        per_sample: returns the losses (sample) of logits (sample, K) and labels (sample); autograd goes through it.
        total: returns their sum.
    """

    name: str
    factor: Callable[[int], float]
    descend: Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]
    mean: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    per_sample: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    total: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _descend_cross_entropy(z: torch.Tensor, target: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.add(target, torch.softmax(z, dim=1), alpha=-scale)  # softmax cross-entropy: p - onehot


def _descend_mse(z: torch.Tensor, target: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.add(target, z, alpha=-scale)


def _descend_mse_softmax(z: torch.Tensor, target: torch.Tensor, scale: float) -> torch.Tensor:
    p = torch.softmax(z, dim=1)
    residual = torch.add(target, p, alpha=-scale)
    return p * (residual - (p * residual).sum(dim=1, keepdim=True))


def _mean_cross_entropy(z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.logsumexp(z, dim=1).sub(z.gather(1, labels.expand(len(z), 1, -1))[:, 0]).mean(dim=1)


def _mse(output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return (output - F.one_hot(labels, output.shape[-1])).square().mean(dim=-1)


def _from_samples(name: str, factor: Callable[[int], float], descend: Callable, per_sample: Callable) -> TensorLoss:
    """Complete a loss by its values of samples."""
    return TensorLoss(
        name,
        factor,
        descend,
        mean=lambda z, labels: per_sample(z.transpose(1, 2), labels).mean(dim=1),
        per_sample=per_sample,
        total=lambda z, labels: per_sample(z, labels).sum(),
    )


LOSSES = {
    loss.name: loss
    for loss in (
        TensorLoss(
            "cross_entropy",
            lambda K: 1.0,
            _descend_cross_entropy,
            _mean_cross_entropy,
            partial(F.cross_entropy, reduction="none"),
            partial(F.cross_entropy, reduction="sum"),
        ),
        _from_samples("mse", lambda K: 2 / K, _descend_mse, _mse),
        _from_samples(
            "mse_softmax", lambda K: 2 / K, _descend_mse_softmax, lambda z, labels: _mse(z.softmax(dim=-1), labels)
        ),
    )
}


def logits(network: Network, parameters: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """Compute the logits (sample, class) of inputs in the network's form, by operations that autograd goes through."""
    activation, z = ACTIVATIONS[network.activation], inputs
    convolutions = len(getattr(network, "channels", ()))
    for k in range(1, network.depth + 1):
        weight, bias = parameters[f"layer{k}_weight"], parameters[f"layer{k}_bias"]
        if k <= convolutions:
            z = activation.pooled(F.conv2d(z, weight, bias, padding=1))
            continue
        z = F.linear(z.flatten(1), weight, bias)
        z = activation.apply(z) if k < network.depth else z
    return z
