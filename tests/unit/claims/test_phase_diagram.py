"""Effects in made-up phase diagrams and controls of the two-valley model."""

import numpy as np
import pytest
from helpers.claims import control_of_gamma, diagram_of, sampling, verdicts

from sgd_valleys.claims import phase_diagram
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED


def measured(*made, runs=2000):
    return phase_diagram.measure(
        [(each, runs, noise) for each, noise in zip(made, ("H", "H2"), strict=False)], sampling
    )


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (-1, DISAGREES), (0, UNDECIDED)])
def test_a_phase_diagram_that_rises_falls_or_does_neither(effect, verdict):
    found = measured(diagram_of(effect))
    assert verdicts(found) == dict.fromkeys(("p_flat_rises", "freezing_rises"), verdict)
    assert np.sign(np.round(found["p_flat_transition_H"].value, 1)) == effect
    assert np.sign(np.round(found["y_freeze_simulated_H"].value, 0)) == effect


def test_the_weakest_of_two_diagrams_decides():
    found = measured(diagram_of(1), diagram_of(-1))
    assert set(verdicts(found).values()) == {DISAGREES}
    assert "noise as H^2" in found["p_flat_rises"].method and len(found["p_flat_rises"].controls) == 3
    assert found["p_flat_transition_H"].value > 0 > found["p_flat_transition_H2"].value


def test_rates_at_which_a_valley_is_unstable_are_left_out():
    made = diagram_of(1)
    made["stable"][3:] = False
    made["p_flat"][3:] = 0
    found = measured(made)
    assert found["p_flat_rises"].value > 0.8 and found["p_flat_rises"].samples == "18 cells of 2000 runs"
    made["stable"][:] = False
    assert measured(made) == {}


def test_runs_that_never_change_valley_have_no_freezing_point():
    made = diagram_of(1)
    made["freezing_y"][:] = np.nan
    assert np.isnan(phase_diagram.y_freeze_trend(made, 2000, sampling()).value)


def test_a_difference_of_corners_is_as_sure_as_its_runs_are_many():
    few, many = (
        phase_diagram.corner_difference(diagram_of(1, runs), runs, sampling(400)).interval for runs in (100, 10_000)
    )
    assert np.ptp(few) == pytest.approx(10 * np.ptp(many), rel=0.3)
    assert many[0] < 0.25 < many[1]
    lost = diagram_of(1, 100)
    lost["diverged"][-1, -1] = 60
    assert phase_diagram.corner_difference(lost, 100, sampling(50)).samples == "40 and 100 runs"


def test_freezing_is_that_of_runs_that_change_valley_in_frozen_cells():
    """The times and points of the cells that are not frozen would turn the trends around."""
    made = diagram_of(1)
    made["frozen"][:, 5], made["freezing_time"][:, 5], made["freezing_y"][:, 5] = False, 1, 1
    made["changed"][:, 0] = 0.25
    found = measured(made)
    assert verdicts(found)["freezing_rises"] == AGREES and found["y_freeze_simulated_H"].value > 0.9
    changed = 6 * 500 + 24 * 1000
    assert found["freezing_rises"].samples == f"30 cells of 2000 runs, of which {changed} in all change valley"
    made["frozen"][:] = False
    lost = measured(made)
    assert np.isnan([lost["freezing_rises"].value, lost["y_freeze_simulated_H"].value]).all()


def test_frozen_cells_are_counted_among_those_whose_runs_change_valley():
    made = diagram_of(1)
    made["enough_changes"][:, 0] = made["frozen"][:, 0] = made["frozen"][0] = False
    found = measured(made)
    assert found["changing_cells_H"].value == 30 / 36 and found["frozen_cells_H"].value == 25 / 30
    assert found["frozen_cells_H"].samples == "25 of 30 cells"
    made["enough_changes"][:] = False
    assert measured(made)["changing_cells_H"].value == 0 and np.isnan(measured(made)["frozen_cells_H"].value)


@pytest.mark.parametrize(("sign", "verdict"), [(1, AGREES), (-1, DISAGREES)])
def test_p_flat_rises_or_falls_with_gamma(sign, verdict):
    control, gamma = control_of_gamma(sign)
    found = phase_diagram.gamma_trend(control, gamma, sampling(400))
    assert found.value == pytest.approx(sign) and found.p_value == pytest.approx(1 / 120)
    assert verdicts({"p_flat_with_gamma": found}) == {"p_flat_with_gamma": verdict}
    (equal,) = found.controls
    assert equal.text == "P_flat at gamma = 1" and equal.value == 0.5


def test_equal_valleys_have_no_trend_with_gamma():
    control, gamma = control_of_gamma(1)
    chance = np.random.default_rng(2).binomial(1000, 0.5, (5, 4))
    found = phase_diagram.gamma_trend(control | {"p_flat": chance / 1000}, gamma, sampling(400))
    assert verdicts({"p_flat_with_gamma": found}) == {"p_flat_with_gamma": UNDECIDED}


def test_isotropic_noise_is_measured_where_runs_change_valley():
    control = {
        "flat": np.array([[100, 100], [50, 60]]),
        "finite": np.full((2, 2), 100),
        "enough_changes": np.array([[True, True], [False, True]]),
    }
    found = phase_diagram.isotropic_share(control, ["H", "isotropic"])
    assert found.value == 0.6 and found.samples == "100 runs"
    assert phase_diagram.isotropic_share(control, ["H", "H2"]) is None
