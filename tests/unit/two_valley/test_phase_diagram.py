"""Cells, rows and diagrams have the measures of their runs."""

import numpy as np
import pytest

from sgd_valleys.two_valley.phase_diagram import MEASURES, collect_row, format_cell, stack_rows, summarize_cell
from sgd_valleys.two_valley.run_statistics import Runs, fraction_with_error

# four finite runs, of which three end in the flat valley and two change valley after the first step, and a diverged one
RUNS = Runs(
    x=np.array([0.5, 0.4, 0.3, -0.2, np.nan]),
    y=np.array([9.0, 9.0, 9.0, 9.0, np.nan]),
    freezing_time=np.array([1.0, 5.0, 9.0, 1.0, np.nan]),
    freezing_y=np.array([5.0, 6.0, 8.0, 5.0, np.nan]),
)


def test_a_cell_has_the_measures_of_its_runs():
    cell = summarize_cell(RUNS)
    assert list(cell) == list(MEASURES)
    assert cell["p_flat"] == 0.75 and cell["p_flat_error"] == fraction_with_error(3, 4)[1]
    assert cell["freezing_time"] == 4.0
    assert cell["freezing_time_error"] == pytest.approx(np.std([1, 5, 9, 1], ddof=1) / 2)
    assert cell["freezing_y"] == 7.0 and cell["freezing_y_error"] == pytest.approx(1.0)  # of the two that change
    assert cell["changed"] == 2 / 5 and cell["diverged"] == 1.0


def test_a_cell_without_a_change_of_valley_has_no_freezing_y():
    still = summarize_cell(Runs(RUNS.x, RUNS.y, np.ones(5), RUNS.freezing_y))
    assert still["changed"] == 0 and still["freezing_time"] == 1
    assert np.isnan([still["freezing_y"], still["freezing_y_error"]]).all()


def test_rows_stack_along_eta():
    cell = summarize_cell(RUNS)
    other = cell | {"p_flat": 0.25}
    rows = [collect_row([0.1, 0.2], cells) for cells in ([cell, other], [other, other])]
    assert rows[0]["p_flat"].data.tolist() == [0.75, 0.25] and rows[0]["p_flat"].dims == ("sigma",)
    diagram = stack_rows([0.01, 0.1], [1, 0], rows)
    assert diagram["p_flat"].data.tolist() == [[0.75, 0.25], [0.25, 0.25]]
    assert diagram["p_flat"].dims == ("eta", "sigma") and diagram["p_flat"].long_name == rows[0]["p_flat"].long_name
    assert diagram["sigma"].data.tolist() == [0.1, 0.2] and diagram["eta"].data.tolist() == [0.01, 0.1]
    assert diagram["stable"].data.tolist() == [True, False] and diagram["stable"].data.dtype == bool
    assert all(diagram[name].data.dtype == np.float64 for name in MEASURES)


def test_a_cells_line_in_the_log_has_the_freezing_time_in_units_of_eta_t():
    cell = dict.fromkeys(MEASURES, 0.0) | {"p_flat": 0.9, "p_flat_error": 0.01, "freezing_time": 100.0, "diverged": 3.0}
    cell["freezing_time_error"] = 20.0
    line = "eta 0.1, sigma 0.05: P_flat 0.9 +- 0.01, eta <t_freeze> 10 +- 2, 3 diverged"
    assert format_cell(0.1, 0.05, cell) == line
