"""Softmax and cross-entropy."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Convert logits (..., class) to probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the mean cross-entropy of logits (..., sample, class) and labels (sample): (...) in nat."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    # exactly 0 where the sample is classified correctly, so that nothing cancels
    own_class = shifted[..., np.arange(len(labels)), labels]
    return (np.log(np.exp(shifted).sum(axis=-1)) - own_class).mean(axis=-1)
