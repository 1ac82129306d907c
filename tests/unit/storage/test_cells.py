"""The stacks of a cell are joined, and a cell is found on the axes of a file."""

import numpy as np
import pytest

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import find_cell, index_of, join_stacks, read_cells
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


def write_stack(path, first, last, **settings):
    """A stack of runs whose loss is their realization; the even ones are kept."""
    runs = np.arange(first, last + 1)
    hdf5.write(
        path,
        {
            "realization": Variable(("realization",), runs, "r"),
            "loss": Variable(("realization",), runs.astype(float), "loss"),
            "iteration": Variable(("time",), np.array([0, 5]), "t"),
            "checkpoint": Variable(("checkpoint",), runs[runs % 2 == 0], "r"),
            "checkpoint_layer1_bias": Variable(("checkpoint", "time"), runs[runs % 2 == 0, None] * [1, 10], "b"),
        },
        {"eta": 0.1, "B": 10, "parameters": {"first": first, "last": last, "seed": 1} | settings},
    )
    return path


def test_the_stacks_of_a_cell_are_read_as_one(tmp_path):
    paths = [write_stack(tmp_path / f"{first}.h5", first, first + 1) for first in (2, 0)]
    cells = read_cells(paths, ["loss"], shared=["iteration"])
    assert cells[0.1, 10]["loss"].tolist() == [0, 1, 2, 3]
    assert cells[0.1, 10]["iteration"].tolist() == [0, 5]


def test_a_shared_array_with_realizations_is_joined(tmp_path):
    paths = []
    for first in (2, 0):
        runs = np.arange(first, first + 2)
        variables = {name: Variable(("realization",), runs, "r") for name in ("realization", "initial_layer1_bias")}
        paths.append(tmp_path / f"{first}.h5")
        hdf5.write(paths[-1], variables, {"eta": 0.1, "B": 10})
    (cell,) = read_cells(paths, [], shared=["initial_layer1_bias"]).values()
    assert cell["initial_layer1_bias"].tolist() == [0, 1, 2, 3]


def test_a_run_in_two_stacks_counts_once(tmp_path):
    stacks = [write_stack(tmp_path / "old.h5", 0, 0), write_stack(tmp_path / "new.h5", 0, 2, device="cuda")]
    for paths in (stacks, stacks[::-1]):
        (cell,) = read_cells(paths, ["loss"]).values()
        assert cell["realization"].tolist() == cell["loss"].tolist() == [0, 1, 2]
        kept = join_stacks(paths, ["checkpoint_layer1_bias", "iteration", "loss"])
        assert kept["checkpoint"].tolist() == [0, 2]  # the realizations of the first axis come along
        assert kept["checkpoint_layer1_bias"].tolist() == [[0, 0], [2, 20]]
        assert kept["realization"].tolist() == [0, 1, 2] and kept["iteration"].tolist() == [0, 5]


def test_stacks_of_other_settings_are_not_joined(tmp_path):
    paths = [write_stack(tmp_path / "old.h5", 0, 0, iterations=500), write_stack(tmp_path / "new.h5", 1, 2)]
    message = r"old\.h5 and .*new\.h5: different settings, iterations \(500 and None\)"
    with pytest.raises(UserError, match=message):
        read_cells(paths, ["loss"])
