"""Alignment of two networks by permutations of hidden units, which leave the function of a network unchanged.

A permutation of a hidden layer's units permutes the biases, the rows of the weights, and the columns of the next
layer's weights. The units of a convolution are its channels. In a flattened feature map the pixels of a channel are
adjacent. The columns of the first fully connected layer therefore move in blocks.

Source: weight matching (Ainsworth, Hayase & Srinivasa 2023, "Git Re-Basin", arXiv 2209.04836).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from sgd_valleys.measures.paths import pair_lines
from sgd_valleys.networks.network import Network, Parameters

RELATIVE_GAIN = 1e-12  # of the squared norm; a smaller gain of an assignment is rounding error

Layer = tuple[np.ndarray, np.ndarray]  # weights (out, in, block) and biases (out), float64


@dataclass(frozen=True)
class Alignment:
    """A network whose hidden units are permuted to match the units of another network.

    Attributes:
        parameters: parameters of the permuted network, by name; the permutation preserves its function.
        permutations: permutation (unit) of each hidden layer; unit k was unit ``permutation[k]`` before.
    """

    parameters: dict[str, np.ndarray]
    permutations: tuple[np.ndarray, ...]

    @property
    def moved(self) -> int:
        """Number of hidden units that change their position."""
        return sum(int((order != np.arange(len(order))).sum()) for order in self.permutations)


def align(target: Parameters, other: Parameters) -> Alignment:
    """Permute the hidden units of ``other`` for a large inner product of its parameters with those of ``target``.

    A larger inner product is a smaller distance, since permutations preserve the norm. Coordinate descent visits the
    layers in turn, first to last. Each step finds the optimal assignment of one layer's units with all other layers
    fixed. The descent ends when no assignment of a single layer increases the inner product.

    Two descents run, and the better result is returned. The first starts from the identity. The result is therefore
    never farther from ``target`` than ``other`` is. The second starts from assignments by incoming weights and biases
    alone, first layer to last. The second descent recovers every permutation of ``target`` exactly if the units of each
    layer differ in these parameters.

    Args:
        target: parameters by name; they are not permuted.
        other: parameters of the same shapes, of fully connected or convolutional layers.
    """
    fixed = _layers(target)
    moving = _layers(other)
    identity = [np.arange(len(bias)) for _, bias in moving[:-1]]
    ends = [_descend(fixed, moving, start) for start in (identity, _from_below(fixed, moving))]
    best = max(ends, key=lambda orders: _inner_product(fixed, moving, orders))  # if equal, the first
    return Alignment(permute(other, best), tuple(best))


def permute(parameters: Parameters, permutations: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the parameters of a network with its hidden units permuted; the function stays the same.

    Args:
        parameters: by name.
        permutations: permutation (unit) of each hidden layer; unit k of the result is unit ``permutation[k]``.
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
        losses (pair, point) in units of the loss, and numbers (pair) of hidden units that change their position.
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
    """Return weights (out, in, block) and biases (out) of every layer; all inputs of layer 1 form one block."""
    layers, units = [], 1
    for k in range(1, len(parameters) // 2 + 1):
        weight, bias = (np.asarray(parameters[f"layer{k}_{kind}"], dtype) for kind in ("weight", "bias"))
        layers.append((weight.reshape(len(weight), units, -1), bias))
        units = len(weight)
    return layers


def _permuted(layers: Sequence[Layer], orders: Sequence[np.ndarray]) -> list[Layer]:
    """Permute the hidden units of layers; inputs and classes keep their order."""
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
    """Return the inner products (unit, unit) of the weights out of the units of one layer, given the next layer."""
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
            others = [*orders[:k], units, *orders[k + 1 :]]  # with this layer unpermuted
            now = _permuted(moving, others)
            gain = _incoming(fixed[k], now[k]) + _outgoing(fixed[k + 1], now[k + 1])
            new = _assign(gain)
            if gain[units, new].sum() > gain[units, order].sum() + smallest:
                orders[k], improved = new, True
    return orders
