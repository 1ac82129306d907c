"""The minibatches of a training: which samples each step visits, and how many steps are taken in one call."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from sgd_valleys.training.replicas import Replicas

FULL_BATCH_STEPS = 50  # steps of gradient descent between two reports of progress

Advance = Callable[[int], int]  # takes at most this many steps, at least one, and returns how many it took


def minibatch_order(rng: np.random.Generator, M: int) -> Iterator[np.ndarray]:
    """Yield one permutation of ``range(M)`` per epoch: the order in which a run visits the training set."""
    while True:
        yield rng.permutation(M)


def full_batch_schedule(replicas: Replicas) -> Advance:
    """Schedule full-batch gradient descent."""

    def advance(steps: int) -> int:
        taken = min(steps, FULL_BATCH_STEPS)
        replicas.full_batch_steps(taken)
        return taken

    return advance


def minibatch_schedule(replicas: Replicas, orders: Sequence[Iterator[np.ndarray]], done: int) -> Advance:
    """Schedule SGD on minibatches; one call goes at most to the end of a block or an epoch.

    Args:
        replicas: the replicas to train.
        orders: for each replica the permutations of its epochs, from the first epoch on.
        done: steps that ``replicas`` have already taken; their minibatches are skipped.
    """
    B, steps_per_epoch, device = replicas.B, replicas.M // replicas.B, replicas.labels.device
    block = max(1, replicas.BLOCK_SAMPLES // B)
    epochs = (torch.from_numpy(np.stack(epoch)).to(device) for epoch in zip(*orders, strict=True))
    for _ in range(done // steps_per_epoch):
        next(epochs)
    epoch = next(epochs) if done % steps_per_epoch else None

    def advance(steps: int) -> int:
        nonlocal done, epoch
        position = done % steps_per_epoch
        if position == 0:
            epoch = next(epochs)
        taken = min(steps, block, steps_per_epoch - position)
        replicas.minibatch_steps(epoch[:, position * B : (position + taken) * B])
        done += taken
        return taken

    return advance
