"""Continuation of runs by full-batch gradient descent until they have converged.

The paper's revision (arXiv 2601.10962 v2) uses such continuations to find the valley of a run at a checkpoint.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from sgd_valleys.networks.network import Network, Parameters, check_parameters
from sgd_valleys.recipe import Dynamics
from sgd_valleys.training.device import choose_device, single_thread
from sgd_valleys.training.replicas import Replicas, TrainingSet, scores
from sgd_valleys.training.sgd import Samples, replicas_class


@dataclass(frozen=True)
class Descent:
    """The settings of a continuation by gradient descent.

    The loss and the accuracy are evaluated every ``every`` steps. A run has converged when the loss was below ``loss``
    and the training accuracy was 1 at the last ``looks`` evaluations.

    Attributes:
        eta: learning rate.
        steps: largest number of steps.
        loss: threshold of the mean training loss, in units of the loss.
        looks: number of consecutive evaluations.
        every: steps between two evaluations, and before the first one.
        training_loss: one of ``sgd_valleys.recipe.LOSSES``.
    """

    eta: float
    steps: int = 2000
    loss: float = 0.005
    looks: int = 3
    every: int = 20
    training_loss: str = "cross_entropy"


@dataclass(frozen=True)
class Continuation:
    """The endpoints of continued runs.

    Attributes:
        parameters: final parameters (run, ...) by name, with the ``dtype`` of the computation.
        steps: (run) number of steps of gradient descent.
        train_loss: (run) final mean training loss; NaN if the run diverged.
        train_accuracy: (run) final training accuracy, a fraction; NaN if the run diverged.
        converged: (run) whether the run has converged (:class:`Descent`).
    """

    parameters: dict[str, np.ndarray]
    steps: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    converged: np.ndarray

    @property
    def diverged(self) -> np.ndarray:
        """Whether each run diverged (non-finite loss)."""
        return np.isnan(self.train_loss)


def continue_runs(
    network: Network,
    starts: Parameters,
    train_set: Samples,
    descent: Descent,
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    progress: Callable[[int], object] = lambda runs: None,
) -> Continuation:
    """Continue runs by full-batch gradient descent until each has converged or has taken ``descent.steps`` steps.

    A run ends early if its loss is not finite at an evaluation. The bits of a run do not depend on the other runs.

    Args:
        network: architecture, an ``MLP`` or a ``CNN``.
        starts: parameters (run, ...) by name.
        train_set: inputs (M, ...) and labels (M).
        descent: learning rate, evaluations and the rule of convergence.
        dtype: floating-point type of the computation.
        device: device of the computation, or its name.
        progress: called with the number of runs that have just ended.

    Returns:
        the endpoints, in the order of ``starts``.

    Raises:
        UserError: the network is of another class, ``starts`` are not its parameters, or ``device`` is not available.
    """
    runs, M = len(starts["layer1_bias"]), len(train_set[1])
    check_parameters(network, starts, "starts", (runs,))
    device = choose_device(device) if isinstance(device, str) else device
    inputs = torch.as_tensor(train_set[0]).to(device, dtype)
    training_set = TrainingSet(inputs, torch.as_tensor(train_set[1]).to(device, torch.int64))
    dynamics = Dynamics(eta=descent.eta, B=M, loss=descent.training_loss, noise="none")
    kind = replicas_class(network, M, dynamics)
    size = kind.stack_size(runs, M, device)
    stacks = []
    with single_thread():
        for first in range(0, runs, size):
            state = {name: array[first : first + size] for name, array in starts.items()}
            stacks.append(_continue_stack(kind(network, state, training_set, dynamics), descent, progress))
    if len(stacks) == 1:
        return stacks[0]
    parameters = {name: np.concatenate([each.parameters[name] for each in stacks]) for name in network.names()}
    numbers = ("steps", "train_loss", "train_accuracy", "converged")
    return Continuation(parameters, *(np.concatenate([getattr(each, name) for each in stacks]) for name in numbers))


def _continue_stack(replicas: Replicas, descent: Descent, progress: Callable[[int], object]) -> Continuation:
    """Continue the replicas of one stack, and remove each replica from the stack when it ends."""
    active, good = np.arange(replicas.R), np.zeros(replicas.R, int)
    final = {name: array.copy() for name, array in replicas.parameters().items()}
    found = Continuation(final, *(np.zeros(replicas.R, kind) for kind in (int, float, float, bool)))
    taken = 0
    while len(active):
        steps = min(descent.every, descent.steps - taken)
        replicas.full_batch_steps(steps)
        replicas.synchronize()  # at every evaluation, so that rounding does not depend on when other runs end
        taken += steps
        loss, accuracy, _ = scores(replicas.train_logits(), replicas.labels, replicas.loss)
        good = np.where((loss < descent.loss) & (accuracy == 1), good + 1, 0)
        ended = (good >= descent.looks) | np.isnan(loss) | (taken == descent.steps)
        if not ended.any():
            continue
        state, rows = replicas.parameters(), active[ended]
        for name, array in state.items():
            final[name][rows] = array[ended]
        found.steps[rows], found.train_loss[rows], found.train_accuracy[rows] = taken, loss[ended], accuracy[ended]
        found.converged[rows] = good[ended] >= descent.looks
        active, good = active[~ended], good[~ended]
        if len(active):
            rest = {name: array[~ended] for name, array in state.items()}
            replicas = type(replicas)(replicas.network, rest, replicas.training_set, replicas.dynamics)
        progress(len(rows))
    return found
