"""The activations of a stack, with hand-written gradients. ``sgd_valleys.networks.activation`` has those of NumPy."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

_aten = torch.ops.aten


@dataclass(frozen=True)
class StackActivation:
    """An activation a(z) of a stack.

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


ACTIVATIONS = {
    "relu": StackActivation(
        torch.relu,
        lambda z, a: torch.clamp_min(z, 0, out=a),
        lambda gradient, z, a: _aten.threshold_backward(gradient, a, 0),
    ),
    "tanh": StackActivation(
        torch.tanh,
        lambda z, a: torch.tanh(z, out=a),
        lambda gradient, z, a: _aten.tanh_backward(gradient, a),
    ),
    "gelu": StackActivation(
        F.gelu,
        lambda z, a: a.copy_(F.gelu(z)),
        lambda gradient, z, a: _aten.gelu_backward(gradient, z),
        is_monotonic=False,
    ),
}
