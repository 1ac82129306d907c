"""A killed training resumes from its last saved state and ends bit for bit the same."""

import logging
from functools import cache

import numpy as np
import pytest
from helpers.training import run_training, streams

from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.recipe import Phase
from sgd_valleys.training import resume as resume_module
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.mlp_replicas import MLPReplicas
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.replicas import Replicas
from sgd_valleys.training.resume import Resume

LOG = logging.getLogger("sgd_valleys.test")
M = 60
MLP_SMALL, CNN_SMALL = MLP((48, 7, 5, 3)), CNN((3, 4, 4), (4,), (5,), 3)
ONE_LAYER = MLP((48, 3))


class Killed(Exception):
    """What ends a training in these tests."""


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(resume_module, "SECONDS", 0.0)
    monkeypatch.setattr(MLPReplicas, "stack_size", lambda *_: 2)
    monkeypatch.setattr(Replicas, "BLOCK_SAMPLES", 16)


def trained(network, B, path=None, killed_after=None, eta=0.05, last=None, **settings):
    """Train three runs of 32 iterations on random data, to be killed after so many; with a path they resume."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(M, 3, 4, 4)).astype(np.float32), rng.integers(0, 3, M)
    done = 0

    def progress(iterations):
        nonlocal done
        done += iterations
        if killed_after is not None and done > killed_after:
            raise Killed

    runs = 1 if B == M else 3
    run = run_training(
        network, network.initialize(rng), (network.inputs(x), y), (network.inputs(x[:9]), y[:9]), eta=eta, B=B,
        iterations=32, recording=Recording(points=5, checkpoints={runs - 1: range(5)}, last=last or {}),
        progress=progress, streams=streams(*range(runs)),
        resume=path and Resume(path, {"eta": eta, "B": B}, LOG), **settings,
    )  # fmt: skip
    return {**vars(run), **run.final, **{f"whole_{name}": array for name, array in run.checkpoint.items()}}


@cache
def undisturbed(network, B):
    return trained(network, B)


def same(a, b):
    return all(np.array_equal(a[name], b[name], equal_nan=True) for name in a if isinstance(a[name], np.ndarray))


@pytest.mark.parametrize("killed_after", [2, 20, 40, 70])  # at once, in the first stack, at its end, in the last
@pytest.mark.parametrize(
    ("network", "B"), [(MLP_SMALL, 12), (MLP_SMALL, M), (ONE_LAYER, 12), (CNN_SMALL, 12), (CNN_SMALL, M)]
)
def test_a_killed_training_resumes_bit_for_bit(often, tmp_path, network, B, killed_after):
    whole = undisturbed(network, B)
    limit = killed_after if B < M else killed_after // 3
    with pytest.raises(Killed):
        trained(network, B, tmp_path / "a.h5", limit)
    assert (tmp_path / ".a.h5.resume").exists()
    assert same(whole, trained(network, B, tmp_path / "a.h5"))


ARMS = {
    "covariance": {"noise": "covariance"},
    "isotropic with momentum": {"noise": "isotropic", "momentum": 0.9},
    "fresh": {"sampling": "fresh"},
    "phases": {"schedule": (Phase(0.25, momentum=0.5), Phase(until_loss=1.5, momentum=0.9), Phase(1.0, B=20))},
    "phases without noise": {"schedule": (Phase(0.5), Phase(0.75, noise="none"), Phase(1.0, noise="covariance"))},
}


@pytest.mark.parametrize("killed_after", [4, 20, 28, 50, 85])  # in every phase, in both stacks
@pytest.mark.parametrize(
    ("network", "arm"),
    [*((MLP_SMALL, arm) for arm in ARMS), *((CNN_SMALL, arm) for arm in ARMS if not arm.startswith("isotropic"))],
)
def test_a_training_killed_in_any_phase_resumes_bit_for_bit(often, tmp_path, network, arm, killed_after):
    settings = ARMS[arm]
    with pytest.raises(Killed):
        trained(network, 12, tmp_path / "a.h5", killed_after, **settings)
    assert same(trained(network, 12, **settings), trained(network, 12, tmp_path / "a.h5", **settings))


@pytest.mark.parametrize("killed_after", [4, 20, 36, 50])  # before and after run 1 ends, in the last stack
@pytest.mark.parametrize("network", [MLP_SMALL, CNN_SMALL])
def test_a_training_whose_runs_end_early_resumes_bit_for_bit(often, tmp_path, network, killed_after):
    settings = {"last": {1: 1}, "schedule": ARMS["phases"]["schedule"]}
    with pytest.raises(Killed):
        trained(network, 12, tmp_path / "a.h5", killed_after, **settings)
    assert (tmp_path / ".a.h5.resume").exists()
    assert same(trained(network, 12, **settings), trained(network, 12, tmp_path / "a.h5", **settings))


def test_what_was_done_is_not_done_again(often, tmp_path):
    with pytest.raises(Killed):
        trained(CNN_SMALL, 12, tmp_path / "a.h5", 40)
    state = Resume(tmp_path / "a.h5", {"eta": 0.05, "B": 12}, LOG).load()
    assert state["position"].tolist() == [1, 1]  # the second run was recorded last after 8 of its 9 iterations
    steps = []
    with pytest.MonkeyPatch.context() as patch:
        step = CNNReplicas.step
        patch.setattr(CNNReplicas, "step", lambda *a: (steps.append(1), step(*a)))
        trained(CNN_SMALL, 12, tmp_path / "a.h5")
    assert len(steps) == 3 * 32 - (32 + 8)


def test_a_damaged_state_or_one_of_other_settings_or_code_is_not_loaded(often, tmp_path):
    with pytest.raises(Killed):
        trained(MLP_SMALL, 12, tmp_path / "a.h5", 40)
    about = {"eta": 0.05, "B": 12}
    path = tmp_path / ".a.h5.resume"
    saved = path.read_bytes()
    assert Resume(tmp_path / "a.h5", about, LOG).load()
    assert not Resume(tmp_path / "a.h5", about | {"eta": 0.1}, LOG).load()
    assert same(trained(MLP_SMALL, 12, tmp_path / "a.h5", eta=0.1), trained(MLP_SMALL, 12, eta=0.1))
    content = bytearray(saved)
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not Resume(tmp_path / "a.h5", about, LOG).load()
    assert same(trained(MLP_SMALL, 12, tmp_path / "a.h5"), undisturbed(MLP_SMALL, 12))
    code = {"code_sha256": "1", "trained": [0, 2]}
    Resume(tmp_path / "b.h5", about | code, LOG).save({"x": np.arange(3)})
    assert Resume(tmp_path / "b.h5", about | code, LOG).load()
    assert not Resume(tmp_path / "b.h5", about | code | {"code_sha256": "2"}, LOG).load()
    assert not Resume(tmp_path / "b.h5", about | code | {"trained": [0]}, LOG).load()


def test_a_short_training_saves_nothing(tmp_path):
    trained(MLP_SMALL, 12, tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []
