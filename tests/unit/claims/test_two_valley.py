"""Claims about closed forms and a course of simulation, made up both ways."""

import numpy as np
import pytest
from helpers.claims import model, sampling, verdicts

from sgd_valleys.claims import two_valley
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED


def test_a_model_that_agrees_with_the_paper():
    found = two_valley.collect(*model(), 20_000, sampling)
    by_key = verdicts(found)
    assert by_key.pop("rate_ratio_as_printed") == DISAGREES  # it says the opposite of stationary_falls
    assert by_key == dict.fromkeys(by_key, AGREES)
    value = {one.key: one.value for one in found}
    assert value["above_equilibrium"] == pytest.approx(0.05, abs=0.01)
    assert value["effective_loss_flat"] == -0.1 and value["effective_loss_sharp"] == 0.1
    assert value["simulated_above_equilibrium"] == 0.93
    assert value["final_p_flat_rises"] == pytest.approx(0.02)
    assert value["theory_until_freezing"] == pytest.approx(0, abs=1e-3)  # but for the last time
    assert abs(value["transient_theory"]) == pytest.approx(0.01)
    assert value["y_freeze"] == value["transient_with_noise"] == pytest.approx(1)


def test_a_model_that_disagrees_with_the_paper():
    theory, occupancy = model(-1, final=(0.5, 0.4, 0.3))
    found = verdicts(two_valley.collect(theory, occupancy, 1000, sampling))
    assert found.pop("rate_ratio_as_printed") == AGREES
    assert found == dict.fromkeys(found, DISAGREES)


def until_freezing(theory, occupancy):
    return two_valley.deviation_until_freezing(theory, occupancy, 1000, sampling())


def test_a_simulation_that_does_not_follow_the_theory():
    theory, occupancy = model()
    occupancy["p_flat_error"][:] = 0.01
    occupancy["p_flat"][:, :-1] -= 0.1
    found = until_freezing(theory, occupancy)
    assert found.value == pytest.approx(np.sqrt(0.1**2 - 0.01**2)) and 0.05 < found.interval[0] < found.value
    theory, occupancy = model()
    occupancy["p_flat"][:, 1:-1] += 0.1 * (-1) ** np.arange(198)  # deviations that would cancel
    assert until_freezing(theory, occupancy).value == pytest.approx(0.1, abs=0.001)
    theory, occupancy = model()
    occupancy["p_flat"][:, 0] = 0.1  # where runs are put is no result
    occupancy["p_flat"][occupancy["mean_y"] > 10] = 0.3  # nor is what comes after freezing
    assert until_freezing(theory, occupancy).value == pytest.approx(0, abs=1e-3)
    few = verdicts(two_valley.collect(*model(final=(0.92, 0.92, 0.92)), 30, sampling))
    assert few["final_p_flat_rises"] == UNDECIDED


def test_lines_that_do_not_vary_are_left_out():
    lines = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]])
    assert two_valley.trend_of_closed_form(lines, np.arange(3.0)).value == pytest.approx(0.5)  # the least
    assert np.isnan(two_valley.trend_of_closed_form(lines[:1], np.arange(3.0)).value)
    assert two_valley.trend_of_closed_form(lines[1:2], -np.arange(3.0)).value == pytest.approx(-1)
