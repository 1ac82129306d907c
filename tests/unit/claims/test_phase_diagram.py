"""Claims about made-up phase diagrams."""

import numpy as np
import pytest
from helpers.claims import diagram_of, sampling, verdicts

from sgd_valleys.claims import phase_diagram
from sgd_valleys.claims.verdict import AGREES, DIRECTION, DISAGREES, UNDECIDED


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (-1, DISAGREES), (0, UNDECIDED)])
def test_a_phase_diagram_that_rises_falls_or_does_neither(effect, verdict):
    made = diagram_of(effect)
    found = phase_diagram.collect(made, 2000, 20_000, "H2", sampling)
    by_key = verdicts(found)
    transition = by_key.pop("p_flat_transition_H2")
    assert transition == {1: DIRECTION, -1: DISAGREES, 0: UNDECIDED}[effect]  # by 0.25, and not by 0.4
    biased = by_key.pop("stable_bias_H2")
    assert biased == (DISAGREES if effect < 0 else AGREES)  # 0.7 of the runs are in the flat valley whatever the noise
    assert set(by_key.values()) == {verdict}
    assert "H^2" in found[0].statement and "S6" in found[0].where


def test_rates_at_which_a_valley_is_unstable_are_left_out():
    made = diagram_of(1)
    made["stable"][3:] = False
    made["p_flat"][3:] = 0
    found = {one.key: one for one in phase_diagram.collect(made, 2000, 20_000, "H", sampling)}
    assert found["p_flat_with_eta_H"].verdict == AGREES
    assert found["p_flat_with_eta_H"].measured.samples == "18 cells of 2000 runs"
    made["stable"][:] = False
    assert not phase_diagram.collect(made, 2000, 20_000, "H", sampling)


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


def test_cells_that_have_not_frozen_are_judged_apart():
    made = diagram_of(1)
    every = {one.key: one.measured for one in phase_diagram.collect(made, 2000, 20_000, "H", sampling)}
    assert every["p_flat_with_sigma_H_frozen"] == every["p_flat_with_sigma_H"]
    made["p_flat"][:, 4:] = 0.5  # it falls again where runs are still on the move
    made["freezing_time"][:, 4:] = 19_000
    found = {one.key: one for one in phase_diagram.collect(made, 2000, 20_000, "H", sampling)}
    assert found["p_flat_with_sigma_H"].verdict != AGREES
    frozen = found["p_flat_with_sigma_H_frozen"]
    assert frozen.verdict == AGREES and frozen.beyond_paper and frozen.measured.samples == "24 cells of 2000 runs"
    made["p_flat"][:, :4] = made["p_flat"][:, :4][:, ::-1]
    again = verdicts(phase_diagram.collect(made, 2000, 20_000, "H", sampling))
    assert again["p_flat_with_sigma_H_frozen"] == DISAGREES
