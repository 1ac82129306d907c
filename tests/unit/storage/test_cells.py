"""The stacks of a cell are joined, and a cell is found on the axes of a file."""

import numpy as np
import pytest

from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import find_cell, index_of, read_cells
from sgd_valleys.storage.hdf5 import Variable

ETA, B = np.array([0.005, 0.01, 0.05]), np.array([20, 50])


@pytest.mark.parametrize(
    ("eta", "size", "place"), [(0.005, 20, (0, 0)), (0.05, 50, (2, 1)), (0.02, 50, None), (0.05, 10, None)]
)
def test_a_cell_is_found_on_the_axes_of_a_file(eta, size, place):
    assert find_cell(ETA, B, eta, size) == place


def test_values_are_compared_exactly():
    assert index_of(ETA, 0.01) == 1
    assert index_of(ETA, np.nextafter(0.01, 1)) is None
    assert all(index_of(ETA, float(text)) == k for k, text in enumerate(("0.005", "0.010", "5e-2")))


def test_the_stacks_of_a_cell_are_read_as_one(tmp_path):
    for first in (2, 0):
        hdf5.write(
            tmp_path / f"{first}.h5",
            {
                "realization": Variable(("realization",), np.array([first, first + 1]), "r"),
                "loss": Variable(("realization",), np.array([first, first + 1.0]), "loss"),
                "iteration": Variable(("time",), np.array([0, 5]), "t"),
            },
            {"eta": 0.1, "B": 10},
        )
    cells = read_cells([str(tmp_path / "2.h5"), str(tmp_path / "0.h5")], ["loss"], shared=["iteration"])
    assert cells[0.1, 10]["loss"].tolist() == [0, 1, 2, 3]
    assert cells[0.1, 10]["iteration"].tolist() == [0, 5]
