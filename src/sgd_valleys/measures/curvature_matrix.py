"""Traces, norms and inner products of curvature matrices (parameter, parameter), without the matrices where possible.

A curvature matrix H of the weights of one layer is mean_n A_n (x) h_n h_n^T, with the layer's input h_n and a symmetric
A_n (out, out) for each sample (:mod:`~sgd_valleys.measures.curvature`, :mod:`~sgd_valleys.measures.true_hessian`). The
inner product of two such matrices is

    <X, Y> = mean_nm  <A_n, B_m> (h_n^T h_m)^2,

also with C + g g^T = mean_n d_n d_n^T (x) h_n h_n^T of the gradients. The matrix of several layers has no such form.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.measures.operators import NetworkCurvature, OutputCurvature
from sgd_valleys.measures.sample_gradients import Covariance, SampleGradients
from sgd_valleys.measures.spectra import Eigenpairs
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Linearization, Network, Parameters

LARGEST_DENSE = 4_000  # parameters up to which the Hessian of several layers is computed whole: 128 MB
SLICE = 1_000  # samples that are compared with all others at once
VECTORS = 50  # that are multiplied at once


class CurvatureMatrix(Protocol):
    """A symmetric matrix H (parameter, parameter)."""

    def trace(self) -> float:
        """Compute Tr H."""

    def norm(self) -> float:
        """Compute the Frobenius norm of H."""

    def power(self, C: Covariance) -> float:
        """Compute Tr(H C), the Frobenius inner product of H and a covariance of gradients."""

    def along(self, V: np.ndarray) -> np.ndarray:
        """Compute v^T H v (vector) with vectors V (parameter, vector)."""


class LayerMatrix:
    """The matrix mean_n A_n (x) h_n h_n^T of one layer.

    Args:
        blocks: A (sample, out, out), symmetric.
        h: (sample, in) inputs of the layer.
        by_sample: whether inner products are sums over pairs of samples; by default where these are fewer than the
            entries of the matrix.
    """

    def __init__(self, blocks: np.ndarray, h: np.ndarray, by_sample: bool | None = None) -> None:
        self.blocks, self.h = blocks, h
        width = h.shape[1]
        self.by_sample = len(h) <= width * (width + 1) // 2 if by_sample is None else by_sample

    def trace(self) -> float:
        """Compute mean_n Tr(A_n) |h_n|^2."""
        return float(np.trace(self.blocks, axis1=1, axis2=2) @ (self.h**2).sum(axis=1) / len(self.h))

    @cached_property
    def _packed(self) -> np.ndarray:
        return _packed(self.blocks)

    def norm(self) -> float:
        """Compute the Frobenius norm."""
        return float(np.sqrt(self._inner(self._packed)))

    def power(self, C: Covariance) -> float:
        """Compute Tr(H C) = <H, C + g g^T> - g^T H g. C is of the same layer."""
        ((d, _),) = C.gradients.factors
        return self._inner(_packed(d[:, :, None] * d[:, None, :])) - float(self.along(C.mean)[0])

    def along(self, V: np.ndarray) -> np.ndarray:
        """Compute v^T H v (vector) = mean_n z_n^T A_n z_n with z_n = V h_n."""
        found, out = [], self.blocks.shape[1]
        for start in range(0, V.shape[1], VECTORS):
            part = V[:, start : start + VECTORS]
            k = part.shape[1]
            z = (self.h @ part.reshape(out, -1, k).transpose(1, 0, 2).reshape(-1, out * k)).reshape(-1, out, k)
            found.append(np.einsum("nok,nok->k", z, self.blocks @ z) / len(self.h))
        return np.concatenate(found)

    def _inner(self, other: np.ndarray) -> float:
        """Compute the inner product with the matrix of other blocks, packed."""
        own, h, M = self._packed, self.h, len(self.h)
        if self.by_sample:
            return float(sum(np.vdot(own[part] @ other.T, (h[part] @ h.T) ** 2) for part in slices(M))) / M**2
        first, second = 0, 0
        for part in slices(M):
            products = _packed(h[part, :, None] * h[part, None, :])
            first, second = first + own[part].T @ products, second + other[part].T @ products
        return float(np.vdot(first, second)) / M**2


def slices(M: int) -> list[slice]:
    """Divide M samples into parts of at most ``SLICE``."""
    return [slice(start, start + SLICE) for start in range(0, M, SLICE)]


def _packed(blocks: np.ndarray) -> np.ndarray:
    """Return the upper triangles (sample, entry) of symmetric matrices, such that inner products are the matrices'."""
    row, column = np.triu_indices(blocks.shape[1])
    return blocks[:, row, column] * np.where(row == column, 1.0, np.sqrt(2.0))


def gauss_newton_factors(linear: Sequence[Linearization], S: OutputCurvature) -> list[SampleGradients]:
    """Compute r_c with the Gauss-Newton matrix G = mean_n sum_c r_nc r_nc^T, for each class c.

    Args:
        linear: of each layer, at the same parameters and inputs.
        S: curvature of the loss in the logits; ``OutputCurvature.roots`` has its part in G.
    """
    return [SampleGradients.of(linear, column) for column in S.roots()]


def gauss_newton_matrix(linear: Sequence[Linearization], S: OutputCurvature) -> CurvatureMatrix:
    """Return the Gauss-Newton matrix of the mean loss in the weights of some layers; see ``gauss_newton_factors``."""
    factors = gauss_newton_factors(linear, S)
    if len(linear) > 1:
        return FactoredMatrix(factors)
    q = np.stack([each.factors[0][0] for each in factors], axis=1)  # (sample, class, out)
    return LayerMatrix(q.transpose(0, 2, 1) @ q, linear[0].inputs)


