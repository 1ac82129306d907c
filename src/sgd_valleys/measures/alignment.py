"""Alignment of two networks by permutations of hidden units, which leave the function of a network unchanged.

A permutation of the units of a hidden layer permutes the rows of its weights, its biases, and the columns of the
weights of the next layer. The units of a convolution are its channels. A flattened feature map has the pixels of a
channel side by side, such that the columns of the first fully connected layer move in blocks.

Source: weight matching of Ainsworth, Hayase and Srinivasa, "Git Re-Basin" (2023).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from sgd_valleys.measures.paths import pair_lines
from sgd_valleys.networks.network import Network, Parameters

RELATIVE_GAIN = 1e-12  # of the squared norm: smaller gains of an assignment are rounding errors

Layer = tuple[np.ndarray, np.ndarray]  # weights (out, in, block) and biases (out), float64


@dataclass(frozen=True)
class Alignment:
    """A network whose hidden units are permuted to match those of another one.

    Attributes:
        parameters: of the permuted network, by name; its function is that of the network before.
        permutations: of each hidden layer (unit); unit k is unit ``permutation[k]`` of the network before.
    """

    parameters: dict[str, np.ndarray]
    permutations: tuple[np.ndarray, ...]

    @property
    def moved(self) -> int:
        """The number of hidden units that change their place."""
        return sum(int((order != np.arange(len(order))).sum()) for order in self.permutations)


def align(target: Parameters, other: Parameters) -> Alignment:
    """Permute the hidden units of one network for a large inner product of its parameters with those of another.

    The inner product decides the distance, since permutations change no norm. Coordinate descent takes the layers in
    turn, first to last. Each step is the optimal assignment of one layer's units with all other layers fixed. The
    descent ends where no layer's assignment has a larger inner product.

    Two descents run, and the better end is returned. One starts from the identity, such that the result is never
    farther from ``target`` than ``other`` is. The other starts from assignments by incoming weights alone, first layer
    to last. It recovers every permutation of ``target`` exactly if the units of each layer differ in these weights.

    Args:
        target: parameters by name, which are not permuted.
        other: parameters of the same shapes, of fully connected or convolutional layers.
    """
    fixed = _layers(target)
    moving = _layers(other)
    identity = [np.arange(len(bias)) for _, bias in moving[:-1]]
    ends = [_descend(fixed, moving, start) for start in (identity, _from_below(fixed, moving))]
    best = max(ends, key=lambda orders: _inner_product(fixed, moving, orders))  # the first of equal ones
    return Alignment(permute(other, best), tuple(best))


def permute(parameters: Parameters, permutations: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the parameters of a network with its hidden units permuted; the function stays the same.

    Args:
        parameters: by name.
        permutations: of each hidden layer (unit); unit k becomes what unit ``permutation[k]`` was.
    """
    permuted = {}
    for k, layer in enumerate(_permuted(_layers(parameters, dtype=None), permutations), start=1):
        for name, array in zip((f"layer{k}_weight", f"layer{k}_bias"), layer, strict=True):
            permuted[name] = array.reshape(parameters[name].shape)
    return permuted


def aligned_lines(
    network: Network,
    solutions: Sequence[Parameters],
    pairs: np.ndarray,
    samples: tuple[np.ndarray, np.ndarray],
    alpha: np.ndarray,
    progress: Callable[[], object] = lambda: None,
    loss: str = "cross_entropy",
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the loss along the line between the two solutions of each pair, with the second aligned to the first.

    Arguments are those of :func:`sgd_valleys.measures.paths.pair_lines`.

    Returns:
        losses (pair, point), and the number of hidden units that move (pair).
    """
    lines, moved = np.empty((len(pairs), len(alpha))), np.empty(len(pairs), dtype=int)
    for k, (i, j) in enumerate(pairs.tolist()):
        aligned = align(solutions[i], solutions[j])
        ends = [solutions[i], aligned.parameters]
        lines[k] = pair_lines(network, ends, np.array([[0, 1]]), samples, alpha, loss=loss)[0]
        moved[k] = aligned.moved
        progress()
    return lines, moved


def _layers(parameters: Parameters, dtype: type | None = np.float64) -> list[Layer]:
    """Return weights and biases with the same axes for all kinds of layers; the first layer has one block."""
    layers, units = [], 1
    for k in range(1, len(parameters) // 2 + 1):
        weight, bias = (np.asarray(parameters[f"layer{k}_{kind}"], dtype) for kind in ("weight", "bias"))
        layers.append((weight.reshape(len(weight), units, -1), bias))
        units = len(weight)
    return layers


def _permuted(layers: Sequence[Layer], orders: Sequence[np.ndarray]) -> list[Layer]:
    """Permute the hidden units of layers; the inputs and the classes stay."""
    below = [np.arange(1), *orders]
    above = [*orders, np.arange(len(layers[-1][1]))]
    return [(w[rows][:, columns], b[rows]) for (w, b), rows, columns in zip(layers, above, below, strict=True)]


def _inner_product(fixed: Sequence[Layer], moving: Sequence[Layer], orders: Sequence[np.ndarray]) -> float:
    pairs = zip(fixed, _permuted(moving, orders), strict=True)
    return sum(float(np.vdot(a, b)) for one, other in pairs for a, b in zip(one, other, strict=True))


def _incoming(one: Layer, other: Layer) -> np.ndarray:
    """Return the inner products (unit, unit) of the weights and biases into the units of one layer."""
    (a, a_bias), (b, b_bias) = one, other
    return a.reshape(len(a), -1) @ b.reshape(len(b), -1).T + np.outer(a_bias, b_bias)


def _outgoing(one: Layer, other: Layer) -> np.ndarray:
    """Return the inner products (unit, unit) of the weights of the next layer out of the units of one layer."""
    a, b = (np.moveaxis(weight, 1, 0).reshape(weight.shape[1], -1) for weight, _ in (one, other))
    return a @ b.T


def _assign(gain: np.ndarray) -> np.ndarray:
    return linear_sum_assignment(gain, maximize=True)[1]


def _from_below(fixed: Sequence[Layer], moving: Sequence[Layer]) -> list[np.ndarray]:
    """Assign the units of each hidden layer, first to last, by their incoming weights from those assigned before."""
    orders: list[np.ndarray] = []
    columns = np.arange(1)
    for one, (weight, bias) in zip(fixed[:-1], moving[:-1], strict=True):
        columns = _assign(_incoming(one, (weight[:, columns], bias)))
        orders.append(columns)
    return orders


def _descend(fixed: Sequence[Layer], moving: Sequence[Layer], start: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Improve assignments by coordinate descent to a fixed point."""
    orders = list(start)
    smallest = RELATIVE_GAIN * sum(float(np.vdot(w, w) + np.vdot(b, b)) for w, b in fixed)
    improved = True
    while improved:
        improved = False
        for k, order in enumerate(orders):
            units = np.arange(len(order))
            others = [*orders[:k], units, *orders[k + 1 :]]  # this layer in its own order
            now = _permuted(moving, others)
            gain = _incoming(fixed[k], now[k]) + _outgoing(fixed[k + 1], now[k + 1])
            new = _assign(gain)
            if gain[units, new].sum() > gain[units, order].sum() + smallest:
                orders[k], improved = new, True
    return orders
