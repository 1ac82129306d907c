"""Every kind of step is that of ``torch.optim.SGD`` with autograd, and a schedule is one kind after the other."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training import epochs, run_training, streams
from torch import nn

from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network
from sgd_valleys.recipe import LOSSES, Phase
from sgd_valleys.training import sgd
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.mlp_replicas import GramReplicas, MLPReplicas
from sgd_valleys.training.moving_replicas import IsotropicReplicas, MovingReplicas
from sgd_valleys.training.recording import Recording, Trajectory
from sgd_valleys.training.streams import Streams

M, K, STEPS = 40, 4, 36
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
Problem = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def mlp(activation: str = "relu") -> MLP:
    return MLP((30, 8, 7, K), activation)


def cnn(activation: str = "relu") -> CNN:
    return CNN((2, 6, 5), (3,), (7,), K, activation)


def problem(network: Network) -> Problem:
    rng = np.random.default_rng(5)
    shape = network.shape if isinstance(network, CNN) else (30,)
    x, y = rng.uniform(-1, 1, (M, *shape)), rng.integers(0, K, M)
    return (x, y), (x[:11] + 0.1, y[:11])


def torchs_own(network: Network, parameters: dict[str, np.ndarray]) -> nn.Module:
    """The same network of torch.nn's modules, with these parameters."""
    activation, layers = ACTIVATIONS[network.activation], []
    if isinstance(network, CNN):
        for a, b in pairwise((network.shape[0], *network.channels)):
            layers += [nn.Conv2d(a, b, 3, padding=1), activation(), nn.MaxPool2d(2)]
        layers.append(nn.Flatten())
    for a, b in pairwise(network.head.sizes if isinstance(network, CNN) else network.sizes):
        layers += [nn.Linear(a, b), activation()]
    model = nn.Sequential(*layers[:-1]).double()
    with torch.no_grad():
        for own, array in zip(model.parameters(), parameters.values(), strict=True):
            own.copy_(torch.from_numpy(array))
    return model


def torchs_loss(name: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    def mse(output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.mse_loss(output, nn.functional.one_hot(labels, K).double())

    return {
        "cross_entropy": nn.functional.cross_entropy,
        "mse": mse,
        "mse_softmax": lambda z, labels: mse(z.softmax(dim=1), labels),
    }[name]


def expected_end(network: Network, B: int, *, loss: str = "cross_entropy", **options: float) -> dict[str, np.ndarray]:
    """The parameters after ``STEPS`` of torch's optimizer, on the minibatches of the first run."""
    (x, y), _ = problem(network)
    model = torchs_own(network, network.initialize(np.random.default_rng(1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, **options)
    order = epochs(0, M)
    visited = np.concatenate([next(order) for _ in range(STEPS * B // M + 1)])
    for step in range(STEPS):
        batch = np.arange(M) if B == M else visited[step * B : (step + 1) * B]
        optimizer.zero_grad()
        torchs_loss(loss)(model(torch.from_numpy(x[batch])), torch.from_numpy(y[batch])).backward()
        optimizer.step()
    return dict(zip(network.names(), (own.detach().numpy() for own in model.parameters()), strict=True))


def trained(network: Network, runs: int = 1, **settings: Any) -> Trajectory:
    options = {"eta": 0.1, "B": 8, "iterations": STEPS, "recording": Recording(points=4), "dtype": torch.float64}
    initial = network.initialize(np.random.default_rng(1))
    return run_training(network, initial, *problem(network), streams=streams(*range(runs)), **options | settings)


def difference(run: Trajectory, expected: dict[str, np.ndarray], row: int = 0) -> float:
    return max(np.abs(run.final[name][row] - array).max() for name, array in expected.items())


def same(one: Trajectory, other: Trajectory) -> bool:
    series = ("train_loss", "test_loss", "test_error")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in series) and all(
        np.array_equal(array, other.final[name]) for name, array in one.final.items()
    )


@pytest.mark.parametrize("B", [8, M])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [GramReplicas, MLPReplicas, CNNReplicas])
def test_losses_and_activations_are_torchs(kind, activation, loss, B, monkeypatch) -> None:
    monkeypatch.setattr(sgd, "replicas_class", lambda *_: kind)
    network = cnn(activation) if kind is CNNReplicas else mlp(activation)
    run = trained(network, runs=2, B=B, loss=loss)
    assert difference(run, expected_end(network, B, loss=loss)) < 1e-12
    model = torchs_own(network, {name: array[0] for name, array in run.final.items()})
    (x, y), _ = problem(network)
    value = torchs_loss(loss)(model(torch.from_numpy(x)), torch.from_numpy(y)).item()
    assert run.train_loss[0, -1] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("B", [8, M])
@pytest.mark.parametrize(
    "options", [{"momentum": 0.9}, {"weight_decay": 0.05}, {"momentum": 0.5, "weight_decay": 0.02}], ids=str
)
@pytest.mark.parametrize("network", [mlp("tanh"), cnn()], ids=["mlp", "cnn"])
def test_momentum_and_weight_decay_are_torchs(network, options, B) -> None:
    assert difference(trained(network, runs=2, B=B, **options), expected_end(network, B, **options)) < 1e-12


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, GramReplicas),
        ({"noise": "covariance"}, GramReplicas),
        ({"noise_layers": (2,)}, GramReplicas),
        ({"noise": "none", "B": 8}, GramReplicas),
        ({"noise": "isotropic", "B": M}, GramReplicas),  # no noise
        ({"momentum": 0.9}, MovingReplicas),
        ({"weight_decay": 0.1}, MovingReplicas),
        ({"noise": "constant", "noise_strength": 0.1}, MovingReplicas),
        ({"noise": "isotropic"}, IsotropicReplicas),
    ],
)
def test_each_kind_of_step_has_its_class(settings, kind) -> None:
    dynamics = sgd.Dynamics(**{"eta": 0.1, "B": 8, **settings})
    assert sgd.replicas_class(mlp(), M, dynamics) is kind


@pytest.mark.parametrize("network", [mlp(), cnn()], ids=["mlp", "cnn"])
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"noise": "covariance"}], ids=str)
def test_a_schedule_that_changes_nothing_changes_no_bit(network, settings) -> None:
    schedule = (Phase(1 / 3), Phase(until_loss=1.4, eta=1.0), Phase(1.0))
    assert same(trained(network, runs=3, **settings), trained(network, runs=3, schedule=schedule, **settings))


