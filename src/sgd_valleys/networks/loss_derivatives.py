"""Derivatives of the losses in the logits: gradients, and roots of the Gauss-Newton matrices."""

import numpy as np

from sgd_valleys.networks.loss import softmax


def gradient(loss: str, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the gradient (sample, class) of each sample's loss in its logits.

    Args:
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        logits: (sample, class).
        labels: (sample) classes.
    """
    K = logits.shape[1]
    one_hot = np.eye(K)[labels]
    if loss == "mse":
        return 2 / K * (logits - one_hot)
    p = softmax(logits)
    residual = p - one_hot
    if loss == "cross_entropy":
        return residual
    return 2 / K * p * (residual - (p * residual).sum(axis=1, keepdims=True))


def gauss_newton_roots(loss: str, logits: np.ndarray) -> np.ndarray:
    """Compute the columns of L_n with S_n = L_n L_n^T, the Gauss-Newton matrix of a sample's loss in its logits.

    S_n is the Hessian of a convex loss: diag(p) - p p^T, the Fisher matrix, for the cross-entropy with the class
    probabilities p, and 2 / K for the squared error of K logits. For the squared error of p, which is not convex in the
    logits, S_n = 2 / K (diag(p) - p p^T)^2.

    Args:
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        logits: (sample, class).

    Returns:
        (column, sample, class).
    """
    samples, K = logits.shape
    unit_vectors = np.eye(K)[:, None]
    if loss == "mse":
        return np.broadcast_to(np.sqrt(2 / K) * unit_vectors, (K, samples, K))
    p = softmax(logits)
    scale = np.sqrt(p) if loss == "cross_entropy" else np.sqrt(2 / K) * p
    return scale.T[:, :, None] * (unit_vectors - p)
