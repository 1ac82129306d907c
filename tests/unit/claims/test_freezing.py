"""Effects on freezing, of made-up freezing times and courses of training."""

import numpy as np
import pytest
from helpers.claims import FREEZING, control_of_basins, course, growing, maps_of, sampling, sweep_of, verdicts

from sgd_valleys.claims import freezing as freezing_claims
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED


def measured(endings, similarity, freezing):
    maps = maps_of(endings, similarity, freezing)
    return freezing_claims.measure(endings, freezing, maps, lambda: sampling(400), **FREEZING)


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (-1, DISAGREES), (0, UNDECIDED)])
def test_noise_prolongs_the_transient_at_every_other_threshold(effect, verdict):
    endings, similarity, freezing = sweep_of(1)
    other = sweep_of(effect, scatter=0.05 if effect else 0.3)[2]["freezing_time"][1]
    freezing["threshold"] = np.array([0.1, 0.2, 0.05])
    freezing["freezing_time"] = np.stack([*freezing["freezing_time"], other])
    found = measured(endings, similarity, freezing)["freezing_at_other_thresholds"]
    assert verdicts({"freezing_at_other_thresholds": found}) == {"freezing_at_other_thresholds": verdict}
    if effect < 1:
        assert found.method.endswith("; L_c = 0.05")  # one threshold is enough
        assert [each.text for each in found.controls] == ["L_c = 0.2"]
    freezing["threshold"], freezing["freezing_time"] = freezing["threshold"][:1], freezing["freezing_time"][:1]
    assert "freezing_at_other_thresholds" not in measured(endings, similarity, freezing)


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (-1, DISAGREES), (0, UNDECIDED)])
def test_long_transients_end_flat_or_sharp(effect, verdict):
    endings, similarity, freezing = sweep_of(1, scatter=0.05)
    endings["flatness"] = sweep_of(effect, scatter=0.05 if effect else 0.3)[0]["flatness"]
    found = measured(endings, similarity, freezing)
    assert verdicts(found)["longer_is_flatter"] == verdict
    assert found["longer_is_flatter"].controls[0].text == "within cells, 128 runs"


def test_the_reference_run_freezes_within_the_spread_of_its_cell():
    endings, similarity, freezing = sweep_of(0)
    freezing["freezing_time"][0, 3, 1] = np.linspace(400, 460, 8)
    found = freezing_claims.reference_freezing(freezing, 0.05, 50)
    assert found.value == 430 and found.interval == pytest.approx((401.5, 458.5))
    assert np.isnan(freezing_claims.reference_freezing(freezing, 0.3, 50).value)
    endings["gradient_descent"] = np.array([False, False, False, True])
    freezing["freezing_time"][0, 3, 3] = 320
    judged = measured(endings, similarity, freezing)
    assert verdicts(judged)["reference_freezing"] == AGREES
    assert judged["reference_freezing"].controls[0].value == 320
    freezing["freezing_time"][0, 3, 1] -= 100
    assert verdicts(measured(endings, similarity, freezing))["reference_freezing"] == DISAGREES


@pytest.mark.parametrize(
    ("trend", "within", "expected"),
    [(0.5, 0.4, AGREES), (-0.5, -0.4, DISAGREES), (0.05, 0.02, UNDECIDED), (np.nan, np.nan, UNDECIDED)],
)
def test_freezing_by_basin_against_freezing_by_loss(trend, within, expected):
    found = freezing_claims.measure_basin_times(control_of_basins(trend, within))
    assert verdicts(found) == dict.fromkeys(("basin_time_with_noise", "basin_time_within_cells"), expected)
    assert found["basin_time_with_noise"].controls[1].value == 0.9
    assert found["basin_time_ratio"].interval == pytest.approx((0.6, 0.8))


def test_final_losses_are_comparable_or_not():
    endings, _, _ = sweep_of(0)
    loss = np.ones((4, 4, 8)) * np.array([1.0, 1.5, 1.2, 1.1])[:, None]
    endings["train_loss"] = loss
    assert freezing_claims.loss_ratio(endings, 0.02, sampling()).value == pytest.approx(1.5)
    assert np.isnan(freezing_claims.loss_ratio(endings, 0.3, sampling()).value)


def along(cells, descent=None):
    return freezing_claims.measure_along_training(cells, descent, sampling, 0.1)


def test_the_course_of_training_in_numbers():
    found = along({10: course(growing(6)), 1000: course(growing(2))})
    assert found["flatness_grows"].value == pytest.approx(1)
    assert found["flatness_falls_first"].value == pytest.approx(np.log([0.159 / 2, 0.119 / 2]).mean())
    assert found["flatness_ends_higher"].value == pytest.approx(3)
    expected = np.minimum(1, 0.99 + np.arange(240, 2001, 20) / 1e5).mean()
    assert found["accuracy_after_freezing"].value == pytest.approx(expected)
    falling = {10: course(lambda time: 1 + 1 / (1 + time)), 1000: course(lambda time: 3 + time / 2000)}
    assert along(falling)["flatness_grows"].value == pytest.approx(-1)  # the least of the batch sizes


def test_runs_without_flatness_along_training_are_left_out():
    cell = course(growing(6))
    cell["flatness"][5:, :-1] = np.nan
    found = along({10: cell, 1000: course(growing(2), runs=1)}, 1000)["flatness_grows"]
    assert found.samples == "6 runs of 2 batch sizes"
    assert np.isfinite(found.interval).all()  # gradient descent has one run by nature
    assert all(np.isnan(each.value) for each in along({}).values())


def test_a_loss_that_rises_again_does_not_unfreeze_a_run():
    frozen, accuracy = np.full(101, 0.05), np.ones(101)
    frozen[:50], accuracy[:50] = 1.0, 0.2
    frozen[60:70], accuracy[60:70] = 0.5, 0.49
    cell = course(growing(6), frozen, accuracy)

    def accuracy():
        return along({10: cell})["accuracy_after_freezing"]

    assert accuracy().value == pytest.approx(1 - 10 * 0.51 / 51)
    cell["train_loss"][2] = 1.0  # a run that never freezes
    assert accuracy().samples == "5 runs of 1 batch sizes"
