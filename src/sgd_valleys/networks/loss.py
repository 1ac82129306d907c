"""Softmax and the losses of a network."""

from collections.abc import Callable
from dataclasses import dataclass

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


def one_hot(labels: np.ndarray, classes: int, dtype: np.dtype = np.float64) -> np.ndarray:
    """Return 1 at the label and else 0, (sample, class)."""
    return np.eye(classes, dtype=dtype)[labels]


def mse(output: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the mean of (output - onehot)^2 over samples and classes, from outputs (..., sample, class): (...)."""
    return ((output - one_hot(labels, output.shape[-1], output.dtype)) ** 2).mean(axis=(-1, -2))


def mse_softmax(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the mean of (p - onehot)^2 over samples and classes, with the softmax p of logits: (...)."""
    return mse(softmax(logits), labels)


@dataclass(frozen=True)
class Loss:
    """A loss of a network.

    Attributes:
        name: one of ``sgd_valleys.recipe.LOSSES``.
        description: for the long names of stored arrays.
        units: of the loss.
        evaluate: returns the mean loss (...) of logits (..., sample, class) and labels (sample).
    """

    name: str
    description: str
    units: str
    evaluate: Callable[[np.ndarray, np.ndarray], np.ndarray]


CROSS_ENTROPY = Loss("cross_entropy", "mean cross-entropy", "nat", cross_entropy)
LOSSES = {
    loss.name: loss
    for loss in (
        CROSS_ENTROPY,
        Loss("mse", "mean squared error of the logits", "1", mse),
        Loss("mse_softmax", "mean squared error of the softmax outputs", "1", mse_softmax),
    )
}
