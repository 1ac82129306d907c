"""The true Hessian of the training loss in one layer's weights, by automatic differentiation.

The loss of sample n depends on the layer's weights W only through the preactivations z_n = W h_n + b. With the Hessian
A_n (out, out) of this loss in z_n, and V of the shape of W,

    H V = mean_n  A_n (V h_n) h_n^T.

The formula holds for every activation and loss. H may have negative eigenvalues. All arrays are float64.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from sgd_valleys.measures.layer_operator import LayerOperator
from sgd_valleys.networks.network import Linearization

SLICE = 1000  # samples that are differentiated at once; bounds the memory


class TrueHessian(LayerOperator):
    """The Hessian (out * in, out * in) of the mean loss in one layer's weights, flattened row by row.

    Args:
        linear: linearization of the network at the point.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        labels: (sample) classes.
    """

    def __init__(self, linear: Linearization, loss: str, labels: np.ndarray) -> None:
        self.loss, self.labels = loss, labels
        super().__init__(linear)

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        h = self.linear.inputs
        return (self._times(h @ v.reshape(self.linear.out, -1).T).T @ h).ravel() / len(h)

    def _times(self, tangent: np.ndarray, part: slice = slice(None)) -> np.ndarray:
        """Compute A_n t_n (sample, out) of some samples as the derivative of the gradient in z_n along t_n."""
        import torch  # here, since a Gauss-Newton matrix needs no torch
        from torch.func import grad, jvp

        from sgd_valleys.networks.tensor_functions import ACTIVATIONS, LOSSES

        activate, upper = ACTIVATIONS[self.linear.activation].apply, self.linear.upper_layers
        layers = [(torch.from_numpy(weight).T, torch.from_numpy(bias)) for weight, bias in upper]

        def total(z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            for weight, bias in layers:
                z = activate(z) @ weight + bias
            return LOSSES[self.loss].total(z, labels)

        arrays = (self.linear.preactivation[part], tangent, self.labels[part])
        parts = zip(*(torch.from_numpy(np.ascontiguousarray(array)).split(SLICE) for array in arrays), strict=True)
        found = [jvp(grad(partial(total, labels=y)), (z,), (t,))[1].numpy() for z, t, y in parts]
        return np.concatenate(found)

    def _columns(self, part: slice = slice(None)) -> Iterator[np.ndarray]:
        """Yield the columns A_n e_o (sample, out) of some samples for every unit o of the layer."""
        shape = self.linear.preactivation[part].shape
        for unit_vector in np.eye(self.linear.out):
            yield self._times(np.broadcast_to(unit_vector, shape), part)

    def blocks(self, part: slice = slice(None)) -> np.ndarray:
        """Compute A (sample, out, out) of some samples."""
        return np.stack(list(self._columns(part)), axis=2)

    def trace(self) -> float:
        """Compute the trace, mean_n Tr(A_n) |h_n|^2, in units of the loss."""
        diagonal = sum((column[:, o] for o, column in enumerate(self._columns())), np.zeros(1))
        return float(diagonal @ self._lengths() / len(diagonal))

    def block_traces(self) -> np.ndarray:
        """Compute the traces (out, out) of the blocks of all pairs of units, mean_n |h_n|^2 A_n."""
        length = self._lengths()
        return np.stack([length @ column for column in self._columns()]) / len(length)
