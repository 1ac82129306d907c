"""Claims about freezing, of made-up freezing times and courses of training."""

import numpy as np
import pytest
from helpers.claims import ETA, course, growing, maps_of, sampling, sweep_of, verdicts

from sgd_valleys.claims import freezing as freezing_claims
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED


def test_a_threshold_at_which_noise_still_prolongs_the_transient_and_others():
    endings, similarity, freezing = sweep_of(1)

    def judged():
        maps = maps_of(endings, similarity, freezing)
        (found,) = freezing_claims.collect_thresholds(endings, freezing, maps, lambda: sampling(400))
        return found

    same = judged()
    assert same.key == "freezing_at_L_c_0.2" and same.value > 0.9 and same.verdict == AGREES
    assert "1.00 with the map at L_c = 0.1" in same.measured.method
    # of eta t_freeze, which it turns around; t_freeze itself goes with 1 / eta at both
    freezing["freezing_time"][1] = 100 / ETA[:, None, None] - freezing["freezing_time"][0]
    assert judged().verdict == DISAGREES
    freezing["freezing_time"][1] = np.random.default_rng(0).normal(size=(4, 4, 8))
    assert judged().verdict == UNDECIDED


def test_the_reference_run_freezes_within_the_spread_of_its_cell():
    _, _, freezing = sweep_of(0)
    freezing["freezing_time"][0, 3, 1] = np.linspace(400, 460, 8)
    found = freezing_claims.reference_freezing(freezing, 0.05, 50)
    assert found.value == 430 and found.interval == pytest.approx((401.5, 458.5))
    assert np.isnan(freezing_claims.reference_freezing(freezing, 0.3, 50).value)


def test_final_losses_are_comparable_or_not():
    endings, _, _ = sweep_of(0)
    loss = np.ones((4, 4, 8)) * np.array([1.0, 1.5, 1.2, 1.1])[:, None]
    endings["train_loss"] = loss
    assert freezing_claims.loss_ratio(endings, 0.02, sampling()).value == pytest.approx(1.5)
    assert np.isnan(freezing_claims.loss_ratio(endings, 0.3, sampling()).value)


def test_flatness_along_training_as_the_paper_says():
    claims = freezing_claims.collect_along_training(
        {10: course(growing(6)), 1000: course(growing(2))}, None, sampling, 0.1
    )
    assert set(verdicts(claims).values()) == {AGREES}
    value = {one.key: one.value for one in claims}
    assert value["flatness_grows"] == pytest.approx(1)
    assert value["flatness_falls_first"] == pytest.approx(np.log([0.159 / 2, 0.119 / 2]).mean())
    assert value["flatness_ends_higher"] == pytest.approx(3)
    assert value["accuracy_after_freezing"] == pytest.approx(
        np.minimum(1, 0.99 + np.arange(240, 2001, 20) / 1e5).mean()
    )


def test_flatness_that_falls_along_training_and_with_noise():
    falling = {
        10: course(lambda time: 1 + 1 / (1 + time), accuracy=np.full(101, 0.9)),
        1000: course(lambda time: 3 + time / 2000),
    }
    found = verdicts(freezing_claims.collect_along_training(falling, None, sampling, 0.1))
    assert found["flatness_grows"] == DISAGREES  # one noise level is enough
    assert found["flatness_ends_higher"] == DISAGREES
    assert found["accuracy_after_freezing"] == DISAGREES
    values = 1 + np.random.default_rng(0).random((6, 101))
    chance = {10: course(lambda time: values), 1000: course(lambda time: values[::-1])}
    found = verdicts(freezing_claims.collect_along_training(chance, None, sampling, 0.1))
    assert found["flatness_falls_first"] == found["flatness_ends_higher"] == UNDECIDED


def test_runs_without_flatness_along_training_are_left_out():
    cell = course(growing(6))
    cell["flatness"][5:, :-1] = np.nan
    claims = freezing_claims.collect_along_training({10: cell, 1000: course(growing(2), runs=1)}, 1000, sampling, 0.1)
    assert claims[0].measured.samples == "6 runs of 2 batch sizes"
    assert np.isfinite(claims[0].interval).all()  # gradient descent has one run by nature
    assert all(
        one.verdict == UNDECIDED for one in freezing_claims.collect_along_training({}, None, lambda: sampling(10), 0.1)
    )


def test_a_loss_that_rises_again_does_not_unfreeze_a_run():
    frozen, accuracy = np.full(101, 0.05), np.ones(101)
    frozen[:50], accuracy[:50] = 1.0, 0.2
    frozen[60:70], accuracy[60:70] = 0.5, 0.49
    cell = course(growing(6), frozen, accuracy)

    def accuracy():
        claims = freezing_claims.collect_along_training({10: cell}, None, sampling, 0.1)
        (found,) = (one.measured for one in claims if one.key == "accuracy_after_freezing")
        return found

    assert accuracy().value == pytest.approx(1 - 10 * 0.51 / 51)
    cell["train_loss"][2] = 1.0  # a run that never freezes
    assert accuracy().samples == "5 runs of 1 batch sizes"
