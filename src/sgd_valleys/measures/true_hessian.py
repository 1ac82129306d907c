"""The true Hessian of the training loss in one layer's weights, by automatic differentiation.

The loss of sample n depends on the layer's weights W through its preactivations z_n = W h_n + b alone. With A_n the
Hessian (out, out) of that loss in z_n, and V of the shape of W,

    H V = mean_n  A_n (V h_n) h_n^T.

Nothing is assumed of activation and loss. H may have negative eigenvalues. All arrays are float64.
"""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.networks.network import Linearization

SLICE = 1000  # samples that are differentiated at once, which bounds the memory


class TrueHessian(LinearOperator):
    """The Hessian (out * in, out * in) of the mean loss in one layer's weights, flattened row by row.

    Args:
        linear: linearization of the network at the point.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        labels: (sample) classes.
    """

    def __init__(self, linear: Linearization, loss: str, labels: np.ndarray) -> None:
        self.linear, self.loss, self.labels = linear, loss, labels
        size = linear.out * linear.inputs.shape[1]
        super().__init__(np.dtype(np.float64), (size, size))

    @property
    def is_finite(self) -> bool:
        """Whether the network's outputs are finite, so that the matrix is."""
        return bool(np.isfinite(self.linear.logits).all())

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        h = self.linear.inputs
        return (self._times(h @ v.reshape(self.linear.out, -1).T).T @ h).ravel() / len(h)

    def _times(self, tangent: np.ndarray) -> np.ndarray:
        """Compute A_n t_n (sample, out) as the derivative of the gradient in z_n along t_n."""
        import torch  # here, since a Gauss-Newton matrix does without
        from torch.func import grad, jvp

        from sgd_valleys.networks.tensor_functions import ACTIVATIONS, LOSSES

        activate, upper = ACTIVATIONS[self.linear.activation].apply, self.linear.upper_layers
        layers = [(torch.from_numpy(weight).T, torch.from_numpy(bias)) for weight, bias in upper]

        def total(z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            for weight, bias in layers:
                z = activate(z) @ weight + bias
            return LOSSES[self.loss].total(z, labels)

        arrays = (self.linear.preactivation, tangent, self.labels)
        parts = zip(*(torch.from_numpy(np.ascontiguousarray(array)).split(SLICE) for array in arrays), strict=True)
        found = [jvp(grad(lambda z, y=y: total(z, y)), (z,), (t,))[1].numpy() for z, t, y in parts]
        return np.concatenate(found)

    def _columns(self) -> Iterator[np.ndarray]:
        """Yield the columns A_n e_o (sample, out) for every unit o of the layer."""
        for unit_vector in np.eye(self.linear.out):
            yield self._times(np.broadcast_to(unit_vector, self.linear.preactivation.shape))

    def blocks(self) -> np.ndarray:
        """Compute A (sample, out, out)."""
        return np.stack(list(self._columns()), axis=2)

    def trace(self) -> float:
        """Compute the trace, mean_n Tr(A_n) |h_n|^2, in units of the loss."""
        h = self.linear.inputs
        diagonal = sum(column[:, o] for o, column in enumerate(self._columns()))
        return float(diagonal @ np.einsum("ni,ni->n", h, h) / len(h))

    def block_traces(self) -> np.ndarray:
        """Compute the traces (out, out) of the blocks of each two units, mean_n |h_n|^2 A_n."""
        h = self.linear.inputs
        length = np.einsum("ni,ni->n", h, h)
        return np.stack([length @ column for column in self._columns()]) / len(h)

    def dense(self) -> np.ndarray:
        """Compute the whole matrix, mean_n A_n (x) h_n h_n^T."""
        h = self.linear.inputs
        blocks = [(column[:, :, None] * h[:, None, :]).reshape(len(h), -1).T @ h for column in self._columns()]
        return np.concatenate(blocks, axis=1) / len(h)

    def spectrum(self) -> np.ndarray:
        """Compute all eigenvalues, in descending order."""
        return eigh(self.dense(), eigvals_only=True, driver="evd", check_finite=False)[::-1]
