"""The Hessian of the training loss with respect to one layer's weights, as an operator.

In a ReLU network the logits are piecewise linear in one layer's weights W, so with softmax
cross-entropy the Hessian is exactly the Gauss-Newton matrix: for V of the shape of W,

    H V = mean_n  J_n^T S_n J_n (V h_n) h_n^T,      S = diag(p) - p p^T,

where h_n is what the layer sees, J_n takes a change of its preactivations to one of the logits (W3 D_n
for the middle layer of three, D_n its active units), and p are the class probabilities. All in float64.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from sgd_valleys.networks.loss import softmax
from sgd_valleys.networks.network import Linearization
from sgd_valleys.storage.hdf5 import Variable


class LayerHessian(LinearOperator):
    """The Hessian (out * in, out * in) of the mean cross-entropy in one layer's weights.

    Weights are flattened row by row, as ``weight.ravel()`` does.

    >>> import numpy as np
    >>> from sgd_valleys.networks import MLP
    >>> rng = np.random.default_rng(0)
    >>> network = MLP((5, 4, 3, 2))
    >>> linear = network.linearize(network.initialize(rng), rng.normal(size=(20, 5)), layer=2)
    >>> hessian = LayerHessian(linear)
    >>> hessian.shape
    (12, 12)
    >>> bool(np.isclose(np.trace(hessian.dense()), hessian.trace()))
    True
    """

    def __init__(self, linear: Linearization) -> None:
        self.linear = linear
        self.probability = softmax(linear.logits)
        size = linear.out * linear.inputs.shape[1]
        super().__init__(np.dtype(np.float64), (size, size))

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        h, p = self.linear.inputs, self.probability
        tangent = self.linear.jvp(h @ v.reshape(self.linear.out, -1).T)
        tangent *= p
        tangent -= p * tangent.sum(axis=1, keepdims=True)  # S t = p t - p (p . t)
        return (self.linear.vjp(tangent).T @ h).ravel() / len(h)

    def _factor(self) -> Iterator[np.ndarray]:
        """(sample, out) q_c, a class after the other, with J_n^T S_n J_n = sum_c q_nc q_nc^T.

        From S = L L^T with L = diag(sqrt p) - p sqrt(p)^T.
        """
        p = self.probability
        root = np.sqrt(p)
        for c, one in enumerate(np.eye(p.shape[1])):
            yield self.linear.vjp(root[:, [c]] * (one - p))

    def trace(self) -> float:
        """The trace in closed form, mean_n sum_c |q_nc|^2 |h_n|^2."""
        h = self.linear.inputs
        length = np.einsum("ni,ni->n", h, h)
        return float(sum(np.einsum("no,no->n", q, q) @ length for q in self._factor()) / len(h))

    def dense(self) -> np.ndarray:
        """The whole matrix: the sum over classes of (q_nc h_n)^T (q_nc h_n), each one product over the samples."""
        h = self.linear.inputs
        rows = np.concatenate([(q[:, :, None] * h[:, None, :]).reshape(len(h), -1) for q in self._factor()])
        return rows.T @ rows / len(h)

    def spectrum(self) -> np.ndarray:
        """All eigenvalues, in descending order."""
        return eigh(self.dense(), eigvals_only=True, driver="evd", check_finite=False)[::-1]


@dataclass(frozen=True)
class Top:
    """The largest eigenvalues, descending, NaN where they could not be had, and why they could not."""

    eigenvalue: np.ndarray
    failure: str | None = None


def top_eigenvalues(hessian: LayerHessian, N: int, rng: np.random.Generator, tolerance: float = 1e-6) -> Top:
    """The N largest eigenvalues by Lanczos iteration, every one with its residual checked.

    Args:
        hessian: the operator.
        N: how many.
        rng: of the start vector.
        tolerance: largest accepted |H v - lambda v| relative to the largest eigenvalue.
    """
    nothing = np.full(N, np.nan)
    if not np.isfinite(hessian.probability).all():
        return Top(nothing, "the network's output is not finite")
    start = rng.standard_normal(hessian.shape[0])
    if not hessian.matvec(start).any():
        return Top(nothing, "the Hessian is zero")
    try:
        # rng as well as v0: a matrix of low rank makes the iteration start anew, from a vector of its own drawing
        value, vector = eigsh(hessian, k=N, which="LA", tol=tolerance, v0=start, rng=rng)
    except ArpackError as error:
        return Top(nothing, f"Lanczos iteration did not converge: {error}")
    order = np.argsort(value)[::-1]
    value, vector = value[order], vector[:, order]
    residual = np.linalg.norm(hessian.matmat(vector) - vector * value, axis=0)
    if value[-1] <= hessian.shape[0] * np.finfo(np.float64).eps * value[0]:
        return Top(nothing, f"fewer than {N} eigenvalues are positive beyond rounding")
    if (residual > tolerance * value[0]).any():
        return Top(nothing, f"residual {residual.max() / value[0]:.1e} above {tolerance:.1e}")
    return Top(value)


def flatness(eigenvalue: np.ndarray) -> np.ndarray:
    """F = (prod of the eigenvalues along the last axis)^(-1/N), Eq. 6; NaN where one is NaN or not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        logarithm = np.log(np.where(eigenvalue > 0, eigenvalue, np.nan))
    return np.exp(-logarithm.mean(axis=-1))


def variables(eigenvalue: np.ndarray, trace: np.ndarray, axes: tuple[str, ...], layer: int) -> dict[str, Variable]:
    """Top eigenvalues (..., rank) and traces (...) with these axes, as they are stored, and the flatness of them."""
    return {
        "eigenvalue": Variable((*axes, "rank"), eigenvalue, f"largest eigenvalues of the layer-{layer} Hessian", "nat"),
        "trace": Variable(axes, trace, f"trace of the layer-{layer} Hessian", "nat"),
        "flatness": Variable(axes, flatness(eigenvalue), "flatness F, Eq. 6", "1/nat"),
    }
