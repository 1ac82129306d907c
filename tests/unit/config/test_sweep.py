"""Cells, runs and jobs of a sweep."""

import numpy as np
import pytest

from sgd_valleys.config.sweep import Cell, Run, Selection, Sweep, canonical, log_grid, select

SETTINGS = {
    "eta": [0.001, 0.1],
    "B": [10, 500, 1000],
    "realizations": 20,
    "eta_T": 100,
    "stack": 20,
    "job_samples": 250_000_000,
}
SWEEP = Sweep.from_settings(SETTINGS, M=1000)


@pytest.mark.parametrize(
    ("rate", "text"), [(0.1, "0.1"), (0.10, "0.1"), (1.0e-5, "0.00001"), (1, "1"), (1.0, "1"), (0.005, "0.005")]
)
def test_a_rate_has_one_spelling(rate, text):
    assert canonical(rate) == text
    assert float(text) == rate


def test_a_grid_is_even_in_the_logarithm_and_short_enough_for_a_files_name():
    grid = log_grid({"first": 0.01, "last": 0.1, "points": 10})
    assert grid == pytest.approx(np.logspace(-2, -1, 10), rel=1e-5)
    assert max(len(canonical(value)) for value in grid) <= 9
    assert log_grid({"first": 0.5, "last": 0.5, "points": 1}) == [0.5]


def test_a_list_of_values_is_a_grid_in_ascending_order():
    assert log_grid([0.1, 0.05]) == [0.05, 0.1]


def test_cells_are_named_by_text_rates_first():
    assert SWEEP.cells[:4] == [("0.001", 10), ("0.001", 500), ("0.001", 1000), ("0.1", 10)]


def test_every_run_lasts_for_the_same_eta_T():
    assert (SWEEP.iterations("0.001"), SWEEP.iterations("0.1")) == (100_000, 1000)
    assert float(Sweep.from_settings(SETTINGS | {"eta_T": 10.01}, 1000).duration("0.1")) == 100.1


def test_job_chunks_cover_the_realizations_and_long_cells_are_split():
    assert SWEEP.job_chunks(Cell("0.1", 10)) == [(0, 19)]
    assert SWEEP.job_chunks(Cell("0.001", 500)) == [(0, 4), (5, 9), (10, 14), (15, 19)]
    assert SWEEP.job_chunks(Cell("0.1", 1000)) == [(0, 0)]  # gradient descent runs once


def test_more_realizations_leave_full_chunks_as_they_are():
    more = Sweep.from_settings(SETTINGS | {"realizations": 27}, M=1000)
    for cell in (Cell("0.1", 10), Cell("0.001", 500)):
        assert more.job_chunks(cell)[: len(SWEEP.job_chunks(cell))] == SWEEP.job_chunks(cell)


def test_cells_have_numbers_of_runs_of_their_own_and_the_last_that_names_a_cell_is_valid():
    counts = [{"eta": [0.1], "B": [10, 1000], "realizations": 30}, {"eta": [0.001, 0.1], "B": [10], "realizations": 3}]
    sweep = Sweep.from_settings(SETTINGS | {"counts": counts}, M=1000)
    assert [sweep.count(cell) for cell in sweep.cells] == [3, 20, 1, 3, 20, 1]
    sweep = Sweep.from_settings(SETTINGS | {"counts": counts[::-1]}, M=1000)
    assert [sweep.count(cell) for cell in sweep.cells] == [3, 20, 1, 30, 20, 1]
    assert sweep.job_chunks(Cell("0.1", 10)) == [(0, 19), (20, 29)] and sweep.job_chunks(Cell("0.1", 1000)) == [(0, 0)]


def test_a_run_belongs_to_one_chunk():
    assert SWEEP.chunk_of(Run("0.001", 500, 7)) == (5, 9)


def test_a_selection_names_runs():
    selection = Selection.from_settings({"eta": [0.1], "B": "all", "realizations": [0, 7]})
    assert select([selection], Cell("0.1", 10), range(5, 10)) == [7]
    assert select([selection], Cell("0.01", 10), range(5, 10)) == []
    everything = Selection.from_settings({"eta": [0.1], "B": "all", "realizations": "all"})
    assert select([selection, everything], Cell("0.1", 10), range(3)) == [0, 1, 2]
