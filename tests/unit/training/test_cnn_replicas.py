"""The convolutional network: its start, its gradient, its training against torch.nn's own, and its curvature."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers.training import epochs, run_training, streams
from torch import nn

from sgd_valleys.data.subset import first_of_each_class
from sgd_valleys.errors import UserError
from sgd_valleys.measures.curvature import LayerHessian, top_eigenvalues
from sgd_valleys.measures.paths import line_loss
from sgd_valleys.networks.build import build
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.recipe import Dynamics
from sgd_valleys.storage.parameters import parameter_variables
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.replicas import TrainingSet

PAPERS = CNN((3, 32, 32), (32, 64, 64), (128,), 10)
SMALL = CNN((3, 9, 8), (4, 5), (7,), 3)  # 9 rows: the last of an odd number is left out by the pooling
M = 120  # more than a slice


@pytest.fixture
def problem():
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, M)
    x = np.tanh(rng.normal(size=(3, 3, 9, 8))[y] + rng.normal(size=(M, 3, 9, 8)))
    return (x, y), (x[:60] + 0.1, y[:60])


def torchs_own(network, parameters):
    """The same network of torch.nn's modules, with these parameters."""
    channels = (network.shape[0], *network.channels)
    layers = []
    for a, b in pairwise(channels):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers.append(nn.Flatten())
    for a, b in pairwise(network.head.sizes):
        layers += [nn.Linear(a, b), nn.ReLU()]
    model = nn.Sequential(*layers[:-1]).to(torch.float64)
    with torch.no_grad():
        for own, name in zip(model.parameters(), network.names(), strict=True):
            own.copy_(torch.from_numpy(parameters[name]))
    return model


def parameters_of(network, model):
    return {name: own.detach().numpy() for name, own in zip(network.names(), model.parameters(), strict=True)}


def largest_difference(a, b):
    return max(np.abs(a[name] - b[name]).max() for name in b)


def test_the_papers_network_has_its_layers_and_its_188810_parameters():
    initial = PAPERS.initialize(np.random.default_rng(0))
    assert [initial[f"layer{k}_weight"].shape for k in range(1, 6)] == [
        (32, 3, 3, 3),
        (64, 32, 3, 3),
        (64, 64, 3, 3),
        (128, 1024),
        (10, 128),
    ]
    assert sum(array.size for array in initial.values()) == 188_810
    assert list(PAPERS.dense_layers) == [4, 5]


def test_initialization_is_kaiming_with_fan_out_for_convolutions_and_fan_in_for_the_rest():
    initial = PAPERS.initialize(np.random.default_rng(0))
    for layer, fan in ((1, 32 * 9), (2, 64 * 9), (3, 64 * 9), (4, 1024), (5, 128)):
        weight = initial[f"layer{layer}_weight"]
        # the standard deviation of n normal numbers is known to 1 / sqrt(2 n) of itself
        assert abs(weight.std() / np.sqrt(2 / fan) - 1) < 4 / np.sqrt(2 * weight.size)
        assert not initial[f"layer{layer}_bias"].any()


@pytest.mark.parametrize(
    "network",
    [SMALL, CNN((1, 8, 8), (3,), (6, 5), 4), CNN((1, 8, 8), (3,), (), 4)],
    ids=["two convolutions", "one", "one and no hidden layer"],
)
def test_the_logits_are_those_of_torchs_own_layers(network):
    rng = np.random.default_rng(0)
    parameters = {name: array + 0.1 * rng.normal(size=array.shape) for name, array in network.initialize(rng).items()}
    x = rng.normal(size=(M, *network.shape))
    expected = torchs_own(network, parameters)(torch.from_numpy(x)).detach().numpy()
    assert np.abs(network.forward(parameters, x) - expected).max() < 1e-13
    first = network.first_preactivation(parameters, x)
    assert np.abs(network.forward_from_first(parameters, first) - expected).max() < 1e-13
    training_set = TrainingSet(torch.from_numpy(x), torch.zeros(M, dtype=torch.int64))
    start = {name: array[None] for name, array in parameters.items()}
    stack = CNNReplicas(network, start, training_set, Dynamics(eta=0.1, B=10))
    stacked = stack.forward(stack.replicas[0], stack.images).detach().numpy()
    assert np.abs(stacked - expected).max() < 1e-13


