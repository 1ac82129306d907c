"""Whole parameters are read back as they were written."""

import numpy as np
import pytest

from sgd_valleys.errors import UserError
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.parameters import parameter_variables, read_parameters

NETWORK = CNN((2, 4, 4), (3,), (5,), 2)


@pytest.fixture
def stored(tmp_path):
    """A file with parameters at the end of 3 runs and at 4 recorded points of 2 runs, and both sets of parameters."""
    rng = np.random.default_rng(0)
    initial = NETWORK.initialize(rng)
    final, checkpoint = (
        {name: rng.normal(size=(*axes, *array.shape)) for name, array in initial.items()} for axes in ((3,), (2, 4))
    )
    variables = parameter_variables(final, "final", ("realization",), "at the end")
    variables |= parameter_variables(checkpoint, "checkpoint", ("checkpoint", "time"), "at the recorded iterations")
    hdf5.write(tmp_path / "a.h5", variables)
    return tmp_path / "a.h5", final, checkpoint


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_parameters_are_read_by_prefix_under_their_own_names(stored):
    path, final, checkpoint = stored
    assert same(read_parameters(path, "final"), final)
    assert same(read_parameters(path, "checkpoint"), checkpoint)


def test_positions_along_named_axes_select_runs_and_points(stored):
    path, _, checkpoint = stored
    found = read_parameters(path, "checkpoint", {"checkpoint": 1, "time": [0, 2]})
    assert same(found, {name: array[1, [0, 2]] for name, array in checkpoint.items()})


def test_axes_are_named_by_layer(stored):
    path, *_ = stored
    described = hdf5.describe(path)
    assert described["checkpoint_layer1_weight"].dims == (
        "checkpoint", "time", "layer1_out", "layer1_in", "layer1_row", "layer1_column",
    )  # fmt: skip
    assert described["final_layer2_bias"].dims == ("realization", "layer2_out")
    assert described["final_layer2_bias"].long_name == "layer2_bias at the end"


def test_a_file_without_such_parameters_is_refused(stored):
    path, *_ = stored
    with pytest.raises(UserError, match=r"a\.h5 holds no parameters initial_layer1_weight"):
        read_parameters(path, "initial")
