"""A run on a GPU is the run on the CPU; skipped where PyTorch finds no GPU."""

import numpy as np
import pytest
import torch
from helpers.training import run_training, streams

from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.recipe import Phase
from sgd_valleys.training import sgd
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.mlp_replicas import GramReplicas, MLPReplicas
from sgd_valleys.training.recording import Recording

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU here")
M = 40
CNN_SHAPE = (2, 8, 8)
NETWORKS = {
    GramReplicas: MLP((30, 8, 7, 4)),
    MLPReplicas: MLP((30, 8, 7, 4)),
    CNNReplicas: CNN(CNN_SHAPE, (4, 6), (10,), 4),
}


def problem(network):
    rng = np.random.default_rng(5)
    shape = CNN_SHAPE if isinstance(network, CNN) else (30,)
    x, y = rng.uniform(-1, 1, (M, *shape)), rng.integers(0, 4, M)
    return (x, y), (x[:11] + 0.1, y[:11])


def run_on(device, kind, B, monkeypatch, dtype=torch.float64):
    monkeypatch.setattr(sgd, "replicas_class", lambda *_: kind)
    network = NETWORKS[kind]
    return run_training(
        network, network.initialize(np.random.default_rng(1)), *problem(network), eta=0.1, B=B, iterations=160,
        recording=Recording(points=5), streams=streams(0, 1, 2), dtype=dtype, device=choose_device(device),
    )  # fmt: skip


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("B", [5, M])
def test_a_trajectory_is_the_cpus_in_float64(kind, B, monkeypatch):
    cpu, gpu = (run_on(device, kind, B, monkeypatch) for device in ("cpu", "cuda"))
    assert gpu.train_loss == pytest.approx(cpu.train_loss, rel=1e-10)
    assert gpu.test_loss == pytest.approx(cpu.test_loss, rel=1e-10)
    assert np.array_equal(gpu.test_error, cpu.test_error)
    for name, array in cpu.final.items():
        assert gpu.final[name] == pytest.approx(array, abs=1e-11)
    assert np.ptp(cpu.train_loss[:, -1]) > 1e-6 or B == M  # runs of their own


@pytest.mark.parametrize("kind", NETWORKS)
def test_float32_keeps_the_precision_of_float32(kind, monkeypatch):
    exact, gpu = run_on("cpu", kind, 5, monkeypatch), run_on("cuda", kind, 5, monkeypatch, torch.float32)
    assert gpu.train_loss == pytest.approx(exact.train_loss, rel=1e-4)  # TF32 would be off by 1e-3 and more


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("B", [5, M])
def test_the_same_seed_gives_the_same_bits(kind, B, monkeypatch):
    first, second = (run_on("cuda", kind, B, monkeypatch, torch.float32) for _ in range(2))
    assert all(np.array_equal(first.final[name], second.final[name]) for name in first.final)
    assert np.array_equal(first.train_loss, second.train_loss)


ARMS = [
    {"noise": "covariance"},
    {"noise_layers": (2,)},
    {"noise": "isotropic"},
    {"noise": "constant", "noise_strength": 0.1},
    {"momentum": 0.9, "weight_decay": 0.01},
    {"loss": "mse_softmax", "schedule": (Phase(0.25, momentum=0.5), Phase(until_loss=0.2, B=10), Phase(1.0, eta=0.5))},
]


@pytest.mark.parametrize("arm", ARMS, ids=str)
@pytest.mark.parametrize("network", [MLP((30, 8, 7, 4), "tanh"), NETWORKS[CNNReplicas]], ids=["mlp", "cnn"])
def test_every_arm_is_the_cpus(network, arm):
    if isinstance(network, CNN) and arm.get("noise") == "isotropic":
        return  # refused
    cpu, gpu = (
        run_training(network, network.initialize(np.random.default_rng(1)), *problem(network), eta=0.1, B=5,
                     iterations=80, recording=Recording(points=5), streams=streams(0, 1, 2), dtype=torch.float64,
                     device=choose_device(device), **arm)
        for device in ("cpu", "cuda")
    )  # fmt: skip
    for name, array in gpu.final.items():
        assert array == pytest.approx(cpu.final[name], abs=1e-10)


def test_gradient_descent_from_many_starts_is_the_cpus():
    network = NETWORKS[GramReplicas]
    points = [network.initialize(np.random.default_rng(r)) for r in range(6)]
    starts = {name: np.stack([point[name] for point in points]) for name in points[0]}
    cpu, gpu = (
        run_training(network, starts, *problem(network), eta=0.1, B=M, iterations=60, recording=Recording(points=4),
              dtype=torch.float64, device=choose_device(device))
        for device in ("cpu", "cuda")
    )  # fmt: skip
    for name, array in gpu.final.items():
        assert array == pytest.approx(cpu.final[name], abs=1e-11)
