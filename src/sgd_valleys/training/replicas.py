"""The interface of a stack of replicas: networks of one architecture that differ only in their parameters.

Replicas are the leading axis of every array. One class per architecture implements :class:`Replicas`:
:mod:`~sgd_valleys.training.mlp_replicas` and :mod:`~sgd_valleys.training.cnn_replicas`.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch

from sgd_valleys.networks.network import Network, Parameters


class Replicas(ABC):
    """Replicas of one network during training, and the steps of SGD that move their parameters.

    Subclasses store the parameters and implement the abstract methods. All replicas share the training set.

    Args:
        network: architecture.
        initial: parameters by name, each with a leading replica axis.
        inputs: (M, ...) training inputs; dtype and device of the inputs are those of all tensors.
        labels: (M) classes.
        eta: learning rate.
        B: batch size.
    """

    BLOCK_SAMPLES: ClassVar[int] = 100  # samples per replica in one call of `minibatch_steps`, at least one minibatch

    def __init__(
        self, network: Network, initial: Parameters, inputs: torch.Tensor, labels: torch.Tensor, eta: float, B: int
    ) -> None:
        self.network, self.labels, self.eta, self.B = network, labels, eta, B
        self.R, self.M = len(initial["layer1_bias"]), len(labels)
        self._allocate(initial, inputs)

    @abstractmethod
    def _allocate(self, initial: Parameters, inputs: torch.Tensor) -> None:
        """Store parameters and inputs in the form that the steps need."""

    @staticmethod
    @abstractmethod
    def stack_size(runs: int, B: int, device: torch.device) -> int:
        """Return how many of ``runs`` replicas should train together at batch size B."""

    @abstractmethod
    def parameters(self) -> dict[str, np.ndarray]:
        """Return every parameter by name with a leading replica axis, as of the last :meth:`synchronize`."""

    def synchronize(self) -> None:  # noqa: B027
        """Bring all parameters up to date, if the subclass defers updates."""

    @abstractmethod
    def full_batch_steps(self, steps: int) -> None:
        """Take steps of full-batch gradient descent: the minibatch is the training set in its own order."""

    @abstractmethod
    def minibatch_steps(self, index: torch.Tensor) -> None:
        """Take SGD steps on consecutive minibatches of each replica.

        Args:
            index: (replica, steps * B) training samples in the order in which they are visited, each at most once.
        """

    @abstractmethod
    def train_logits(self) -> torch.Tensor:
        """Return the logits (replica, class, M) of the training set."""

    @abstractmethod
    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits (replica, class, sample) of inputs (sample, ...)."""


def scores(logits: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute mean loss (replica), accuracy (replica) and misclassification (replica, sample).

    A replica whose loss is not finite has loss NaN and accuracy NaN, and all of its samples count as misclassified.

    Args:
        logits: (replica, class, sample).
        labels: (sample).
    """
    z = logits.double()
    loss = torch.logsumexp(z, dim=1).sub(z.gather(1, labels.expand(len(z), 1, -1))[:, 0]).mean(dim=1)
    finite = torch.isfinite(loss)
    correct = z.argmax(dim=1).eq(labels) & finite[:, None]
    accuracy = correct.double().mean(dim=1)
    loss, accuracy = (torch.where(finite, x, torch.nan) for x in (loss, accuracy))
    return loss.cpu().numpy(), accuracy.cpu().numpy(), (~correct).cpu().numpy()
