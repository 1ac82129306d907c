"""Cells, rows and diagrams have the measures of their runs."""

import numpy as np
import pytest

from sgd_valleys.two_valley.phase_diagram import (
    MEASURES,
    FreezingThresholds,
    collect_row,
    format_cell,
    freezing_state,
    stack_rows,
    summarize_cell,
)
from sgd_valleys.two_valley.run_statistics import Runs, fraction_with_error

# four finite runs, of which three end in the flat valley and two change valley after the first step, and a diverged one
RUNS = Runs(
    x=np.array([0.5, 0.4, 0.3, -0.2, np.nan]),
    y=np.array([9.0, 9.0, 9.0, 9.0, np.nan]),
    freezing_time=np.array([1.0, 5.0, 9.0, 1.0, np.nan]),
    freezing_y=np.array([5.0, 6.0, 8.0, 5.0, np.nan]),
)

THRESHOLDS = FreezingThresholds(changed=0.1, late=0.5, frozen=0.95)


def summarize(runs, iterations=20):
    return summarize_cell(runs, iterations, relaxation=6.0, late=THRESHOLDS.late)


def cell_of(last_changes, iterations=1000):
    """The state of a cell whose runs last change valley at these iterations; 1 is a run without a change."""
    time = np.array(last_changes, dtype=float)
    cell = summarize(Runs(np.ones_like(time), np.ones_like(time), time, np.ones_like(time)), iterations)
    return tuple(map(bool, freezing_state(cell["changed_relaxed"], cell["late"], THRESHOLDS)))


def test_a_cell_whose_runs_all_settle_early_is_frozen():
    assert cell_of([100] * 99 + [900]) == (True, True)


def test_a_cell_is_not_frozen_because_its_mean_lies_before_the_end():
    last = [100] * 90 + [900] * 10  # mean 180 of 1,000 iterations
    assert np.mean(last) < 0.2 * 1000 and cell_of(last) == (True, False)


def test_a_cell_without_enough_changes_does_not_count():
    assert cell_of([1] * 95 + [100] * 5) == (False, False)
    assert cell_of([1] * 100) == (False, False)
    assert cell_of([3] * 100) == (False, False)  # while the runs still relax across


def test_states_have_the_shape_of_the_cells():
    enough, frozen = freezing_state(
        np.array([[0.0, 0.5], [1.0, 0.2]]), np.array([[np.nan, 0.0], [0.1, 0.05]]), THRESHOLDS
    )
    assert enough.tolist() == [[False, True], [True, True]] and frozen.tolist() == [[False, True], [False, True]]


def test_a_cell_has_the_measures_of_its_runs():
    cell = summarize(RUNS)
    assert list(cell) == list(MEASURES)
    assert cell["p_flat"] == 0.75 and cell["p_flat_error"] == fraction_with_error(3, 4)[1]
    assert cell["freezing_time"] == 7.0 and cell["freezing_time_error"] == pytest.approx(2.0)
    assert cell["freezing_y"] == 7.0 and cell["freezing_y_error"] == pytest.approx(1.0)  # of the two that change
    assert cell["changed_relaxed"] == 1 / 5 and cell["late"] == 0.0
    assert cell["changed"] == 2 / 5 and cell["diverged"] == 1.0


def test_a_cell_without_a_change_of_valley_has_no_freezing_y():
    still = summarize(Runs(RUNS.x, RUNS.y, np.ones(5), RUNS.freezing_y))
    assert still["changed"] == 0
    assert still["changed_relaxed"] == 0
    names = ("freezing_y", "freezing_y_error", "freezing_time", "freezing_time_error", "late")
    assert np.isnan([still[name] for name in names]).all()


def test_the_freezing_time_does_not_depend_on_the_runs_that_never_change_valley():
    """One of five runs changes valley at iteration 9, or all do: the mean is the same."""
    time = np.array([9.0, 1.0, 1.0, 1.0, 1.0])
    few, every = (summarize(Runs(RUNS.x, RUNS.y, each, RUNS.freezing_y)) for each in (time, np.full(5, 9.0)))
    assert few["freezing_time"] == every["freezing_time"] == 9 and few["changed"] == 0.2


def test_rows_stack_along_eta():
    cell = summarize(RUNS)
    other = cell | {"p_flat": 0.25}
    rows = [collect_row([0.1, 0.2], cells) for cells in ([cell, other], [other, other])]
    assert rows[0]["p_flat"].data.tolist() == [0.75, 0.25] and rows[0]["p_flat"].dims == ("sigma",)
    diagram = stack_rows([0.01, 0.1], [1, 0], rows, THRESHOLDS)
    assert diagram["p_flat"].data.tolist() == [[0.75, 0.25], [0.25, 0.25]]
    assert diagram["p_flat"].dims == ("eta", "sigma") and diagram["p_flat"].long_name == rows[0]["p_flat"].long_name
    assert diagram["sigma"].data.tolist() == [0.1, 0.2] and diagram["eta"].data.tolist() == [0.01, 0.1]
    assert diagram["stable"].data.tolist() == [True, False] and diagram["stable"].data.dtype == bool
    assert all(diagram[name].data.dtype == np.float64 for name in MEASURES)
    assert diagram["enough_changes"].data.all() and diagram["frozen"].data.all()  # 1 of 5 runs, and early


def test_a_cells_line_in_the_log_has_the_freezing_time_in_units_of_eta_t():
    cell = dict.fromkeys(MEASURES, 0.0) | {"p_flat": 0.9, "p_flat_error": 0.01, "freezing_time": 100.0, "diverged": 3.0}
    cell |= {"freezing_time_error": 20.0, "changed": 0.25}
    line = "eta 0.1, sigma 0.05: P_flat 0.9 +- 0.01, eta <t_freeze> 10 +- 2 of the 25.0% of runs that change valley"
    assert format_cell(0.1, 0.05, cell) == f"{line}, 3 diverged"
