"""Arms change one property of the model, and the spread between arms is seen where there is one and only there."""

import numpy as np
import pytest

from sgd_valleys.two_valley.controls import (
    CONTROLS,
    MEASURES,
    Arm,
    binomial_interval,
    make_arm,
    simulate_arm,
    spread_between_arms,
    tabulate,
)
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.phase_diagram import FreezingThresholds

REFERENCE = Arm(Landscape(), 0.02, "H", (0.01, 1.0))
THRESHOLDS = FreezingThresholds(changed=0.1, late=0.5, frozen=0.95)


@pytest.mark.parametrize(
    ("control", "value", "field", "expected"),
    [
        ("y", 3.0, "start", (0.01, 3.0)),
        ("noise", "H1.5", "noise", "H1.5"),
        ("eta", 0.05, "eta", 0.05),
        ("decay", "loss", "noise", "H-loss"),
    ],
)
def test_an_arm_has_the_changed_property(control, value, field, expected):
    assert getattr(make_arm(REFERENCE, control, value), field) == expected


def test_gamma_changes_the_flat_valley_alone():
    landscape = make_arm(REFERENCE, "gamma", 1.2).landscape
    assert landscape.gamma == pytest.approx(1.2) and landscape.x2 == REFERENCE.landscape.x2


def test_noise_that_follows_the_loss_starts_as_strong_as_the_reference():
    arm = make_arm(REFERENCE, "decay", "loss")
    assert arm.sigma_scale * REFERENCE.landscape.loss(0.0, 1.0) == pytest.approx(1)
    assert make_arm(REFERENCE, "decay", "constant") == REFERENCE


@pytest.mark.parametrize(("control", "value"), [("decay", "linear"), ("x", 1.0)])
def test_an_unknown_control_is_refused(control, value):
    with pytest.raises(ValueError, match="unknown control"):
        make_arm(REFERENCE, control, value)


def test_arms_end_at_the_same_time_with_all_measures():
    given = {"runs": 64, "time": 4.0, "seed": 1, "thresholds": THRESHOLDS}
    cells = [[simulate_arm(make_arm(REFERENCE, "eta", eta), 1e-3, **given)] for eta in (0.02, 0.04)]
    table = tabulate(np.array([1e-3]), cells, THRESHOLDS)
    assert set(MEASURES) < set(table) and CONTROLS.keys() == {"y", "noise", "gamma", "decay", "eta"}
    assert table["p_flat"].data.shape == (2, 1) and (table["finite"].data == 64).all()
    assert (
        (table["p_flat_low"].data <= table["p_flat"].data) & (table["p_flat"].data <= table["p_flat_high"].data)
    ).all()


def test_equal_valleys_have_no_preference():
    arm = make_arm(REFERENCE, "gamma", 1.0)
    cell = simulate_arm(arm, 1e-3, runs=512, time=60.0, seed=1, thresholds=THRESHOLDS)
    assert cell["p_flat_low"] < 0.5 < cell["p_flat_high"]
    assert simulate_arm(REFERENCE, 1e-3, runs=512, time=60.0, seed=1, thresholds=THRESHOLDS)["p_flat_low"] > 0.5


def test_an_interval_contains_the_fraction_and_excludes_what_is_far():
    low, high = binomial_interval(90, 100)
    assert 0.8 < low < 0.9 < high < 0.96
    assert binomial_interval(0, 10)[0] == 0 and np.isnan(binomial_interval(0, 0)).all()


def test_arms_of_the_same_probability_do_not_differ():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(200):
        p_values.append(spread_between_arms(rng.binomial(200, 0.9, (4, 5)), np.full((4, 5), 200))[2])
    assert np.mean(np.array(p_values) < 0.05) < 0.1


def test_an_arm_of_another_probability_is_seen_where_it_is():
    flat = np.array([[100, 180], [102, 90]])
    spread, at, p = spread_between_arms(flat, np.full((2, 2), 200))
    assert spread == 0.45 and at == 1 and p < 1e-10


def test_arms_without_runs_or_with_one_outcome_do_not_differ():
    spread, at, p = spread_between_arms(np.zeros((2, 3), int), np.zeros((2, 3), int))
    assert np.isnan(spread) and at == 0 and p == 1
    assert spread_between_arms(np.full((2, 1), 20), np.full((2, 1), 20)) == (0.0, 0, 1.0)
