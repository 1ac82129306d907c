"""Arrays of cells on the axes of a file."""

import numpy as np
import pytest

from sgd_valleys.measures.grid import on_grid, stack_cells


def test_a_cell_with_fewer_runs_is_padded_by_its_type() -> None:
    nan = np.nan
    floats = stack_cells([np.array([1.0], dtype=np.float32), np.array([2.0, 3.0], dtype=np.float32)])
    assert floats.dtype == np.float64 and np.array_equal(floats, [[1, nan], [2, 3]], equal_nan=True)
    flags = stack_cells([np.array([True]), np.array([True, False])])
    assert flags.dtype == bool and flags.tolist() == [[True, False], [True, False]]
    assert stack_cells([np.int64(3), np.int64(1)]).tolist() == [3, 1]
    assert stack_cells([np.ones((1, 4)), np.ones((3, 4))]).shape == (2, 3, 4)
    with pytest.raises(ValueError):
        stack_cells([np.ones((1, 4)), np.ones((3, 5))])


def test_cells_are_placed_by_eta_and_B_in_ascending_order() -> None:
    cells = {(0.2, 10): [3.0, 4.0], (0.1, 100): [2.0], (0.1, 10): [0.0, 1.0], (0.2, 100): [5.0]}
    placed = on_grid({cell: np.array(values) for cell, values in cells.items()})
    assert np.array_equal(placed, [[[0, 1], [2, np.nan]], [[3, 4], [5, np.nan]]], equal_nan=True)
    assert on_grid({cell: np.float64(sum(values)) for cell, values in cells.items()}).tolist() == [[1, 2], [7, 5]]
    with pytest.raises(ValueError):  # one cell is missing
        on_grid({(0.1, 10): np.ones(2), (0.1, 100): np.ones(2), (0.2, 10): np.ones(2)})
