"""A course of simulation beside the theory, made up both ways."""

import numpy as np
import pytest
from helpers.claims import model, sampling, verdicts

from sgd_valleys.claims import two_valley
from sgd_valleys.claims.estimates import proportion
from sgd_valleys.claims.verdict import AGREES, DISAGREES


def test_a_model_that_agrees_with_the_paper():
    isotropic = proportion(550, 1000, "runs")
    found, words = two_valley.measure(*model(), 1000, sampling, isotropic)
    assert set(verdicts(found).values()) == {AGREES}
    assert words == {"equilibrium": 0.6} and found["above_equilibrium"].value == 0.94
    assert [each.value for each in found["above_equilibrium"].controls] == [0.55, 0.55]
    assert found["theory_until_freezing"].value == pytest.approx(0, abs=1e-3)  # but for the last time
    assert abs(found["transient_theory"].value) == pytest.approx(0)
    rising, _ = two_valley.measure(*model(final=(0.92, 0.94, 0.96)), 1000, sampling)
    assert rising["final_p_flat_rises"].value == pytest.approx(0.04)


def test_a_model_that_disagrees_with_the_paper():
    found, _ = two_valley.measure(*model(-1, final=(0.5, 0.4, 0.3)), 1000, sampling)
    assert set(verdicts(found).values()) == {DISAGREES}


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
