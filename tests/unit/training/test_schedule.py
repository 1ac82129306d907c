"""The phases of a run, and where its minibatches are in them."""

import pytest

from sgd_valleys.recipe import Phase, Recipe
from sgd_valleys.training.schedule import Begun, groups, minibatch_position, next_phases

M = 40
UNTIL_LOSS = Recipe(
    eta=0.1, B=8, iterations=100, schedule=(Phase(until_loss=0.5), Phase(0.6, noise="none"), Phase(1.0, B=4))
)


def test_a_phase_ends_at_its_share_or_at_the_first_recorded_loss_below_its_own() -> None:
    assert next_phases(UNTIL_LOSS, (0,), 10, 0.5) == (0,)
    assert next_phases(UNTIL_LOSS, (0,), 10, float("nan")) == (0,)
    assert next_phases(UNTIL_LOSS, (0,), 20, 0.4) == (0, 20)
    assert next_phases(UNTIL_LOSS, (0, 20), 50, 0.1) == (0, 20)
    assert next_phases(UNTIL_LOSS, (0, 20), 60, 0.9) == (0, 20, 60)
    assert next_phases(UNTIL_LOSS, (0,), 80, 0.4) == (0, 80, 80)  # the second phase was over before it began
    assert next_phases(UNTIL_LOSS, (0, 20, 60), 100, 0.0) == (0, 20, 60)


@pytest.mark.parametrize(
    ("begun", "step", "position"),
    [
        ((0,), 0, (0, 0)),
        ((0,), 7, (1, 16)),
        ((0, 10), 30, (2, 0)),  # no minibatch is visited without noise
        ((0, 12, 60), 60, (3, 0)),  # another batch size begins a new epoch
        ((0, 12, 60), 75, (4, 20)),
    ],
)
def test_minibatches_go_on_through_the_phases(begun: Begun, step: int, position: tuple[int, int]) -> None:
    assert minibatch_position(UNTIL_LOSS, begun, step, M) == position


def test_phases_of_the_same_batch_size_go_on_with_each_others_epochs() -> None:
    recipe = Recipe(eta=0.1, B=8, iterations=100, schedule=(Phase(0.3), Phase(0.5, noise="none"), Phase(1.0, eta=0.5)))
    assert minibatch_position(recipe, (0, 33, 50), 50, M) == minibatch_position(recipe, (0,), 33, M)
    assert minibatch_position(recipe, (0, 33, 50), 51, M) == minibatch_position(recipe, (0,), 34, M)


def test_a_branch_goes_on_with_the_minibatches_of_its_run() -> None:
    recipe = Recipe(eta=0.1, B=8, iterations=100)
    assert minibatch_position(recipe, (0,), 3, M, first_step=11) == minibatch_position(recipe, (0,), 14, M)


def test_runs_at_the_same_position_are_one_group() -> None:
    assert groups(["a", "b", "a"]) == {"a": [0, 2], "b": [1]}