@pytest.mark.parametrize("network", [mlp(), cnn()], ids=["mlp", "cnn"])
def test_a_schedule_is_one_training_after_the_other(network) -> None:
    schedule = (Phase(1 / 3, B=4, eta=2.0), Phase(2 / 3, noise="none"), Phase(1.0, noise="covariance", momentum=0.9))
    whole = trained(network, runs=2, schedule=schedule)
    third = {"iterations": STEPS // 3, "recording": Recording(points=2), "dtype": torch.float64}
    data, ends = problem(network), network.initialize(np.random.default_rng(1))
    later = [Streams(r, (), first_step=2 * STEPS // 3) for r in range(2)]
    for point, (settings, drawn) in enumerate(
        (
            ({"eta": 0.2, "B": 4}, streams(0, 1)),
            ({"eta": 0.1, "B": 8, "noise": "none"}, streams(0, 1)),
            ({"eta": 0.1, "B": 8, "noise": "covariance", "momentum": 0.9}, later),
        ),
        start=1,
    ):
        part = run_training(network, ends, *data, streams=drawn, **third, **settings)
        assert np.array_equal(part.train_loss[:, -1], whole.train_loss[:, point])
        ends = part.final
    assert all(np.array_equal(ends[name], whole.final[name]) for name in ends)


@pytest.mark.parametrize(
    "settings", [{}, {"noise": "covariance"}, {"sampling": "fresh"}, {"noise_layers": (2,)}], ids=str
)
@pytest.mark.parametrize("network", [mlp(), cnn()], ids=["mlp", "cnn"])
def test_branches_that_visit_the_minibatches_of_their_run_are_the_run(network, settings) -> None:
    recording = Recording(points=STEPS // 3 + 1, checkpoints={0: range(STEPS // 3 + 1)})
    run = trained(network, recording=recording, **settings)
    points = (1, 4, 4, 7)  # after 3, 12, 12 and 21 steps, in the middle of an epoch of 5
    starts = {name: array[0, points] for name, array in run.checkpoint.items()}
    branches = run_training(
        network, starts, *problem(network), eta=0.1, B=8, iterations=15, recording=Recording(points=6),
        streams=[Streams(0, (), first_step=3 * point) for point in points], dtype=torch.float64, **settings,
    )  # fmt: skip
    for row, point in enumerate(points):
        assert np.array_equal(branches.train_loss[row], run.train_loss[0, point : point + 6])


def test_a_phase_ends_by_the_loss_for_each_run_at_its_own_time() -> None:
    schedule = (Phase(until_loss=0.8), Phase(1.0, noise="none"))
    settings = {"iterations": 120, "recording": Recording(points=121)}
    sgd_alone = trained(mlp(), runs=4, **settings)
    run = trained(mlp(), runs=4, schedule=schedule, **settings)
    ends = (sgd_alone.train_loss < 0.8).argmax(axis=1)
    assert len(set(ends.tolist())) > 1
    for r, end in enumerate(ends):
        assert np.array_equal(run.train_loss[r, : end + 1], sgd_alone.train_loss[r, : end + 1])
        assert not np.array_equal(run.train_loss[r, end + 1], sgd_alone.train_loss[r, end + 1])
        alone = run_training(
            mlp(), mlp().initialize(np.random.default_rng(1)), *problem(mlp()), streams=streams(r), eta=0.1, B=8,
            dtype=torch.float64, schedule=schedule, **settings,
        )  # fmt: skip
        assert np.array_equal(alone.train_loss[0], run.train_loss[r])


ARMS = {
    "fresh": {"sampling": "fresh"},
    "minibatches in one layer": {"noise_layers": (2,)},
    "covariance": {"noise": "covariance", "noise_scale": 2.0},
    "covariance in one layer": {"noise": "covariance", "noise_layers": (1, 3)},
    "constant": {"noise": "constant", "noise_strength": 0.1, "momentum": 0.5},
    "isotropic": {"noise": "isotropic", "momentum": 0.5},
    "isotropic by layer": {"noise": "isotropic_by_layer"},
    "mixed": {
        "noise_strength": 0.1,
        "schedule": (Phase(1 / 3, noise="constant"), Phase(until_loss=1.3, B=4), Phase(1.0, noise="none")),
    },
}


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_run_of_any_arm_is_bit_for_bit_the_same_in_any_company(arm, dtype, monkeypatch) -> None:
    crowd = trained(mlp(), runs=7, dtype=dtype, **ARMS[arm])
    initial = mlp().initialize(np.random.default_rng(1))
    for company in ([5], [6, 5], [0, 5, 3]):
        few = run_training(
            mlp(), initial, *problem(mlp()), streams=streams(*company), eta=0.1, B=8, iterations=STEPS,
            recording=Recording(points=4), dtype=dtype, **ARMS[arm],
        )  # fmt: skip
        assert all(np.array_equal(few.final[name][company.index(5)], crowd.final[name][5]) for name in crowd.final)


@pytest.mark.parametrize("arm", [name for name in ARMS if not name.startswith("isotropic")])
def test_a_convolutional_network_takes_every_arm_but_the_isotropic_ones(arm) -> None:
    run = trained(cnn(), runs=2, **ARMS[arm])
    assert np.isfinite(run.train_loss).all() and np.ptp(run.train_loss[:, -1]) > 0


def test_no_noise_and_noise_of_the_whole_training_set_are_gradient_descent() -> None:
    descent = trained(mlp(), B=M)
    for settings in ({"noise": "none"}, *({"noise": noise, "B": M} for noise in ("covariance", "isotropic"))):
        assert same(trained(mlp(), **settings), descent)


def test_fresh_minibatches_are_those_of_the_streams() -> None:
    network, drawn = mlp(), streams(0)[0].subsets(M, 8)
    visited = np.concatenate([next(drawn) for _ in range(STEPS * 8 // M + 1)])
    (x, y), _ = problem(network)
    model = torchs_own(network, network.initialize(np.random.default_rng(1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for batch in visited[: STEPS * 8].reshape(STEPS, 8):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(torch.from_numpy(x[batch])), torch.from_numpy(y[batch])).backward()
        optimizer.step()
    expected = dict(zip(network.names(), (own.detach().numpy() for own in model.parameters()), strict=True))
    assert difference(trained(network, sampling="fresh"), expected) < 1e-12
