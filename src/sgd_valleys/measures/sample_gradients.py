"""The gradients of every sample's loss in the weights of fully connected layers, without an array (sample, parameter).

The gradient of sample n in a layer's weights is g_n = d_n h_n^T. Here h_n is the layer's input, and d_n the gradient in
its preactivations. Biases are a further column of the weights with input 1. All arrays are float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.networks.layers import check_dense_layers
from sgd_valleys.networks.network import Linearization, Network, Parameters

SLICE = 1_000  # samples that are processed at once; bounds the memory
Factors = tuple[np.ndarray, np.ndarray]  # d (sample, out) and h (sample, in) of a layer


def slices(M: int) -> list[slice]:
    """Divide M samples into parts of at most ``SLICE``."""
    return [slice(start, start + SLICE) for start in range(0, M, SLICE)]


def linearize(
    network: Network, parameters: Parameters, inputs: np.ndarray, layers: Sequence[int], biases: bool = False
) -> list[Linearization]:
    """Linearize the logits of inputs in the weights of some fully connected layers, first layer first.

    Args:
        network: the architecture.
        parameters: by name, float64.
        inputs: (sample, ...) in the network's form, float64.
        layers: numbers of the layers, counted from 1.
        biases: whether the biases are a further column of the weights.

    Raises:
        UserError: no layer is given, a layer is named twice, or a layer is not fully connected.
    """
    check_dense_layers(network, layers)
    found = [network.linearize(parameters, inputs, layer) for layer in sorted(layers)]
    if not biases:
        return found
    return [replace(each, inputs=np.pad(each.inputs, ((0, 0), (0, 1)), constant_values=1.0)) for each in found]


@dataclass(frozen=True)
class SampleGradients:
    """Vectors g_n (parameter) of all samples n, flattened layer after layer, each layer's matrix row by row.

    Attributes:
        factors: d (sample, out) and h (sample, in) of each layer, g_n = d_n h_n^T.
    """

    factors: tuple[Factors, ...]

    @classmethod
    def of(cls, linear: Sequence[Linearization], cotangent: np.ndarray) -> "SampleGradients":
        """Propagate ``cotangent`` (sample, class), such as a gradient in the logits, back to the weights of layers."""
        return cls(tuple((each.vjp(cotangent), each.inputs) for each in linear))

    @property
    def samples(self) -> int:
        """Number of samples M."""
        return len(self.factors[0][0])

    @cached_property
    def size(self) -> int:
        """Number of weights P."""
        return sum(d.shape[1] * h.shape[1] for d, h in self.factors)

    def project(self, V: np.ndarray) -> np.ndarray:
        """Compute g_n^T v (sample, vector) with vectors V (parameter, vector)."""
        found, k = np.zeros((self.samples, V.shape[1])), V.shape[1]
        for (d, h), own in zip(self.factors, self._split(V), strict=True):
            out = d.shape[1]
            wide = own.reshape(out, -1, k).transpose(1, 0, 2).reshape(-1, out * k)
            for part in slices(self.samples):
                found[part] += (d[part, None] @ (h[part] @ wide).reshape(-1, out, k))[:, 0]
        return found

    def combine(self, weight: np.ndarray) -> np.ndarray:
        """Compute sum_n w_n g_n (parameter, vector) with weights (sample, vector)."""
        found, k = [], weight.shape[1]
        for d, h in self.factors:
            own = sum(
                h[part].T @ (d[part, :, None] * weight[part, None, :]).reshape(-1, d.shape[1] * k)
                for part in slices(self.samples)
            )
            found.append(own.reshape(-1, d.shape[1], k).transpose(1, 0, 2).reshape(-1, k))
        return np.concatenate(found)

    def means(self, index: np.ndarray) -> np.ndarray:
        """Compute the mean of g_n (minibatch, parameter) over the samples of minibatches (minibatch, sample)."""
        B = index.shape[1]
        sums = [(d[index].transpose(0, 2, 1) @ h[index]).reshape(len(index), -1) for d, h in self.factors]
        return np.hstack(sums) / B

    def gram(self, rows: slice = slice(None), other: "SampleGradients | None" = None) -> np.ndarray:
        """Compute g_n^T g_m (rows, sample); the g_m are those of ``other`` if given."""
        pairs = zip(self.factors, (other or self).factors, strict=True)
        return sum((d[rows] @ d2.T) * (h[rows] @ h2.T) for (d, h), (d2, h2) in pairs)

    def lengths(self) -> np.ndarray:
        """Compute |g_n|^2 (sample)."""
        return sum((d**2).sum(axis=1) * (h**2).sum(axis=1) for d, h in self.factors)

    def dense(self) -> np.ndarray:
        """Compute the whole array (sample, parameter)."""
        return np.hstack([(d[:, :, None] * h[:, None, :]).reshape(len(d), -1) for d, h in self.factors])

    def _split(self, V: np.ndarray) -> list[np.ndarray]:
        """Divide vectors (parameter, vector) into those of each layer."""
        sizes = [d.shape[1] * h.shape[1] for d, h in self.factors]
        return np.split(V, np.cumsum(sizes)[:-1])


class Covariance(LinearOperator):
    """C = mean_n (g_n - g)(g_n - g)^T (parameter, parameter), with the mean g of the gradients g_n of M samples.

    The operator computes only products, C V = mean_n g_n (g_n - g)^T V.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> gradients = SampleGradients(((rng.normal(size=(8, 2)), rng.normal(size=(8, 3))),))
    >>> C = Covariance(gradients)
    >>> bool(np.allclose(C @ np.eye(6), np.cov(gradients.dense().T, bias=True)))
    True
    """

    def __init__(self, gradients: SampleGradients) -> None:
        self.gradients, M = gradients, gradients.samples
        self.mean = gradients.combine(np.full((M, 1), 1 / M))  # (parameter, 1)
        self.onto_mean = gradients.project(self.mean)  # g_n^T g (sample, 1)
        super().__init__(np.dtype(np.float64), (gradients.size, gradients.size))

    def project(self, V: np.ndarray) -> np.ndarray:
        """Compute (g_n - g)^T v (sample, vector) with vectors V (parameter, vector)."""
        found = self.gradients.project(V)
        return found - found.mean(axis=0)

    def along(self, V: np.ndarray) -> np.ndarray:
        """Compute v^T C v (vector) with vectors V (parameter, vector)."""
        return (self.project(V) ** 2).mean(axis=0)

    def gram(self, rows: slice = slice(None)) -> np.ndarray:
        """Compute (g_n - g)^T (g_m - g) (rows, sample). Divided by M it has C's nonzero eigenvalues."""
        a = self.onto_mean
        return self.gradients.gram(rows) - a[rows] - a.T + a.mean()

    def trace(self) -> float:
        """Compute mean_n |g_n - g|^2."""
        return float(self.gradients.lengths().mean() - self.onto_mean.mean())

    def _matmat(self, V: np.ndarray) -> np.ndarray:
        return self.gradients.combine(self.project(V)) / self.gradients.samples

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        return self._matmat(v.reshape(-1, 1))
