"""Hessian and Gauss-Newton matrix of the mean training loss in any layers of a network, as products with vectors.

A vector contains the weights and then the biases of each layer, flattened row by row, first layer first
(:func:`flatten`). A fully connected network has preactivations z_k = W_k h_(k-1) + b_k, activations h_k = a(z_k), and
gradients d_k = dl/dz_k. The derivative R along V = (V_k, v_k) gives (Pearlmutter 1994)

    R z_k = V_k h_(k-1) + v_k + W_k R h_(k-1),      R h_k = a'(z_k) R z_k,
    R d_L = S R z_L,
    R d_k = a'(z_k) (V_(k+1)^T d_(k+1) + W_(k+1)^T R d_(k+1)) + a''(z_k) R z_k (W_(k+1)^T d_(k+1)),
    (H V)_k = mean_n  R d_k h_(k-1)^T + d_k R h_(k-1)^T.

Here S is the Hessian of the loss in the logits. The biases' part of H V is mean_n R d_k. The Gauss-Newton matrix omits
the terms with a'', V^T d and d R h^T. Convolutional networks use automatic differentiation. All arrays are float64.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.errors import UserError
from sgd_valleys.measures.output_curvature import CONVEX, OutputCurvature
from sgd_valleys.networks.activation import ACTIVATIONS
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network, Parameters

CACHE_BYTES = 2**20  # of a layer's activations for a block of vectors; larger blocks are slower
SLICE = 500  # images that a convolutional network differentiates at once; bounds the memory
Layers = Sequence[int]


def flatten(parameters: Parameters, layers: Layers) -> np.ndarray:
    """Return the parameters of some layers, each (..., shape), as one vector (..., parameter)."""
    arrays = [parameters[f"layer{k}_{kind}"] for k in layers for kind in ("weight", "bias")]
    leading = arrays[1].shape[:-1]
    return np.concatenate([array.reshape(*leading, -1) for array in arrays], axis=-1)


def unflatten(network: Network, vector: np.ndarray, layers: Layers) -> dict[str, np.ndarray]:
    """Return the arrays (..., shape) of ``vector`` (..., parameter) by name; the inverse of :func:`flatten`."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k in layers:
        weight = network.weight_shape(k)
        shapes |= {f"layer{k}_weight": weight, f"layer{k}_bias": weight[:1]}
    parts = np.split(vector, np.cumsum([prod(shape) for shape in shapes.values()])[:-1], axis=-1)
    return {name: part.reshape(*vector.shape[:-1], *shapes[name]) for name, part in zip(shapes, parts, strict=True)}


def layers_of(network: Network, layers: Layers | str) -> tuple[int, ...]:
    """Return the numbers of the chosen layers in ascending order, counted from 1; "all" selects every layer.

    Raises:
        UserError: the network has no such layer.
    """
    known = range(1, network.depth + 1)
    wanted: Iterable[Any] = known if layers == "all" else layers
    chosen = tuple(sorted(set(wanted)))
    if not chosen or not set(chosen) <= set(known):
        raise UserError(
            f"layers = {layers}: not layers of the network; allowed are all, and lists of numbers from 1 to "
            f"{known[-1]}; change the list."
        )
    return chosen


