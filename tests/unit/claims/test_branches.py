"""Effects of branches of made-up runs."""

import numpy as np
import pytest
from helpers.claims import branches_of, jaccard_of, loosely_tied_branches, sampling, verdicts

from sgd_valleys.claims import branches
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED

JUMPS = (100, 200, 300)


def measured(made, jumps=JUMPS):
    return branches.measure(made, jaccard_of(jumps, len(made["flatness"])), sampling, 0.9)[0]


def test_branches_that_get_flatter_and_better_until_the_run_freezes():
    found = measured(branches_of(1))
    assert found["early_is_sharp"].value == pytest.approx(2.05 / 3, abs=0.01)
    assert found["early_is_worse"].value == pytest.approx(0.495 / 0.4, abs=0.01)
    assert found["similarity_at_freezing"].value == pytest.approx(1, abs=0.01)
    assert found["one_valley_after"].value == pytest.approx(0.99, abs=0.02)
    assert found["repeated_escapes"].value == 3 and found["jumps_before_freezing"].value == 1
    assert found["jumps_to_flatter"].value > 0.5
    judged = verdicts(found)
    assert judged.pop("branch_r_squared_one_run") == DISAGREES  # tighter than the paper's 0.76
    assert set(judged.values()) == {AGREES}


def test_branches_that_get_worse():
    made = branches_of(-1)
    made["flatness"] += 0.01 * np.maximum(0, made["t_c"] - 400) / 400  # and the flatter after freezing
    made["flatness"][:, made["t_c"] > 400] += np.linspace(0, 1, 30)
    judged = verdicts(measured(made, jumps=()))
    wrong = ("later_generalizes", "early_branches_improve", "flatness_after_freezing", "repeated_escapes")
    assert {judged[key] for key in (*wrong, "one_basin_after")} == {DISAGREES}
    assert judged["jumps_to_flatter"] == UNDECIDED  # there is no jump


def test_branches_without_any_order():
    judged = verdicts(measured(branches_of(0)))
    keys = ("later_is_flatter", "later_generalizes", "early_branches_improve", "jumps_to_flatter")
    assert {judged[key] for key in keys} == {UNDECIDED}
    assert judged["flatness_after_freezing"] == AGREES  # nothing changes after t_freeze, as the paper says


def test_the_line_of_one_run_is_compared_with_the_spread_of_runs():
    assert verdicts(measured(loosely_tied_branches()))["branch_r_squared_one_run"] == AGREES


def test_jumps_are_changes_of_basin_between_consecutive_branches():
    similarity = np.array([[[1, 0.95, 0.2, 0.3], [0.95, 1, 0.6, 0.2], [0.2, 0.6, 1, 0.9], [0.3, 0.2, 0.9, 1]]])
    assert branches.jumps(similarity, 0.9).tolist() == [[False, True, False]]
    assert branches.jumps(similarity, 0.96).tolist() == [[True, True, True]]
    lost = np.where(similarity == 0.3, np.nan, similarity)
    assert branches.jumps_per_run(np.concatenate([similarity, lost]), 0.9) == pytest.approx([1, np.nan], nan_ok=True)


def test_a_jump_counts_before_freezing_if_it_ends_by_then():
    made = {"t_c": np.array([0, 20, 40, 60]), "freezing_time": np.array([40.0, 40.0, np.nan])}
    jump = np.array([[True, True, True], [False, False, False], [True, False, False]])
    assert branches.share_before_freezing(made, jump) == pytest.approx([2 / 3, np.nan, 0], nan_ok=True)


def test_the_share_of_jumps_to_flatter_is_of_each_runs_own_jumps():
    made = {"flatness": np.array([[1.0, 2.0, 1.5, 1.8], [1.0, 2.0, 3.0, 4.0]])}
    jump = np.array([[True, True, False], [False, False, False]])
    assert branches.share_to_flatter(made, jump) == pytest.approx([0.5, np.nan], nan_ok=True)
    assert branches.share_to_flatter(made, ~jump) == pytest.approx([1, 1])


@pytest.mark.parametrize("sign", [1, -1])
def test_jumps_lead_to_flatter_or_to_sharper_ends(sign):
    made = branches_of(0)
    basin = (made["t_c"][:, None] > np.array(JUMPS)).sum(axis=1)
    made["flatness"] = made["flatness"] + sign * basin
    found = measured(made)
    assert verdicts(found)["jumps_to_flatter"] == (AGREES if sign > 0 else DISAGREES)
    assert found["jumps_to_flatter"].controls[0].value == pytest.approx(0.5, abs=0.05)  # steps within a basin


def test_each_runs_line_is_its_own():
    made = branches_of(1, scatter=0, runs=4)
    made["test_loss"][1] = made["flatness"][1]  # rises where the others fall
    made["test_loss"][2:] = np.nan
    fits = branches.r_squared_by_run(made, "test_loss")
    assert fits[:2] == pytest.approx([-1, 1]) and np.isnan(fits[2:]).all()
    found = measured(made)
    assert found["branch_r_squared"].value == pytest.approx(0)
    assert found["branch_r_squared_one_run"].samples == "2 runs"


def test_ranks_before_and_after_freezing_do_not_see_each_other():
    made = branches_of(1, scatter=0, runs=4)
    made["flatness"][:, made["t_c"] >= 400] = -1 - np.arange(31.0)
    assert branches.time_correlation(made, "flatness", branches.BEFORE) == pytest.approx(np.ones(4))
    assert branches.time_correlation(made, "flatness", branches.AFTER) == pytest.approx(-np.ones(4))
    made["freezing_time"][0] = np.nan
    assert np.isnan(branches.time_correlation(made, "flatness", branches.AFTER)[0])
    assert np.isnan(branches.growth(made, branches.AFTER)[0])


def test_a_run_that_never_freezes_has_no_similarity_at_freezing():
    made = branches_of(1, scatter=0, runs=4)
    made["freezing_time"][0] = np.nan
    found = measured(made)
    assert {found[key].samples for key in ("similarity_at_freezing", "one_basin_after")} == {"3 runs"}


def test_a_run_is_settled_if_its_first_branch_after_freezing_ends_where_the_last_does():
    made = branches_of(1, scatter=0, runs=4)
    made["freezing_time"] = np.array([400.0, 400.0, 410.0, 410.0])
    made["basin_freezing_time"] = np.array([400.0, 420.0, 420.0, 440.0])
    assert branches.one_basin_fraction(made).value == 0.5  # the first and the third


def test_descents_from_displaced_starts_identify_the_valley_or_do_not():
    def judged(*alike):
        rates = dict(zip((0.01, 0.05, 0.1), (np.array(each) for each in alike), strict=True))
        return branches.measure_descents(rates, 0.05, 0.9, np.array([0.5, 0.95, np.nan]))

    same, other = [1.0] * 5, [0.4] * 5
    found = judged(same, same, other)  # at the largest rate, above that of the branches, nothing is claimed
    assert found.value == 1 and found.samples == "10 descents, rates: 2" and found.controls[0].value == 0.5
    assert verdicts({"descent_identifies_valley": found}) == {"descent_identifies_valley": AGREES}
    found = judged(same, other, same)
    assert found.value == 0.5
    assert verdicts({"descent_identifies_valley": found}) == {"descent_identifies_valley": DISAGREES}
