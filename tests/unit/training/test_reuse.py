"""Runs of another file of the same cell are reused bit for bit, and only where everything agrees."""

import logging

import numpy as np
import pytest
from helpers.training import run_training, streams

from sgd_valleys.networks.mlp import MLP
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import parameter_variables
from sgd_valleys.training.recording import SERIES, Recording
from sgd_valleys.training.reuse import code_digest, find_runs, join, load_runs

LOG = logging.getLogger("sgd_valleys.test")
NETWORK, M, POINTS = MLP((6, 5, 3)), 12, 3
ATTRIBUTES = {
    "parameters": {"seed": 1, "device": "cpu", "first": 0, "last": 2, "checkpoints": [0, 2]},
    "data_sha256": "d",
    "code_sha256": code_digest(["train.py 1"]),
    "git_revision": "r",
}


def trained(realizations, checkpoints):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(M, 6)).astype(np.float32), rng.integers(0, 3, M)
    whole = {realizations.index(r): range(POINTS) for r in checkpoints}
    return run_training(
        NETWORK, NETWORK.initialize(rng), data, data, eta=0.1, B=4, iterations=8, recording=Recording(POINTS, whole),
        streams=streams(*realizations),
    )  # fmt: skip


@pytest.fixture
def stored(tmp_path):
    """A training file of realizations 0 to 2, of which 0 and 2 have checkpoints."""
    path, run = tmp_path / "eta0.1_B4_r0-2.h5", trained([0, 1, 2], [0, 2])
    variables = {
        **coordinates(realization=[0, 1, 2]),
        **run.variables("realization"),
        **parameter_variables(run.final, "final", ("realization",), "at the end"),
        "checkpoint": Variable(("checkpoint",), [0, 2], "realization of the checkpoint"),
        **parameter_variables(run.checkpoint, "checkpoint", ("checkpoint", "time"), "then"),
    }
    hdf5.write(path, variables, ATTRIBUTES | {"eta": 0.1, "B": 4})
    return path


def found(stored, attributes=ATTRIBUTES, realizations=range(5), checkpoints=()):
    result = stored.with_name("eta0.1_B4_r0-4.h5")
    return find_runs(result, attributes, list(realizations), checkpoints, LOG)


@pytest.mark.parametrize("checkpoints", [[], [0], [0, 3], [3, 4], [0, 2, 4]])
def test_runs_that_are_taken_over_and_new_ones_are_those_of_one_training(stored, checkpoints) -> None:
    old = found(stored, checkpoints=checkpoints)[stored]
    new = [r for r in range(5) if r not in old]
    assert old == [0, 1, 2]
    parts = [(old, load_runs(stored, old, checkpoints)), (new, trained(new, [r for r in checkpoints if r in new]))]
    joined, whole = join(parts), trained(list(range(5)), checkpoints)
    for name in ("iteration", "diverged", *SERIES):
        assert same(getattr(joined, name), getattr(whole, name)), name
    for name in NETWORK.names():
        assert same(joined.final[name], whole.final[name])
    assert joined.checkpoint.keys() == whole.checkpoint.keys() and joined.recording == whole.recording
    assert all(same(array, whole.checkpoint[name]) for name, array in joined.checkpoint.items())


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def test_a_run_without_the_checkpoints_that_are_wanted_is_trained_again(stored) -> None:
    assert found(stored, checkpoints=[1, 2]) == {stored: [0, 2]}
    assert found(stored, realizations=[3, 4]) == {} == found(stored, realizations=[1], checkpoints=[1])


@pytest.mark.parametrize(
    "changed",
    [{"data_sha256": "e"}, {"code_sha256": code_digest(["train.py 2"])}, {"versions": {"torch": "3"}}],
)
def test_a_file_of_other_data_code_or_versions_is_left_alone(stored, changed) -> None:
    assert found(stored, ATTRIBUTES | changed) == {}


@pytest.mark.parametrize("changed", [{"device": "cuda"}, {"seed": 2}, {"iterations": 9}])
def test_a_file_of_other_settings_is_left_alone(stored, changed) -> None:
    assert found(stored, ATTRIBUTES | {"parameters": ATTRIBUTES["parameters"] | changed}) == {}
    of_stack = {"first": 0, "last": 4, "checkpoints": [4]}
    assert found(stored, ATTRIBUTES | {"parameters": ATTRIBUTES["parameters"] | of_stack, "git_revision": "s"})


def test_a_damaged_file_or_one_of_another_cell_is_left_alone(stored, caplog) -> None:
    stored.rename(other := stored.with_name("eta0.1_B40_r0-2.h5"))
    assert found(stored) == {}
    content = bytearray(other.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)
    with caplog.at_level(logging.INFO, LOG.name):
        assert found(stored) == {}
    assert "no run is reused" in caplog.text