@pytest.mark.parametrize("B", [10, 60, M])
def test_a_trajectory_is_torchs_sgd_on_the_same_minibatches(problem, B):
    (x, y), _ = problem
    initial = SMALL.initialize(np.random.default_rng(1))
    steps = 24
    run = run_training(
        SMALL, initial, *problem, eta=0.05, B=B, iterations=steps, recording=Recording(points=3),
        streams=streams(3), dtype=torch.float64,
    )  # fmt: skip
    model = torchs_own(SMALL, initial)
    sgd = torch.optim.SGD(model.parameters(), lr=0.05)
    order = epochs(3, M)
    visited = np.concatenate([next(order) for _ in range(steps * B // M + 1)])
    for step in range(steps):
        batch = np.arange(M) if B == M else visited[step * B : (step + 1) * B]
        sgd.zero_grad()
        nn.functional.cross_entropy(model(torch.from_numpy(x[batch])), torch.from_numpy(y[batch])).backward()
        sgd.step()
    final = {name: array[0] for name, array in run.final.items()}
    assert largest_difference(final, parameters_of(SMALL, model)) < 1e-12
    assert run.train_loss[0, -1] == pytest.approx(cross_entropy(SMALL.forward(final, x), y), rel=1e-12)
    assert run.train_loss[0, -1] < run.train_loss[0, 0]


def test_records_are_what_the_recorded_parameters_give(problem):
    _, (x_test, y_test) = problem
    run = run_training(
        SMALL, SMALL.initialize(np.random.default_rng(1)), *problem, eta=0.05, B=10, iterations=24,
        recording=Recording(points=3, checkpoints={1: range(3)}), streams=streams(0, 1), dtype=torch.float64,
    )  # fmt: skip
    for t in range(3):
        parameters = {name: array[0, t] for name, array in run.checkpoint.items()}
        logits = SMALL.forward(parameters, x_test)
        assert run.test_loss[1, t] == pytest.approx(cross_entropy(logits, y_test), rel=1e-12)
        assert np.array_equal(run.test_error[1, t], logits.argmax(axis=1) != y_test)
    stored = parameter_variables(run.checkpoint, "checkpoint", ("checkpoint", "time"), "then")
    assert stored["checkpoint_layer1_weight"].dims == (
        "checkpoint", "time", "layer1_out", "layer1_in", "layer1_row", "layer1_column",
    )  # fmt: skip
    assert stored["checkpoint_layer4_bias"].dims == ("checkpoint", "time", "layer4_out")


@pytest.mark.parametrize(("B", "iterations"), [(20, 6), (100, 2)])  # more than an epoch
def test_a_realization_is_bit_for_bit_the_same_in_any_company(B, iterations):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 3, 32, 32)).astype(np.float32), rng.integers(0, 10, 100)
    initial = PAPERS.initialize(rng)

    def final(*realizations):
        run = run_training(
            PAPERS, initial, (x, y), (x[:10], y[:10]), eta=0.02, B=B, iterations=iterations,
            recording=Recording(points=2),
            streams=streams(*realizations),
        )  # fmt: skip
        return {name: array[-1] for name, array in run.final.items()}

    alone, together = final(2), final(0, 1, 2)
    assert all(np.array_equal(alone[name], together[name]) for name in alone)


def test_gradient_descent_started_at_a_recorded_point_is_bit_for_bit_the_same(problem):
    (x, y), test = problem
    data = (x.astype(np.float32), y), (test[0].astype(np.float32), test[1])
    options = {"eta": 0.05, "B": M, "recording": Recording(points=3, checkpoints={0: range(3)})}
    initial = SMALL.initialize(np.random.default_rng(1))
    whole = run_training(SMALL, initial, *data, iterations=8, **options)
    middle = {name: array[:, 1] for name, array in whole.checkpoint.items()}
    rest = run_training(SMALL, middle, *data, iterations=4, **options)
    assert all(np.array_equal(rest.final[name], whole.final[name]) for name in rest.final)


def test_divergence_is_recorded_and_stays_with_its_run(problem):
    initial = SMALL.initialize(np.random.default_rng(1))
    run = run_training(
        SMALL, initial, *problem, eta=1e20, B=10, iterations=24, recording=Recording(points=3),
        streams=streams(0),
    )  # fmt: skip
    assert run.diverged.all() and np.isfinite(run.train_loss[0, 0])
    assert np.isnan(run.train_loss[0, -1]) and run.test_error[0, -1].all()


@pytest.fixture(scope="module", params=["untrained", "trained"])
def solution(request):
    rng = np.random.default_rng(2)
    y = np.arange(60) % 3
    x = np.tanh(rng.normal(size=(3, 3, 9, 8))[y] + rng.normal(size=(60, 3, 9, 8)))
    parameters = SMALL.initialize(rng)
    if request.param == "trained":
        run = run_training(
            SMALL, parameters, (x, y), (x[:2], y[:2]), eta=0.1, B=10, iterations=300,
            recording=Recording(points=2), streams=streams(2),
            dtype=torch.float64,
        )  # fmt: skip
        parameters = {name: array[0] for name, array in run.final.items()}
        assert run.train_accuracy[0, -1] == 1
    return parameters, x, y


@pytest.mark.parametrize("layer", [3, 4])
def test_a_dense_layers_operator_is_the_autograd_hessian(solution, layer):
    parameters, x, y = solution
    model = torchs_own(SMALL, parameters)
    named = dict(zip(SMALL.names(), dict(model.named_parameters()), strict=True))
    fixed = {key: value.detach() for key, value in model.named_parameters()}
    key, weight = named[f"layer{layer}_weight"], parameters[f"layer{layer}_weight"]

    def loss(flat):
        logits = torch.func.functional_call(model, fixed | {key: flat.reshape(weight.shape)}, (torch.from_numpy(x),))
        return nn.functional.cross_entropy(logits, torch.from_numpy(y))

    expected = torch.func.hessian(loss)(torch.from_numpy(weight).flatten()).numpy()
    hessian = LayerHessian(SMALL.linearize(parameters, x, layer))
    scale = max(1, np.abs(expected).max())
    assert np.abs(hessian.matmat(np.eye(len(expected))) - expected).max() < 1e-13 * scale
    assert np.abs(hessian.dense() - expected).max() < 1e-13 * scale
    assert hessian.trace() == pytest.approx(np.trace(expected), rel=1e-12)


def test_the_papers_last_layer_has_the_top_10_of_its_dense_autograd_hessian():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 10  # more than a slice
    x = np.tanh(rng.normal(size=(10, 3, 32, 32))[y] + rng.normal(size=(60, 3, 32, 32)))
    parameters = PAPERS.initialize(rng)
    linear = PAPERS.linearize(parameters, x, 5)
    h, bias = torch.from_numpy(linear.inputs), torch.from_numpy(parameters["layer5_bias"])

    def loss(flat):
        return nn.functional.cross_entropy(h @ flat.reshape(10, 128).T + bias, torch.from_numpy(y))

    weight = torch.from_numpy(parameters["layer5_weight"])
    expected = np.linalg.eigvalsh(torch.func.hessian(loss)(weight.flatten()).numpy())[::-1]
    hessian = LayerHessian(linear)
    assert hessian.shape == (1280, 1280)
    found = top_eigenvalues(hessian, 10, np.random.default_rng(1))
    assert found.failure is None
    assert np.abs(found.eigenvalue - expected[:10]).max() < 1e-10 * expected[0]
    # what it sees is what the convolutions make of the images
    logits = torchs_own(PAPERS, parameters)(torch.from_numpy(x)).detach().numpy()
    assert np.abs(linear.logits - logits).max() < 1e-11 * np.abs(logits).max()


def test_the_line_is_the_networks_loss_at_interpolated_parameters(problem):
    (x, y), _ = problem
    a, b = (SMALL.initialize(np.random.default_rng(seed)) for seed in (0, 1))
    alpha = np.array([0, 0.3, 1])
    loss = line_loss(SMALL, (a, b), (SMALL.first_preactivation(a, x), SMALL.first_preactivation(b, x)), y, alpha)
    for found, c in zip(loss, alpha, strict=True):
        between = {name: c * a[name] + (1 - c) * b[name] for name in a}
        assert found == pytest.approx(cross_entropy(SMALL.forward(between, x), y), rel=1e-12)


def test_settings_name_the_network():
    assert build({"name": "cnn", "channels": [32, 64, 64], "hidden": [128]}, (3, 32, 32), 10) == PAPERS
    assert build({"name": "mlp", "hidden": [50, 50]}, (1, 28, 28), 10) == MLP((784, 50, 50, 10))
    with pytest.raises(UserError, match=r"network\.name = 'resnet': unknown; allowed are mlp, cnn"):
        build({"name": "resnet", "hidden": [50]}, (1, 28, 28), 10)


def test_curvature_takes_the_first_images_of_each_class():
    labels = np.array([1, 0, 1, 0, 0, 1])
    assert list(first_of_each_class(labels, 2)) == [1, 3, 0, 2]
    assert list(first_of_each_class(labels, None)) == list(first_of_each_class(labels, "all")) == list(range(6))