class NetworkCurvature(LinearOperator):
    """The Hessian, or the Gauss-Newton matrix, of the mean loss in some layers of a network, (parameter, parameter).

    ``operator @ V`` takes one vector (parameter) or a block (parameter, vector).

    Args:
        network: architecture.
        parameters: of one network by name.
        samples: inputs (sample, ...) in the network's form, and labels (sample).
        layers: numbers of layers, counted from 1, or "all".
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        gauss_newton: whether the operator is the Gauss-Newton matrix.

    Raises:
        UserError: the network has no such layer.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> network = MLP((5, 4, 3, 2))
    >>> samples = rng.normal(size=(20, 5)), rng.integers(0, 2, 20)
    >>> hessian = NetworkCurvature(network, network.initialize(rng), samples)
    >>> hessian.shape
    (47, 47)
    """

    def __init__(
        self,
        network: Network,
        parameters: Parameters,
        samples: tuple[np.ndarray, np.ndarray],
        layers: Layers | str = "all",
        loss: str = "cross_entropy",
        gauss_newton: bool = False,
    ) -> None:
        self.network, self.loss, self.gauss_newton = network, loss, gauss_newton
        self.layers = layers_of(network, layers)
        self.parameters = {name: array.astype(np.float64) for name, array in parameters.items()}
        inputs, self.labels = samples[0].astype(np.float64), samples[1]
        size = flatten(self.parameters, self.layers).size
        super().__init__(np.dtype(np.float64), (size, size))
        own = self.parameters, inputs, self.labels, loss
        self.point: _Dense | _Convolutional
        self.point = _Dense(network, *own) if isinstance(network, MLP) else _Convolutional(network, *own)

    @property
    def is_finite(self) -> bool:
        """Whether the network's outputs, and therefore the matrix, are finite."""
        return bool(np.isfinite(self.point.logits).all())

    def _matvec(self, vector: np.ndarray) -> np.ndarray:
        return self._matmat(vector.reshape(-1, 1))[:, 0]

    def _matmat(self, block: np.ndarray) -> np.ndarray:
        found = np.empty_like(block, dtype=np.float64)
        for first in range(0, block.shape[1], self.point.vectors):
            part = slice(first, first + self.point.vectors)
            directions = unflatten(self.network, np.ascontiguousarray(block[:, part].T, dtype=np.float64), self.layers)
            found[:, part] = flatten(self.point.products(directions, self.gauss_newton), self.layers).T
        return found

    def _adjoint(self) -> "NetworkCurvature":
        return self

    def gradient(self) -> np.ndarray:
        """Return the gradient (parameter) of the mean loss in these layers."""
        return flatten(self.point.gradient(), self.layers)

    def trace(self) -> float | None:
        """Return the trace in closed form, in units of the loss; None if there is no closed form.

        The trace of the Gauss-Newton matrix of a fully connected network is

            mean_n sum_c sum_k |q_ck|^2 (|h_(k-1)|^2 + 1),

        where q_ck is column c of a root of S, propagated back to z_k. The Hessian of a ReLU network has the same trace,
        since its logits are piecewise linear in each single layer.
        """
        is_gauss_newton = self.gauss_newton or self.network.activation == "relu"
        if isinstance(self.point, _Dense) and self.loss in CONVEX and is_gauss_newton:
            return self.point.gauss_newton_trace(self.layers)
        return None


