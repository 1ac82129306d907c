"""Softmax and the losses of a network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike


def softmax(logits: np.ndarray) -> np.ndarray:
    """Convert logits (..., class) to probabilities (..., class)."""
    shifted = np.exp(logits - _largest(logits))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the mean cross-entropy (...) in nat of logits (..., sample, class) and labels (sample)."""
    shifted = logits - _largest(logits)
    # exactly 0 for a correctly classified sample, so that no significant digits cancel
    own_class = shifted[..., np.arange(len(labels)), labels]
    return (np.log(np.exp(shifted).sum(axis=-1)) - own_class).mean(axis=-1)


def _largest(logits: np.ndarray) -> np.ndarray:
    """Return the largest logit (..., 1) of each sample, from logits (..., class)."""
    # NumPy reduces a short last axis five times as slowly as a first one
    return np.ascontiguousarray(np.moveaxis(logits, -1, 0)).max(axis=0)[..., None]


def one_hot(labels: np.ndarray, classes: int, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Return an array (sample, class) that is 1 at the label and else 0."""
    return np.eye(classes, dtype=dtype)[labels]


def mse(output: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the mean (...) of (output - onehot)^2 over samples and classes.

    Args:
        output: (..., sample, class).
        labels: (sample) classes.
    """
    return ((output - one_hot(labels, output.shape[-1], output.dtype)) ** 2).mean(axis=(-1, -2))


def mse_softmax(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the mean (...) of (p - onehot)^2 over samples and classes, with the softmax p of the logits.

    Args:
        logits: (..., sample, class).
        labels: (sample) classes.
    """
    return mse(softmax(logits), labels)


@dataclass(frozen=True)
class Loss:
    """A loss of a network.

    Attributes:
        name: one of ``sgd_valleys.recipe.LOSSES``.
        description: name of the loss in the long names of stored arrays.
        units: units of the loss.
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
