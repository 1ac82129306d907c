"""Activations and losses of tensors, for training and for automatic differentiation.

The modules ``networks.activation`` and ``networks.loss`` have those of NumPy arrays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch.nn import functional as F

from sgd_valleys.networks.network import Network

_aten = torch.ops.aten


def gradient_of(tensor: torch.Tensor) -> torch.Tensor:
    """Return the gradient that ``backward`` has stored in a tensor."""
    assert tensor.grad is not None
    return tensor.grad


@dataclass(frozen=True)
class TensorActivation:
    """An activation a(z) of tensors.

    Attributes:
        apply: returns a(z).
        write: takes z and a second tensor, and writes a(z) into the second one.
        backward: takes the gradient in a, z and a, and replaces the first by the gradient in z, in place.
        is_monotonic: whether a(z) is nondecreasing. Activation and max-pooling may then change their order.
    """

    apply: Callable[[torch.Tensor], torch.Tensor]
    write: Callable[[torch.Tensor, torch.Tensor], object]
    backward: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], object]
    is_monotonic: bool = True

    def pooled(self, z: torch.Tensor) -> torch.Tensor:
        """Apply the activation and 2 x 2 max-pooling to images (sample, channel, row, column).

        A monotonic activation follows the pooling: the result is the same, with a quarter of the work.
        """
        return self.apply(F.max_pool2d(z, 2)) if self.is_monotonic else F.max_pool2d(self.apply(z), 2)


ACTIVATIONS = {
    "relu": TensorActivation(
        torch.relu,
        lambda z, a: torch.clamp_min(z, 0, out=a),
        lambda gradient, z, a: _aten.threshold_backward(gradient, a, 0, grad_input=gradient),
    ),
    "tanh": TensorActivation(
        torch.tanh,
        lambda z, a: torch.tanh(z, out=a),
        lambda gradient, z, a: _aten.tanh_backward(gradient, a, grad_input=gradient),
    ),
    "gelu": TensorActivation(
        F.gelu,
        lambda z, a: a.copy_(F.gelu(z)),
        lambda gradient, z, a: _aten.gelu_backward(gradient, z, grad_input=gradient),
        is_monotonic=False,
    ),
}


@dataclass(frozen=True)
class TensorLoss:
    """A loss of networks with K classes.

    Attributes:
        name: one of ``sgd_valleys.recipe.LOSSES``.
        factor: returns a factor c for K classes. With the softmax p of the logits z, the gradient of a sample's loss is
            c (p - onehot) in z (``cross_entropy``), c (z - onehot) in z (``mse``), or c (p - onehot) in p
            (``mse_softmax``).
        descend: returns -s dl/dz (replica, K, sample) with a scale s. The arguments are the logits z
            (replica, K, sample), the target (replica, K, sample), and c s. The target is c s at the label and else 0.
        mean: returns the mean loss (replica) of logits (replica, K, sample) and labels (sample).
        per_sample: returns the losses (sample) of logits (sample, K) and labels (sample), differentiable by autograd.
        total: returns the sum of ``per_sample``.
    """

    name: str
    factor: Callable[[int], float]
    descend: Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]
    mean: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    per_sample: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    total: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _descend_cross_entropy(z: torch.Tensor, target: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.add(target, torch.softmax(z, dim=1), alpha=-scale)  # dl/dz = p - onehot


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
    """Derive ``mean`` and ``total`` of a loss from ``per_sample``."""
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
    """Compute the logits (sample, class) of inputs in the network's form, differentiable by autograd."""
    return logits_from_first(network, parameters, preactivation(network, parameters, 1, inputs))


def logits_from_first(network: Network, parameters: Mapping[str, torch.Tensor], z: torch.Tensor) -> torch.Tensor:
    """Compute the logits (sample, class) from the preactivations ``z`` of the first layer, like :func:`logits`."""
    activation = ACTIVATIONS[network.activation]
    for k in range(2, network.depth + 1):
        h = activation.apply(z) if k - 1 in network.dense_layers else activation.pooled(z)
        z = preactivation(network, parameters, k, h)
    return z


def preactivation(
    network: Network, parameters: Mapping[str, torch.Tensor], layer: int, h: torch.Tensor
) -> torch.Tensor:
    """Compute the outputs (sample, ...) of a layer before the activation from its inputs ``h`` (sample, ...)."""
    weight, bias = (parameters[f"layer{layer}_{kind}"] for kind in ("weight", "bias"))
    if layer in network.dense_layers:
        return F.linear(h.flatten(1), weight, bias)
    return F.conv2d(h, weight, bias, padding=1)
