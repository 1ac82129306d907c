"""The phases of a training: the phase of each run, and the position of its minibatches.

A phase begins at a recorded iteration. A phase that ends by the loss ends at a different iteration for each run.
"""

from collections.abc import Sequence

from sgd_valleys.recipe import Recipe

Begun = tuple[int, ...]  # the steps at which a run began its phases so far; the last phase is the current one


def next_phases(recipe: Recipe, begun: Begun, step: int, loss: float) -> Begun:
    """Return the phases of a run after a recorded iteration, at which new phases may begin.

    Args:
        recipe: recipe of the training.
        begun: phases of the run before this iteration.
        step: number of iterations that the run has taken.
        loss: training loss of the run; NaN for a diverged run.
    """
    last = len(recipe.phases) - 1
    while len(begun) - 1 < last and recipe.has_ended(len(begun) - 1, step / recipe.iterations, loss):
        begun = (*begun, step)
    return begun


def minibatch_position(recipe: Recipe, begun: Begun, step: int, M: int, first_step: int = 0) -> tuple[int, int]:
    """Return the position of a run in its minibatches: the epoch, and the number of visited samples of the epoch.

    A phase with the same batch size as the minibatches before continues their epoch. Another batch size begins a new
    epoch.

    Args:
        recipe: recipe of the training.
        begun: phases of the run.
        step: number of iterations that the run has taken.
        M: number of training samples.
        first_step: number of iterations of the run whose minibatches this run continues, at the batch size of the first
            phase.
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
    """Group the runs at equal positions.

    Returns:
        numbers of the runs by position, in the order of the first run of each position.
    """
    found: dict = {}
    for run, position in enumerate(positions):
        found.setdefault(position, []).append(run)
    return found
