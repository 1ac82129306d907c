"""Claims about branches of made-up runs."""

import numpy as np
import pytest
from helpers.claims import branches_of, sampling, verdicts

from sgd_valleys.claims import branches
from sgd_valleys.claims.verdict import AGREES, DIRECTION, DISAGREES, UNDECIDED


def test_branches_that_agree_with_the_paper():
    found = branches.collect(branches_of(1), sampling, 0.9)
    value = {one.key: one.value for one in found}
    del value["branch_r_squared"]
    by_key = verdicts(found)
    assert by_key.pop("branch_r_squared") == DIRECTION  # tighter than the paper's 0.76
    assert by_key.pop("branch_r_squared_one_run") == by_key.pop("branch_r_squared_test_file") == DIRECTION
    assert set(by_key.values()) == {AGREES}
    assert value["early_is_sharp"] == pytest.approx(2.05 / 3, abs=0.01)
    assert value["early_is_worse"] == pytest.approx(0.495 / 0.4, abs=0.01)
    assert value["similarity_at_freezing"] == pytest.approx(1, abs=0.01)
    assert value["similarity_gap"] == pytest.approx(-0.19, abs=0.02)
    assert value["one_valley_after"] == pytest.approx(0.99, abs=0.02)
    assert value["jumps_before_freezing"] == pytest.approx(1, abs=0.02)
    assert value["one_basin_after"] == 1


def test_branches_that_get_worse():
    found = verdicts(branches.collect(branches_of(-1), sampling, 0.9))
    wrong = ("later_is_flatter", "later_generalizes", "early_is_sharp", "early_is_worse", "similarity_rises")
    assert {found[key] for key in (*wrong, "similarity_at_freezing", "similarity_gap", "one_basin_after")} == {
        DISAGREES
    }
    assert found["one_valley_after"] == DISAGREES


def test_branches_without_any_order():
    found = verdicts(branches.collect(branches_of(0), sampling, 0.9))
    keys = ("later_is_flatter", "later_generalizes", "early_is_sharp", "early_is_worse", "similarity_gap")
    assert {found[key] for key in keys} == {UNDECIDED}
    # each run's R^2 is next to nothing, of either sign
    assert {found[key] for key in ("branch_r_squared", "branch_r_squared_one_run")} == {UNDECIDED}


def test_each_runs_line_is_its_own():
    made = branches_of(1, scatter=0, runs=4)
    made["test_loss"][1] = made["flatness"][1]  # rises where the others fall
    made["test_loss"][2:] = np.nan
    fits = branches.r_squared_by_run(made, "test_loss")
    assert fits[:2] == pytest.approx([-1, 1]) and np.isnan(fits[2:]).all()
    claims = {one.key: one for one in branches.collect(made, sampling, 0.9)}
    assert claims["branch_r_squared"].value == pytest.approx(0)
    assert claims["branch_r_squared_one_run"].measured.samples == "2 runs"


def test_ranks_before_freezing_do_not_see_what_comes_after():
    made = branches_of(1, scatter=0, runs=4)
    made["similarity_to_last"][:, made["t_c"] >= 400] = 0
    found = branches.time_correlation(made, "similarity_to_last", before_freezing=True)
    assert found == pytest.approx(np.ones(4))


def test_a_run_that_never_freezes_has_no_similarity_at_freezing():
    made = branches_of(1, scatter=0, runs=4)
    made["freezing_time"][0] = np.nan
    claims = {one.key: one for one in branches.collect(made, sampling, 0.9)}
    assert {claims[key].measured.samples for key in ("similarity_at_freezing", "one_basin_after")} == {"3 runs"}


def test_a_run_is_settled_if_its_first_branch_after_freezing_ends_where_the_last_does():
    made = branches_of(1, scatter=0, runs=4)
    made["freezing_time"] = np.array([400.0, 400.0, 410.0, 410.0])
    made["basin_freezing_time"] = np.array([400.0, 420.0, 420.0, 440.0])
    assert branches.one_basin_fraction(made).value == 0.5  # the first and the third