class FactoredMatrix:
    """The matrix mean_n sum_c r_nc r_nc^T of several layers together.

    Args:
        factors: r_c for each class c.
    """

    def __init__(self, factors: Sequence[SampleGradients]) -> None:
        self.factors = factors

    def trace(self) -> float:
        """Compute mean_n sum_c |r_nc|^2."""
        return float(sum(each.lengths().mean() for each in self.factors))

    def norm(self) -> float:
        """Compute the Frobenius norm from the products of all pairs of vectors."""
        pairs = [(one, other) for k, one in enumerate(self.factors) for other in self.factors[: k + 1]]
        M = self.factors[0].samples
        total = sum(
            (1 if one is other else 2) * np.sum(one.gram(part, other) ** 2)
            for one, other in pairs
            for part in slices(M)
        )
        return float(np.sqrt(total)) / M

    def power(self, C: Covariance) -> float:
        """Compute Tr(G C) = mean_m sum_nc (r_nc^T (g_m - g))^2 / M."""
        M = C.gradients.samples
        total = 0.0
        for r in self.factors:
            onto_mean = r.project(C.mean)
            total += sum(np.sum((r.gram(part, C.gradients) - onto_mean[part]) ** 2) for part in slices(M))
        return float(total) / M**2

    def along(self, V: np.ndarray) -> np.ndarray:
        """Compute v^T G v (vector)."""
        return sum((each.project(V) ** 2).mean(axis=0) for each in self.factors)


class WeightHessian(LinearOperator):
    """The Hessian in the weights of some fully connected layers, in the order of ``SampleGradients``.

    The layers below the first chosen one do not move: the Hessian is that of the network from there on.

    Args:
        network: the architecture.
        parameters: by name, float64.
        linear: of each layer, first layer first, with or without a further column for the biases.
        layers: their numbers, ascending.
        labels: (sample) classes.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
    """

    def __init__(
        self,
        network: Network,
        parameters: Parameters,
        linear: Sequence[Linearization],
        layers: Sequence[int],
        labels: np.ndarray,
        loss: str,
    ) -> None:
        below = layers[0] - 1
        shapes = [network.weight_shape(k) for k in range(layers[0], network.depth + 1)]
        width = shapes[0][1]
        upper = MLP((width, *(out for out, _ in shapes)), network.activation)
        names = network.names()[2 * below :]
        renamed = {name: parameters[own] for name, own in zip(upper.names(), names, strict=True)}
        samples = linear[0].inputs[:, :width], labels
        self.whole = NetworkCurvature(upper, renamed, samples, [k - below for k in layers], loss)
        index, start = [], 0
        for each, k in zip(linear, layers, strict=True):
            out, own = shapes[k - layers[0]]
            weight, bias = np.arange(out * own).reshape(out, own), out * own + np.arange(out)[:, None]
            index.append(start + np.hstack([weight, bias] if each.inputs.shape[1] > own else [weight]).ravel())
            start += out * (own + 1)
        self.index = np.concatenate(index)
        super().__init__(np.dtype(np.float64), (len(self.index), len(self.index)))

    @property
    def is_finite(self) -> bool:
        """Whether the network's outputs are finite, so that the matrix is."""
        return self.whole.is_finite

    def _matmat(self, V: np.ndarray) -> np.ndarray:
        padded = np.zeros((self.whole.shape[0], V.shape[1]))
        padded[self.index] = V
        return (self.whole @ padded)[self.index]

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        return self._matmat(v.reshape(-1, 1))


class ProductMatrix:
    """The Hessian of several layers together, by its products with vectors.

    Args:
        operator: the Hessian.
        trace: its trace, which is the sum of those of the layers' own Hessians.
        top: some of its eigenvalues with their eigenvectors; may have failed.
        directions: (parameter, direction) random unit vectors.
        dense: whether the norm is that of the whole matrix; by default up to ``LARGEST_DENSE`` parameters. Otherwise
            the norm is an estimate: exact in the span of the eigenvectors, and in the rest P times the mean of
            |H v|^2 over the directions v without their components in the span.
    """

    def __init__(
        self,
        operator: LinearOperator,
        trace: float,
        top: Eigenpairs,
        directions: np.ndarray,
        dense: bool | None = None,
    ) -> None:
        self.operator, self._trace, self.top, self.directions = operator, trace, top, directions
        self.dense = operator.shape[0] <= LARGEST_DENSE if dense is None else dense

    def trace(self) -> float:
        """Return the trace."""
        return self._trace

    def norm(self) -> float:
        """Compute the Frobenius norm, or estimate it."""
        P, rest, inside = self.operator.shape[0], self.directions, 0.0
        if self.dense:
            return float(np.linalg.norm(self._times(np.eye(P))))
        if not self.top.failure:
            value, vector = self.top.eigenvalue, self.top.eigenvector
            rest, inside = rest - vector @ (vector.T @ rest), value @ value
        return float(np.sqrt(inside + P * np.mean(np.sum(self._times(rest) ** 2, axis=0))))

    def power(self, C: Covariance) -> float:
        """Compute Tr(H C) = mean_n (g_n - g)^T H (g_n - g), with one product for each sample."""
        total, identity = 0.0, np.eye(C.gradients.samples)
        for part in slices(len(identity)):
            deviation = C.gradients.combine(identity[:, part]) - C.mean
            total += np.vdot(deviation, self._times(deviation))
        return float(total) / len(identity)

    def along(self, V: np.ndarray) -> np.ndarray:
        """Compute v^T H v (vector)."""
        return np.sum(V * self._times(V), axis=0)

    def _times(self, V: np.ndarray) -> np.ndarray:
        return self.operator.matmat(V)
