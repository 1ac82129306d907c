"""The curvature of a loss in the logits of a network."""

from functools import cached_property

import numpy as np

from sgd_valleys.networks.loss import one_hot, softmax

CONVEX = ("cross_entropy", "mse")  # losses that are convex in the logits; only these have S = L L^T


class OutputCurvature:
    """The Hessian S (class, class) of each sample's loss in the logits.

    Args:
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        logits: (sample, class).
        labels: (sample) classes; needed for the gradient, and for the curvature of a loss that is not convex.

    Attributes:
        p: (sample, class) softmax of the logits; for "mse" the logits.
    """

    def __init__(self, loss: str, logits: np.ndarray, labels: np.ndarray | None = None) -> None:
        self.loss, self.labels, classes = loss, labels, logits.shape[1]
        self.factor = 1.0 if loss == "cross_entropy" else 2 / classes
        self.p = logits if loss == "mse" else softmax(logits)

    @cached_property
    def residual(self) -> np.ndarray:
        """The derivative (sample, class) of the loss in p; for the cross-entropy, in the logits."""
        assert self.labels is not None  # callers that need the residual pass labels
        return self.factor * (self.p - one_hot(self.labels, self.p.shape[1]))

    @cached_property
    def gradient(self) -> np.ndarray:
        """The derivative (sample, class) of each sample's loss in the logits."""
        return _softmax_product(self.p, self.residual, axis=1) if self.loss == "mse_softmax" else self.residual

    def times(self, tangent: np.ndarray, part: slice = slice(None)) -> np.ndarray:
        """Compute S_n t_n (..., class, sample) of tangents t_n (..., class, sample) of some samples."""
        p = self.p[part].T
        if self.loss == "mse":
            return self.factor * tangent
        moved = _softmax_product(p, tangent, axis=-2)  # R p
        if self.loss == "cross_entropy":
            return moved
        # derivative of p (r - p . r) with R r = factor R p
        r, Rr = self.residual[part].T, self.factor * moved
        inner = (p * r).sum(axis=0)
        R_inner = (moved * r + p * Rr).sum(axis=-2, keepdims=True)
        return moved * (r - inner) + p * (Rr - R_inner)

    def roots(self) -> list[np.ndarray]:
        """Return the columns (sample, class) of L with S = L L^T, for a loss that is convex in the logits.

        For "mse_softmax", L L^T is only the positive semidefinite term 2 / K (diag(p) - p p^T)^2 of S.
        """
        classes = self.p.shape[1]
        if self.loss == "mse":
            return [np.broadcast_to(np.sqrt(self.factor) * unit, self.p.shape) for unit in np.eye(classes)]
        root = np.sqrt(self.p) if self.loss == "cross_entropy" else np.sqrt(self.factor) * self.p
        return [root[:, [c]] * (unit - self.p) for c, unit in enumerate(np.eye(classes))]


def _softmax_product(p: np.ndarray, t: np.ndarray, axis: int) -> np.ndarray:
    """Compute (diag(p) - p p^T) t along an axis of classes."""
    moved = p * t
    return moved - p * moved.sum(axis=axis, keepdims=True)
