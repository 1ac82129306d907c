"""The functions that advance a stack of replicas: one for each kind of step."""

from collections.abc import Callable, Sequence

from sgd_valleys.recipe import Recipe
from sgd_valleys.training.noise import Draw, Minibatches, covariance_weights, isotropic_normals, minibatch_weights
from sgd_valleys.training.replicas import Replicas
from sgd_valleys.training.schedule import Begun, minibatch_position
from sgd_valleys.training.streams import Streams

FULL_BATCH_STEPS = 50  # steps of gradient descent between two reports of progress

Advance = Callable[[int], int]  # takes at least one and at most this many steps, and returns the number of steps taken


def stepping(replicas: Replicas, streams: Sequence[Streams], recipe: Recipe, begun: Begun, step: int) -> Advance:
    """Return the function that advances replicas in their current phase.

    Args:
        replicas: replicas at the same step of the same phase.
        streams: random streams of each replica; not read without noise.
        recipe: recipe of the training.
        begun: steps at which the replicas began their phases so far.
        step: number of steps that the replicas have taken.
    """
    dynamics, M, like = recipe.phases[len(begun) - 1], replicas.M, replicas.training_set.inputs
    draws = dynamics.draws(M)
    if draws is None:
        return _full_batch(replicas)
    if dynamics.noise == "minibatch":
        epoch, offset = minibatch_position(recipe, begun, step, M, streams[0].first_step)
        minibatches = Minibatches(streams, dynamics, M, epoch, offset, like.device)
        if draws == "minibatch":
            return _minibatch(replicas, minibatches)
        return _single_steps(replicas.weighted_step, minibatch_weights(minibatches, like), step)
    if draws == "weights":
        return _single_steps(replicas.weighted_step, covariance_weights(streams, dynamics, M, like), step)
    return _single_steps(replicas.isotropic_step, isotropic_normals(streams, replicas.noisy_parameters(), like), step)


def _full_batch(replicas: Replicas) -> Advance:
    def advance(steps: int) -> int:
        taken = min(steps, FULL_BATCH_STEPS)
        replicas.full_batch_steps(taken)
        return taken

    return advance


def _minibatch(replicas: Replicas, minibatches: Minibatches) -> Advance:
    """Return a function that advances by minibatches, at most to the end of an epoch in one call."""

    def advance(steps: int) -> int:
        index = minibatches.take(min(steps, replicas.call_steps))
        replicas.minibatch_steps(index)
        return index.shape[1] // replicas.B

    return advance


def _single_steps(take: Callable[..., None], draw: Draw, step: int) -> Advance:
    """Return a function that advances by one step per call, with new random numbers for each step."""

    def advance(steps: int) -> int:
        nonlocal step
        take(draw(step))
        step += 1
        return 1

    return advance
