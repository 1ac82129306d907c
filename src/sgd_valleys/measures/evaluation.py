"""Loss and accuracy of trained networks on a set of images."""

import numpy as np

from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.network import Network, Parameters


def score(
    network: Network, parameters: Parameters, inputs: np.ndarray, labels: np.ndarray, loss: str = "cross_entropy"
) -> tuple[np.ndarray, np.ndarray]:
    """Compute loss and accuracy of several networks, one after another to keep few activations in memory.

    Args:
        network: their architecture.
        parameters: (run, ...) by name.
        inputs: (sample, ...) in the network's form.
        labels: (sample) classes.
        loss: one of ``sgd_valleys.recipe.LOSSES``.

    Returns:
        (run) mean loss, and (run) fraction of samples classified correctly. Both are NaN where the loss
        is not finite.
    """
    runs = len(next(iter(parameters.values())))
    losses, accuracy = np.full(runs, np.nan), np.full(runs, np.nan)
    for r in range(runs):
        with np.errstate(over="ignore", invalid="ignore"):  # the parameters of a diverged run are not finite
            logits = network.forward({name: array[r] for name, array in parameters.items()}, inputs)
            run_loss = LOSSES[loss].evaluate(logits, labels)
        if np.isfinite(run_loss):
            losses[r], accuracy[r] = run_loss, (logits.argmax(axis=1) == labels).mean()
    return losses, accuracy
