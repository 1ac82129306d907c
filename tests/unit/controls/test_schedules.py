"""Kinds of schedules, and the loss that all arms reach."""

import numpy as np
import pytest

from sgd_valleys.controls.schedules import KINDS, classify, equal_loss

NONE = {"noise": "none"}


@pytest.mark.parametrize(
    ("schedule", "kind", "switch"),
    [
        ([{"until": 0.25}, {"until": 1.0, **NONE}], "noise until", 0.25),
        ([{"until": 0.1, **NONE}, {"until": 1.0}], "noise from", 0.1),
        ([{"until": 0.5}, {"until": 1.0, "eta": 0.1}], "eta until", 0.5),
    ],
)
def test_a_schedule_has_a_kind_and_a_switch(schedule: list, kind: str, switch: float) -> None:
    assert classify({"schedule": schedule}) == (KINDS.index(kind), switch)


@pytest.mark.parametrize(
    "training",
    [{}, NONE, {"schedule": [{"until": {"loss": 0.1}}, {"until": 1.0, **NONE}]}, {"schedule": [{"until": 1.0}]}],
)
def test_other_trainings_have_none(training: dict) -> None:
    kind, switch = classify(training)
    assert kind == 0 and np.isnan(switch)


def test_the_equal_loss_is_reached_by_all_runs_of_a_constant_learning_rate() -> None:
    arms = [np.array([[1.0, 0.01]]), np.array([[1.0, 0.03], [1.0, 0.01]]), np.array([[1.0, 0.2]])]
    assert equal_loss(arms, [0, 1, KINDS.index("eta until")]) == 0.03
    assert equal_loss(arms, [0, 1, 2]) == 0.2
    assert np.isnan(equal_loss([np.empty((0, 2)), np.empty((0, 2))], [0, 1]))  # no run with F along training
