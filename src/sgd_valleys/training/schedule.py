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
    B, M = replicas.B, replicas.M
    block = max(1, replicas.BLOCK_SAMPLES // B)

    def next_epoch() -> torch.Tensor:
        return torch.from_numpy(np.stack([next(order) for order in orders])).to(replicas.labels.device)

    epochs, position = divmod(done * B, M)
    for _ in range(epochs):
        next_epoch()
    epoch = next_epoch() if position else torch.empty(0)
    position = position or M

    def advance(steps: int) -> int:
        nonlocal position, epoch
        if position == M:
            epoch, position = next_epoch(), 0
        taken = min(steps, block, (M - position) // B)
        replicas.minibatch_steps(epoch[:, position : position + taken * B])
        position += taken * B
        return taken

    return advance
