"""The phases of a training: which phase each run is in, and where its minibatches are then.

A phase begins at a recorded iteration. A phase that ends by the loss begins and ends for each run at its own time.
"""

from collections.abc import Sequence

from sgd_valleys.recipe import Recipe

Begun = tuple[int, ...]  # the steps at which a run began its phases so far; the last is the one it is in


def next_phases(recipe: Recipe, begun: Begun, step: int, loss: float) -> Begun:
    """Return the phases of a run after a recorded iteration: those that have ended there give way to the next.

    Args:
        recipe: of the training.
        begun: phases of the run until then.
        step: iterations that the run has taken.
        loss: its training loss, NaN for a diverged run.
    """
    last = len(recipe.phases) - 1
    while len(begun) - 1 < last and recipe.has_ended(len(begun) - 1, step / recipe.iterations, loss):
        begun = (*begun, step)
    return begun


def minibatch_position(recipe: Recipe, begun: Begun, step: int, M: int, first_step: int = 0) -> tuple[int, int]:
    """Return where the minibatches of a run are: the epoch, and the samples of the epoch that have been visited.

    Phases with minibatches of the same size go on with each other's epochs. Another size begins a new epoch.

    Args:
        recipe: of the training.
        begun: phases of the run.
        step: iterations that it has taken.
        M: number of training samples.
        first_step: iterations of another run with the batch size of the first phase, whose minibatches it continues.
    """
    epoch = offset = 0
    phases, ends = recipe.phases, (*begun[1:], step)
    current, previous = phases[len(begun) - 1], None
    own = [(phases[k], end - begin) for k, (begin, end) in enumerate(zip(begun, ends, strict=True))]
    for phase, steps in ((phases[0], first_step), *own):
        if not phase.has_minibatches(M):
            continue
        if previous not in (None, phase.B) and offset:
            epoch, offset = epoch + 1, 0
        epoch, offset = divmod(epoch * M + offset + steps * phase.B, M)
        previous = phase.B
    if previous not in (None, current.B) and offset:
        epoch, offset = epoch + 1, 0
    return epoch, offset


def groups(positions: Sequence) -> dict:
    """Group the runs that are at equal positions: their numbers by position, in the order of the first run of each."""
    found: dict = {}
    for run, position in enumerate(positions):
        found.setdefault(position, []).append(run)
    return found
