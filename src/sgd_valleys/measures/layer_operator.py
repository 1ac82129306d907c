"""Base class of the Hessians of one layer's weights."""

from abc import abstractmethod

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.measures.sample_gradients import slices
from sgd_valleys.measures.spectra import eigenvalues_by_rank
from sgd_valleys.networks.network import Linearization

LARGEST_DENSE = 10_000  # weights up to which the spectrum is that of a dense matrix (800 MB)


class LayerOperator(LinearOperator):
    """A symmetric matrix (out * in, out * in) of one layer's weights, flattened row by row.

    Args:
        linear: linearization of the network at the point.
    """

    def __init__(self, linear: Linearization) -> None:
        self.linear = linear
        size = linear.out * linear.inputs.shape[1]
        super().__init__(np.dtype(np.float64), (size, size))

    @property
    def is_finite(self) -> bool:
        """Whether the network's outputs, and therefore the matrix, are finite."""
        return bool(np.isfinite(self.linear.logits).all())

    def _lengths(self) -> np.ndarray:
        """Compute |h_n|^2 (sample) of the layer's inputs."""
        return np.einsum("ni,ni->n", self.linear.inputs, self.linear.inputs)

    @abstractmethod
    def blocks(self, part: slice = slice(None)) -> np.ndarray:
        """Compute A (sample, out, out) of some samples; the matrix is mean_n A_n (x) h_n h_n^T with the inputs h_n."""

    def dense(self) -> np.ndarray:
        """Compute the dense matrix by blocks of two units; the time is proportional to its entries and the samples."""
        out, (M, width) = self.linear.out, self.linear.inputs.shape
        blocks = np.zeros((out, width, out, width))
        for part in slices(M):
            A, h = self.blocks(part), self.linear.inputs[part]
            for o in range(out):
                rows = (A[:, o, : o + 1, None] * h[:, None, :]).reshape(len(h), -1)
                blocks[o, :, : o + 1] += (h.T @ rows).reshape(width, o + 1, width)
        blocks /= M
        for o in range(out):  # the matrix and its blocks are symmetric
            blocks[:o, :, o] = blocks[o, :, :o].transpose(1, 2, 0)
        return blocks.reshape(self.shape)

    @property
    def spectrum_method(self) -> str:
        """Method of :meth:`spectrum`, "dense" or "Lanczos quadrature"."""
        return "dense" if self.shape[0] <= LARGEST_DENSE else "Lanczos quadrature"

    def spectrum(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Compute all eigenvalues (parameter), in descending order.

        The time of a dense matrix's eigenvalues grows with the cube of the weights, and its memory with the square.
        With more than ``LARGEST_DENSE`` weights ``spectra.eigenvalues_by_rank`` therefore estimates the eigenvalues.

        Args:
            rng: draws the vectors of the estimate; by default a generator with seed 0.
        """
        if self.spectrum_method == "dense":
            return eigh(self.dense(), eigvals_only=True, driver="evd", check_finite=False, overwrite_a=True)[::-1]
        return eigenvalues_by_rank(self, rng or np.random.default_rng(0))
