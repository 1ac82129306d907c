"""Network parameters come back from a file by their own names."""

from pathlib import Path

import numpy as np
import pytest

from sgd_valleys.errors import UserError
from sgd_valleys.networks.build import build
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.storage.parameters import parameter_variables, read_parameters

NETWORKS = [{"name": "mlp", "hidden": [3] * 10}, {"name": "cnn", "channels": [2, 3], "hidden": [4]}]


@pytest.mark.parametrize("settings", NETWORKS, ids=["mlp", "cnn"])
def test_parameters_are_read_as_they_were_written_whole_or_in_part(settings: dict, tmp_path: Path) -> None:
    network = build(settings, (1, 8, 8), 5)
    rng = np.random.default_rng(0)
    runs = [network.initialize(rng) for _ in range(4)]
    final = {name: np.stack([run[name] for run in runs]) for name in network.names()}
    checkpoint = {name: array.reshape(2, 2, *array.shape[1:]) for name, array in final.items()}
    path = tmp_path / "train.h5"
    variables = parameter_variables(final, "final", ("realization",), "at the end")
    variables |= parameter_variables(checkpoint, "checkpoint", ("checkpoint", "time"), "at the recorded iterations")
    variables["checkpoint"] = Variable(("checkpoint",), np.array([1, 3]), "realization")
    variables["final_loss"] = Variable(("realization",), np.zeros(4), "not a parameter")
    hdf5.write(path, variables)
    found = read_parameters(path, "final")
    assert list(found) == network.names()  # layer 10 after layer 9
    assert all(np.array_equal(found[name], final[name]) for name in final)
    some = read_parameters(path, "checkpoint", hdf5.position(path, "checkpoint", 3) | {"time": 0})
    assert all(np.array_equal(some[name], runs[2][name]) for name in final)
    assert variables["final_layer1_weight"].long_name == "layer1_weight at the end"
    assert variables["checkpoint_layer1_bias"].dims == ("checkpoint", "time", "layer1_out")
    with pytest.raises(UserError, match="no parameters branch_layer1_weight"):
        read_parameters(path, "branch")
