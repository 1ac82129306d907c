"""How well trained networks do on images."""

import numpy as np

from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.network import Network, Parameters


def score(
    network: Network, parameters: Parameters, inputs: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Loss and accuracy of several networks, one after another so that few activations are in memory at once.

    Args:
        network: their architecture.
        parameters: by name, (run, ...).
        inputs: (sample, ...) in the form that the network takes.
        labels: (sample) classes.

    Returns:
        (run) mean cross-entropy in nats, (run) share of samples classified well; NaN where the loss is not finite.
    """
    runs = len(next(iter(parameters.values())))
    loss, accuracy = np.full(runs, np.nan), np.full(runs, np.nan)
    for r in range(runs):
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged run has no score
            logits = network.forward({name: array[r] for name, array in parameters.items()}, inputs)
            found = cross_entropy(logits, labels)
        if np.isfinite(found):
            loss[r], accuracy[r] = found, (logits.argmax(axis=1) == labels).mean()
    return loss, accuracy
