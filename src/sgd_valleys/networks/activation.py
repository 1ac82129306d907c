"""Activations of NumPy arrays, and their derivatives.

The module ``networks.tensor_functions`` has the activations of tensors.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Activation:
    """An elementwise activation a(z).

    Attributes:
        value: returns a(z).
        derivative: returns da/dz.
        second_derivative: returns d^2a/dz^2; None for a piecewise linear activation.
        is_monotonic: whether a(z) is nondecreasing. Activation and max-pooling may then change their order.
    """

    value: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]
    second_derivative: Callable[[np.ndarray], np.ndarray] | None
    is_monotonic: bool = True


def _normal_distribution(z: np.ndarray) -> np.ndarray:
    from scipy.special import erf  # here, since SciPy imports slowly and the configuration does not need it

    return (1 + erf(z / np.sqrt(2, dtype=z.dtype))) / 2


def _normal_density(z: np.ndarray) -> np.ndarray:
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi, dtype=z.dtype)


ACTIVATIONS = {
    "relu": Activation(lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype), None),
    "tanh": Activation(np.tanh, lambda z: 1 - np.tanh(z) ** 2, lambda z: -2 * np.tanh(z) * (1 - np.tanh(z) ** 2)),
    # the exact form, z times the normal distribution function, as torch.nn.GELU by default
    "gelu": Activation(
        lambda z: z * _normal_distribution(z),
        lambda z: _normal_distribution(z) + z * _normal_density(z),
        lambda z: (2 - z**2) * _normal_density(z),
        is_monotonic=False,
    ),
}
