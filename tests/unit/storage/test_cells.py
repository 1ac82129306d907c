"""The stacks of a cell are joined, whatever the order of their files."""

import numpy as np

from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import read_cells
from sgd_valleys.storage.hdf5 import Variable


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
