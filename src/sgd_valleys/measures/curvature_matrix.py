"""Traces, norms and inner products of curvature matrices (parameter, parameter), without the matrices where possible.

A curvature matrix of one layer's weights is H = mean_n A_n (x) h_n h_n^T. Here h_n is the layer's input, and A_n
(out, out) is a symmetric matrix of sample n (:mod:`~sgd_valleys.measures.curvature`,
:mod:`~sgd_valleys.measures.true_hessian`). The inner product of two such matrices is

    <X, Y> = mean_nm  <A_n, B_m> (h_n^T h_m)^2.

The gradients' matrix C + g g^T = mean_n d_n d_n^T (x) h_n h_n^T has this form. The matrix of several layers has not.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.measures.curvature import LayerHessian
from sgd_valleys.measures.operators import NetworkCurvature
from sgd_valleys.measures.output_curvature import OutputCurvature
from sgd_valleys.measures.sample_gradients import Covariance, SampleGradients, slices
from sgd_valleys.measures.spectra import Eigenpairs
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Linearization, Network, Parameters

LARGEST_DENSE = 4_000  # parameters up to which the Hessian of several layers is a dense matrix (128 MB)
KEPT_PARTS = 4  # slices of the samples whose blocks are cached: at most 1.3 GB with 200 units
VECTORS = 50  # vectors that are multiplied at once


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
        blocks: returns A (sample, out, out) of some samples, symmetric.
        h: (sample, in) inputs of the layer.
        by_sample: whether inner products are sums over pairs of the M samples, at a cost of order M^2 out^2. Otherwise
            the cost is of order M out^2 in^2. By default True if the samples are at most the in (in + 1) / 2 products
            of two inputs.
    """

    def __init__(self, blocks: Callable[[slice], np.ndarray], h: np.ndarray, by_sample: bool | None = None) -> None:
        self.h = h
        width = h.shape[1]
        self.by_sample = len(h) <= width * (width + 1) // 2 if by_sample is None else by_sample
        self._blocks = lru_cache(KEPT_PARTS)(lambda start, stop: blocks(slice(start, stop)))

    @classmethod
    def of_gradients(cls, gradients: SampleGradients) -> "LayerMatrix":
        """Return C + g g^T = mean_n d_n d_n^T (x) h_n h_n^T of the gradients of one layer, with their mean g."""
        ((d, h),) = gradients.factors
        return cls(lambda part: d[part, :, None] * d[part, None, :], h)

    def blocks(self, part: slice) -> np.ndarray:
        """Return A (sample, out, out) of some samples."""
        return self._blocks(part.start, part.stop)

    def trace(self) -> float:
        """Compute mean_n Tr(A_n) |h_n|^2."""
        h, parts = self.h, slices(len(self.h))
        total = sum(np.trace(self.blocks(part), axis1=1, axis2=2) @ (h[part] ** 2).sum(axis=1) for part in parts)
        return float(total / len(h))

    def norm(self) -> float:
        """Compute the Frobenius norm."""
        return float(np.sqrt(self._inner(self)))

    def power(self, C: Covariance) -> float:
        """Compute Tr(H C) = <H, C + g g^T> - g^T H g, with C of the same layer and samples."""
        return self._inner(LayerMatrix.of_gradients(C.gradients)) - float(self.along(C.mean)[0])

    def along(self, V: np.ndarray) -> np.ndarray:
        """Compute v^T H v (vector) = mean_n z_n^T A_n z_n, where z_n = v h_n with v as (out, in)."""
        found = np.zeros(V.shape[1])
        for start in range(0, V.shape[1], VECTORS):
            vectors = slice(start, start + VECTORS)
            own = V[:, vectors]
            out, k = len(V) // self.h.shape[1], own.shape[1]
            wide = own.reshape(out, -1, k).transpose(1, 0, 2).reshape(-1, out * k)
            for part in slices(len(self.h)):
                z = (self.h[part] @ wide).reshape(-1, out, k)
                found[vectors] += np.einsum("nok,nok->k", z, self.blocks(part) @ z)
        return found / len(self.h)

    def _inner(self, other: "LayerMatrix") -> float:
        """Compute the inner product with another matrix of the same inputs."""
        h, M, parts = self.h, len(self.h), slices(len(self.h))
        if self.by_sample:
            total = 0.0
            for part in parts:
                own = _packed(self.blocks(part))
                for against in parts:
                    total += np.vdot(own @ _packed(other.blocks(against)).T, (h[part] @ h[against].T) ** 2)
            return float(total) / M**2
        first: Any = 0
        second: Any = 0
        for part in parts:
            products = _packed(h[part, :, None] * h[part, None, :])
            first = first + _packed(self.blocks(part)).T @ products
            second = first if other is self else second + _packed(other.blocks(part)).T @ products
        return float(np.vdot(first, second)) / M**2


def _packed(blocks: np.ndarray) -> np.ndarray:
    """Return the upper triangles (sample, entry) of symmetric matrices, scaled to preserve inner products."""
    row, column = np.triu_indices(blocks.shape[1])
    return blocks[:, row, column] * np.where(row == column, 1.0, np.sqrt(2.0))


def gauss_newton_factors(linear: Sequence[Linearization], S: OutputCurvature) -> list[SampleGradients]:
    """Compute the factors r_c of the Gauss-Newton matrix G = mean_n sum_c r_nc r_nc^T, for each class c.

    Args:
        linear: linearization of each layer, at the same parameters and inputs.
        S: curvature of the loss in the logits; G contains the part that ``OutputCurvature.roots`` returns.
    """
    return [SampleGradients.of(linear, column) for column in S.roots()]


def gauss_newton_matrix(linear: Sequence[Linearization], S: OutputCurvature) -> CurvatureMatrix:
    """Return the Gauss-Newton matrix of the mean loss in the weights of some layers; see ``gauss_newton_factors``."""
    if len(linear) > 1:
        return FactoredMatrix(gauss_newton_factors(linear, S))
    return LayerMatrix(LayerHessian(linear[0], S.loss).blocks, linear[0].inputs)


class FactoredMatrix:
    """The matrix mean_n sum_c r_nc r_nc^T of several layers together.

    Args:
        factors: r_c for each class c; see :func:`gauss_newton_factors`.
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
        """Compute Tr(G C) = mean_nm sum_c (r_nc^T (g_m - g))^2."""
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

    The layers below the first chosen layer are fixed. The Hessian is therefore that of the network above them.

    Args:
        network: the architecture.
        parameters: by name, float64.
        linear: linearization of each layer, first layer first. Inputs with a further column of 1 include the biases.
        layers: numbers of the layers, ascending.
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
        """Whether the network's outputs, and therefore the matrix, are finite."""
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
        trace: trace of the Hessian, the sum of the traces of the layers' own Hessians.
        top: largest eigenvalues of the Hessian with their eigenvectors; their computation may have failed.
        directions: (parameter, direction) random unit vectors.
        dense: whether to compute the norm from the dense matrix; by default up to ``LARGEST_DENSE`` parameters P.
            Otherwise the norm is an estimate. The squared norm is exact in the span of the eigenvectors. The rest is P
            times the mean of |H v|^2 over the directions v without their components in the span.
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