class _Dense:
    """A fully connected network at one point, with the quantities that all products with vectors share."""

    def __init__(self, network: MLP, parameters: Parameters, inputs: np.ndarray, labels: np.ndarray, loss: str) -> None:
        self.depth, self.loss, self.M = network.depth, loss, len(labels)
        self.vectors = max(1, CACHE_BYTES // (8 * self.M * max(network.sizes[1:])))
        self.weight = {k: parameters[f"layer{k}_weight"] for k in range(1, self.depth + 1)}
        activation = ACTIVATIONS[network.activation]
        self.h, self.slope, self.bend = {0: np.ascontiguousarray(inputs.T)}, {}, {}  # (unit, sample)
        for k in range(1, self.depth + 1):
            z = self.weight[k] @ self.h[k - 1] + parameters[f"layer{k}_bias"][:, None]
            if k < self.depth:
                self.h[k], self.slope[k] = activation.value(z), activation.derivative(z)
                self.bend[k] = activation.second_derivative and activation.second_derivative(z)
        self.logits = z.T
        self.S = OutputCurvature(loss, self.logits, labels)
        self.d, self.back = {self.depth: self.S.gradient.T}, {}
        for k in range(self.depth - 1, 0, -1):
            self.back[k] = self.weight[k + 1].T @ self.d[k + 1]
            self.d[k] = self.slope[k] * self.back[k]

    def gradient(self) -> dict[str, np.ndarray]:
        """Return the gradient of the mean loss by name."""
        return self._outer({k: self.d[k][None] for k in self.d}, self.h, single=True)

    def _outer(self, d: Mapping[int, np.ndarray], h: Mapping[int, np.ndarray], single: bool = False) -> dict:
        """Compute mean_n d_k h_(k-1)^T and mean_n d_k by name, of arrays (vector, unit, sample) d."""
        found: dict[str, np.ndarray] = {}
        for k, own in d.items():
            vectors, units, _ = own.shape
            weight = own.reshape(vectors * units, self.M) @ h[k - 1].T / self.M
            bias = own.mean(axis=2)
            weight = weight.reshape(vectors, units, -1)
            found |= {
                f"layer{k}_weight": weight[0] if single else weight,
                f"layer{k}_bias": bias[0] if single else bias,
            }
        return found

    def products(self, directions: Mapping[str, np.ndarray], gauss_newton: bool) -> dict[str, np.ndarray]:
        """Compute the products with directions (vector, ...), by name, for the layers of these directions."""
        chosen = sorted({int(name.removeprefix("layer").split("_")[0]) for name in directions})
        vectors = len(next(iter(directions.values())))
        Rz, Rh = {}, {}
        below = None  # R h of the layer below; None below the first direction
        for k in range(chosen[0], self.depth + 1):
            R = np.zeros(()) if below is None else self.weight[k] @ below
            if k in chosen:
                V, v = directions[f"layer{k}_weight"], directions[f"layer{k}_bias"]
                wide = V.reshape(-1, V.shape[2]) @ self.h[k - 1]  # one product for the whole block
                R = wide.reshape(vectors, -1, self.M) + v[:, :, None] + R
            Rz[k] = R
            if k < self.depth:
                below = Rh[k] = self.slope[k] * R
        Rd = {self.depth: self.S.times(Rz[self.depth])}
        for k in range(self.depth - 1, chosen[0] - 1, -1):
            inner = self.weight[k + 1].T @ Rd[k + 1]
            if not gauss_newton and k + 1 in chosen:
                inner = inner + directions[f"layer{k + 1}_weight"].transpose(0, 2, 1) @ self.d[k + 1]
            Rd[k] = self.slope[k] * inner
            if not gauss_newton and self.bend[k] is not None:
                Rd[k] += self.bend[k] * self.back[k] * Rz[k]
        found = self._outer({k: Rd[k] for k in chosen}, self.h)
        if not gauss_newton:
            for k in chosen:
                if k - 1 in Rh:
                    found[f"layer{k}_weight"] += self.d[k] @ Rh[k - 1].transpose(0, 2, 1) / self.M
        return found

    def gauss_newton_trace(self, layers: Layers) -> float:
        """Compute the trace of the Gauss-Newton matrix in some layers."""
        length = {k: np.einsum("in,in->n", h, h) + 1 for k, h in self.h.items()}
        total = 0.0
        for column in self.S.roots():
            q = column.T
            for k in range(self.depth, 0, -1):
                if k in layers:
                    total += np.einsum("on,on->n", q, q) @ length[k - 1]
                if k > 1:
                    q = self.slope[k - 1] * (self.weight[k].T @ q)
        return float(total / self.M)


class _Convolutional:
    """A convolutional network at one point, by automatic differentiation."""

    vectors = 1  # vectors in one pass

    def __init__(
        self, network: Network, parameters: Parameters, inputs: np.ndarray, labels: np.ndarray, loss: str
    ) -> None:
        import torch  # here, since a fully connected network needs no torch

        self.network, self.loss = network, loss
        self.theta = {name: torch.from_numpy(array) for name, array in parameters.items()}
        self.inputs, self.labels = torch.from_numpy(np.ascontiguousarray(inputs)), torch.from_numpy(labels)
        self.logits = network.forward(parameters, inputs)

    def _mean_loss(self, chosen: Mapping[str, object], part: slice) -> Callable:
        from sgd_valleys.networks.tensor_functions import LOSSES, logits

        fixed = {name: tensor for name, tensor in self.theta.items() if name not in chosen}
        M = len(self.labels)

        def mean_loss(own: dict) -> object:
            return LOSSES[self.loss].total(logits(self.network, fixed | own, self.inputs[part]), self.labels[part]) / M

        return mean_loss

    def _parts(self) -> list[slice]:
        return [slice(first, first + SLICE) for first in range(0, len(self.labels), SLICE)]

    def gradient(self) -> dict[str, np.ndarray]:
        """Return the gradient of the mean loss by name."""
        from torch.func import grad

        found = [grad(self._mean_loss(self.theta, part))(self.theta) for part in self._parts()]
        return {name: sum(each[name].numpy() for each in found) for name in self.theta}

    def products(self, directions: Mapping[str, np.ndarray], gauss_newton: bool) -> dict[str, np.ndarray]:
        """Compute the products with directions (vector, ...) by name, one after another."""
        import torch

        own = {name: self.theta[name] for name in directions}
        vectors = len(next(iter(directions.values())))
        found: dict[str, list[np.ndarray]] = {name: [] for name in directions}
        for r in range(vectors):
            along = {name: torch.from_numpy(np.ascontiguousarray(array[r])) for name, array in directions.items()}
            parts = [self._product(own, along, part, gauss_newton) for part in self._parts()]
            for name in found:
                found[name].append(sum(part[name].numpy() for part in parts))
        return {name: np.stack(arrays) for name, arrays in found.items()}

    def _product(self, own: dict, along: dict, part: slice, gauss_newton: bool) -> dict:
        import torch
        from torch.func import grad, jvp, vjp

        from sgd_valleys.networks.tensor_functions import logits

        if not gauss_newton:
            return jvp(grad(self._mean_loss(own, part)), (own,), (along,))[1]
        fixed = {name: tensor for name, tensor in self.theta.items() if name not in own}

        def outputs(chosen: dict) -> torch.Tensor:
            return logits(self.network, fixed | chosen, self.inputs[part])

        z, tangent = jvp(outputs, (own,), (along,))[:2]
        S = OutputCurvature(self.loss, z.numpy(), self.labels[part].numpy())
        cotangent = S.times(tangent.numpy().T[None])[0].T / len(self.labels)
        return vjp(outputs, own)[1](torch.from_numpy(np.ascontiguousarray(cotangent)))[0]
