"""Effects in made-up files of the controls, true and false."""

import numpy as np
import pytest
from helpers.claims import (
    ARMS,
    control_of_arms,
    control_of_rates,
    control_of_senses,
    control_of_shape,
    control_of_starts,
    sampling,
    verdicts,
)

from sgd_valleys.claims import controls
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED


@pytest.mark.parametrize(("ratio", "verdict"), [(1.2, AGREES), (0.8, DISAGREES), (1.0, UNDECIDED), (np.nan, UNDECIDED)])
def test_the_effect_of_noise_below_the_edge(ratio, verdict):
    found = controls.measure_learning_rate(control_of_rates(ratio))
    assert verdicts(found) == {"noise_without_instability": verdict}
    effect = found["noise_without_instability"]
    assert effect.samples == "cells of SGD below the edge: 6; runs measured: 9"


def test_exponents_of_the_noise_have_those_of_eta_beside_them():
    found = controls.measure_learning_rate(control_of_rates(1.2))["flatness_exponent"]
    assert found.value == 0.1 and found.interval == pytest.approx((0.09, 0.11))
    assert [each.value for each in found.controls] == [0.2, 0.2]
    assert found.controls[1].interval == pytest.approx((0.19, 0.21))


@pytest.mark.parametrize(
    ("exponent", "left", "expected"),
    [(1.0, 1.0, (AGREES, AGREES)), (2.0, 0.04, (DISAGREES, DISAGREES)), (np.nan, np.nan, (UNDECIDED, UNDECIDED))],
)
def test_noise_like_the_hessian_or_not(exponent, left, expected):
    found = controls.measure_noise_shape(control_of_shape(exponent, left))
    judged = verdicts(found)
    assert (judged["noise_like_hessian"], judged["noise_factor"]) == expected
    assert found["noise_like_hessian"].samples == "5 runs of eta = 0.05, B = 50"
    assert found["noise_like_hessian"].controls[1].value == pytest.approx(0.1)


def test_noise_without_a_relation_to_the_hessian_disagrees():
    assert verdicts(controls.measure_noise_shape(control_of_shape(0.0, 1.0)))["noise_like_hessian"] == DISAGREES


def test_arms_as_the_paper_has_them():
    found = controls.measure_arms(control_of_arms(isotropic=0.0, until_freezing=1.0, from_quarter=0.0), ARMS)
    keys = ("isotropic_noise", "noise_until_freezing", "noise_after_freezing")
    assert verdicts(found) == dict.fromkeys(keys, AGREES)
    isotropic = found["isotropic_noise"]
    assert isotropic.value == -2 and [each.value for each in isotropic.controls] == [-2, -1]
    assert [each.text for each in found["noise_after_freezing"].controls] == ["noise from 0.75 T on"]
    assert found["covariance_share"].value == 0.5


def test_arms_that_contradict_the_paper():
    found = controls.measure_arms(control_of_arms(isotropic=1.2, until_freezing=0.6, from_quarter=0.4), ARMS)
    assert set(verdicts(found).values()) == {DISAGREES}


def test_an_arm_that_is_not_run_has_no_claim():
    few = {name: ARMS[name] for name in ("minibatch", "no_noise", "covariance", "stronger")}
    made = control_of_arms()
    at = [list(ARMS).index(name) for name in few]
    made = {name: array[..., at] for name, array in made.items()}
    assert controls.measure_arms(made, few).keys() == {"covariance_share"}
    noisy = {name: ARMS[name] for name in ("minibatch", "isotropic", "until_freezing")}
    at = [list(ARMS).index(name) for name in noisy]
    made = {name: array[..., at] for name, array in control_of_arms().items() if "share" not in name}
    assert controls.measure_arms(made, noisy).keys() == {"isotropic_noise"}  # without an arm that has no noise


@pytest.mark.parametrize(
    ("effect", "share", "expected"),
    [
        (0.5, 1.0, (AGREES, AGREES, AGREES)),
        (-0.5, 0.2, (DISAGREES, DISAGREES, DISAGREES)),
        (0.05, 0.97, (UNDECIDED, UNDECIDED, AGREES)),
    ],
)
def test_flatness_in_other_senses(effect, share, expected):
    found, words = controls.measure_senses(control_of_senses(effect, share))
    keys = ("flat_at_equal_loss", "flat_when_rescaled", "share_at_freezing")
    assert tuple(verdicts(found)[key] for key in keys) == expected
    assert words == {"senses_eta": 0.02, "senses_B": 10, "level": 0.01}  # the lowest level that both reach
    assert found["flat_when_rescaled"].method.startswith("second, ")
    assert found["share_at_freezing"].controls[0].value == 0.1


def test_measures_and_levels_that_are_not_there_have_no_claim():
    made = control_of_senses(0.5, 1.0)
    made["level_ratio"][:] = np.nan
    made["invariance"][:] = 0
    assert controls.measure_senses(made)[0].keys() == {"share_at_freezing"}


@pytest.mark.parametrize(
    ("effect", "loss", "verdict"), [(2.0, -0.1, AGREES), (0.5, 0.1, DISAGREES), (1.0, 0.0, UNDECIDED)]
)
def test_the_effect_of_each_initialization(effect, loss, verdict):
    made = control_of_starts(effect, loss)
    made["flatness_effect"] *= np.exp(-np.log(made["flatness_effect"])[:, :5].mean() + np.log(effect))
    made["test_file_loss_effect"] += loss - made["test_file_loss_effect"][:, :5].mean()
    found, words = controls.measure_starts(made, sampling)
    assert set(verdicts(found).values()) == {verdict} and words == {"starts_B": 20}
    assert found["initializations_flatness"].samples == "5 initializations"
    assert found["initializations_flatness"].value == pytest.approx(effect, rel=0.01)
    assert found["initializations_flatness"].controls[0].text == "4 sets of training images"


def test_few_initializations_decide_nothing():
    found, _ = controls.measure_starts(control_of_starts(2.0, -0.1, starts=3), sampling)
    assert set(verdicts(found).values()) == {UNDECIDED}
