"""Loss and accuracy of trained networks on a set of images."""

import numpy as np

from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.network import Network, Parameters


def score(
    network: Network, parameters: Parameters, inputs: np.ndarray, labels: np.ndarray, loss: str = "cross_entropy"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute loss, accuracy and errors of several networks, one after another to limit the memory.

    Args:
        network: architecture of all networks.
        parameters: (run, ...) by name.
        inputs: (sample, ...) in the network's form.
        labels: (sample) classes.
        loss: one of ``sgd_valleys.recipe.LOSSES``.

    Returns:
        (run) mean loss in units of the loss, (run) fraction of samples classified correctly, and (run, sample) whether
        the sample is misclassified. Where the loss is not finite, loss and accuracy are NaN and all samples count as
        misclassified.
    """
    runs = len(next(iter(parameters.values())))
    losses, accuracy, error = np.full(runs, np.nan), np.full(runs, np.nan), np.ones((runs, len(labels)), dtype=bool)
    for r in range(runs):
        with np.errstate(over="ignore", invalid="ignore"):  # the parameters of a diverged run are not finite
            logits = network.forward({name: array[r] for name, array in parameters.items()}, inputs)
            run_loss = LOSSES[loss].evaluate(logits, labels)
        if np.isfinite(run_loss):
            right = logits.argmax(axis=1) == labels
            losses[r], accuracy[r], error[r] = run_loss, right.mean(), ~right
    return losses, accuracy, error
