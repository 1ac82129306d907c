"""Softmax cross-entropy."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean softmax cross-entropy of logits (..., sample, class) and labels (sample): (...)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    own = shifted[..., np.arange(len(labels)), labels]  # 0 where the sample is classified well: nothing cancels
    return (np.log(np.exp(shifted).sum(axis=-1)) - own).mean(axis=-1)
