"""The interface of a stack of replicas: networks of one architecture that differ only in their parameters.

Replicas are the leading axis of every array. The modules :mod:`~sgd_valleys.training.mlp_replicas`,
:mod:`~sgd_valleys.training.moving_replicas` and :mod:`~sgd_valleys.training.cnn_replicas` implement :class:`Replicas`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np
import torch

from sgd_valleys.networks.network import Network, Parameters
from sgd_valleys.networks.tensor_functions import LOSSES, TensorLoss
from sgd_valleys.recipe import Dynamics

VELOCITY = "velocity_"  # prefix of the arrays of a state that hold the velocity of a parameter under momentum


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """The training samples of all stacks.

    Attributes:
        inputs: (M, ...); all other tensors of the training have the same dtype and device.
        labels: (M) classes from 0, int64.
    """

    inputs: torch.Tensor
    labels: torch.Tensor

    @cached_property
    def with_ones(self) -> torch.Tensor:
        """The inputs (M, in + 1) of an MLP; the last input is 1, for the bias."""
        return torch.cat([self.inputs, self.inputs.new_ones(len(self.inputs), 1)], dim=1)

    @cached_property
    def gram(self) -> torch.Tensor:
        """The Gram matrix (M, M) of ``with_ones``."""
        return self.with_ones @ self.with_ones.T


class Replicas(ABC):
    """Replicas of one network during training, and the steps that move their parameters.

    Subclasses store the parameters and implement the abstract methods. All replicas share the training set.

    Args:
        network: architecture.
        state: the arrays (replica, ...) by name that :meth:`state` returns; the parameters are sufficient.
        training_set: inputs and labels.
        dynamics: learning rate, batch size, loss, noise, momentum and weight decay of a step.
    """

    BLOCK_SAMPLES: ClassVar[int] = 100  # samples per replica in a block of minibatches, at least one minibatch
    CALL_STEPS: ClassVar[int] = 20  # steps in one call of `minibatch_steps`, at least one block

    def __init__(self, network: Network, state: Parameters, training_set: TrainingSet, dynamics: Dynamics) -> None:
        self.network, self.training_set, self.dynamics = network, training_set, dynamics
        self.labels, self.eta, self.B = training_set.labels, dynamics.eta, dynamics.B
        self.R, self.M = len(state["layer1_bias"]), len(self.labels)
        self._allocate(state)

    @abstractmethod
    def _allocate(self, state: Parameters) -> None:
        """Store the parameters in the form that the steps need."""

    @property
    def block_steps(self) -> int:
        """The number of minibatches in a block."""
        return max(1, self.BLOCK_SAMPLES // self.B)

    @property
    def call_steps(self) -> int:
        """The largest number of minibatches in one call of :meth:`minibatch_steps`, a multiple of ``block_steps``."""
        return max(1, self.CALL_STEPS // self.block_steps) * self.block_steps

    @property
    def loss(self) -> TensorLoss:
        """The loss of the training."""
        return LOSSES[self.dynamics.loss]

    @staticmethod
    @abstractmethod
    def stack_size(runs: int, samples: int, device: torch.device) -> int:
        """Return how many of ``runs`` replicas should train together if a step passes ``samples`` samples of each."""

    @abstractmethod
    def parameters(self) -> dict[str, np.ndarray]:
        """Return every parameter by name with a leading replica axis, as of the last :meth:`synchronize`."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the parameters by name, and with momentum the velocity of each under the prefix ``VELOCITY``."""
        return self.parameters()

    def synchronize(self) -> None:  # noqa: B027
        """Bring all parameters up to date, if the subclass defers updates."""

    @abstractmethod
    def full_batch_steps(self, steps: int) -> None:
        """Take ``steps`` steps along the full gradient."""

    @abstractmethod
    def minibatch_steps(self, index: torch.Tensor) -> None:
        """Take steps on consecutive minibatches of each replica.

        Args:
            index: (replica, steps * B) training samples in the order of the visits.
        """

    @abstractmethod
    def weighted_step(self, weights: torch.Tensor) -> None:
        """Take one step along mean_n w_n g_n in the layers with noise, and along the full gradient in the others.

        Args:
            weights: (replica, M) weights w_n of the samples.
        """

    @abstractmethod
    def isotropic_step(self, normals: torch.Tensor) -> None:
        """Take one step along the full gradient with isotropic noise in the layers with noise.

        Args:
            normals: (replica, parameter) independent standard normal numbers, layer by layer, weights before biases.
        """

    @abstractmethod
    def train_logits(self) -> torch.Tensor:
        """Return the logits (replica, class, M) of the training set."""

    @abstractmethod
    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits (replica, class, sample) of inputs (sample, ...)."""

    def noisy_layers(self) -> list[int]:
        """Return the layers in which noise acts, counted from 1."""
        return list(self.dynamics.noise_layers or range(1, self.network.depth + 1))

    def noisy_parameters(self) -> int:
        """Return the number of weights and biases in which noise acts."""
        shapes = map(self.network.weight_shape, self.noisy_layers())
        return sum(prod(shape) + shape[0] for shape in shapes)


def scores(
    logits: torch.Tensor, labels: torch.Tensor, loss: TensorLoss = LOSSES["cross_entropy"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute mean loss (replica), accuracy (replica) and misclassification (replica, sample).

    If the loss of a replica is not finite, its loss and accuracy are NaN and all of its samples count as misclassified.

    Args:
        logits: (replica, class, sample).
        labels: (sample) classes.
        loss: loss of the training.
    """
    z = logits.double()
    value = loss.mean(z, labels)
    finite = torch.isfinite(value)
    correct = z.argmax(dim=1).eq(labels) & finite[:, None]
    accuracy = correct.double().mean(dim=1)
    value, accuracy = (torch.where(finite, x, torch.nan) for x in (value, accuracy))
    return value.cpu().numpy(), accuracy.cpu().numpy(), (~correct).cpu().numpy()
