"""The curvature operator is the Hessian: against automatic differentiation, finite differences and dense algebra."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import ArpackNoConvergence

from sgd_valleys.measures import curvature as curvature_module
from sgd_valleys.measures.curvature import LayerHessian, flatness, top_eigenvalues
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.schedule import minibatch_order
from sgd_valleys.training.sgd import train


def data(samples, size, classes, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    return np.tanh(rng.normal(size=(classes, size))[y] + rng.normal(size=(samples, size))), y


def trained(network, x, y, iterations=400):
    run = train(
        network, network.initialize(np.random.default_rng(1)), (x, y), (x[:2], y[:2]), eta=0.1, B=len(y) // 10,
        iterations=iterations, recording=Recording(points=2, layer=2),
        orders=[minibatch_order(np.random.default_rng(2), len(y))], dtype=torch.float64,
    )  # fmt: skip
    return {name: array[0] for name, array in run.final.items()}


def autograd_hessian(network, parameters, layer, x, y):
    p = {name: torch.from_numpy(array) for name, array in parameters.items()}
    shape = p[f"layer{layer}_weight"].shape

    def loss(weight):
        h = torch.from_numpy(x)
        for k in range(1, network.depth + 1):
            w = weight.reshape(shape) if k == layer else p[f"layer{k}_weight"]
            h = h @ w.T + p[f"layer{k}_bias"]
            h = torch.relu(h) if k < network.depth else h
        return torch.nn.functional.cross_entropy(h, torch.from_numpy(y))

    return torch.func.hessian(loss)(p[f"layer{layer}_weight"].flatten()).numpy()


@pytest.fixture(scope="module", params=["untrained", "trained"])
def small(request):
    network = MLP((12, 9, 8, 7, 5))
    x, y = data(60, 12, 5)
    parameters = network.initialize(np.random.default_rng(1))
    return network, trained(network, x, y) if request.param == "trained" else parameters, x, y


@pytest.mark.parametrize("layer", [1, 2, 3, 4])
def test_every_layers_operator_is_the_autograd_hessian(small, layer):
    network, parameters, x, y = small
    expected = autograd_hessian(network, parameters, layer, x, y)
    hessian = LayerHessian(network.linearize(parameters, x, layer))
    scale = np.abs(expected).max()
    assert np.abs(hessian.matmat(np.eye(len(expected))) - expected).max() < 1e-13 * max(1, scale)
    assert np.abs(hessian.dense() - expected).max() < 1e-13 * max(1, scale)
    assert hessian.trace() == pytest.approx(np.trace(expected), rel=1e-12)


def test_the_operator_is_the_finite_difference_of_the_gradient(small):
    network, parameters, x, y = small
    v = np.random.default_rng(3).normal(size=parameters["layer2_weight"].size)
    step = 1e-5

    def loss(a, b):
        moved = dict(parameters)
        moved["layer2_weight"] = parameters["layer2_weight"] + (a * v).reshape(moved["layer2_weight"].shape)
        moved["layer2_weight"] = moved["layer2_weight"] + (b * v).reshape(moved["layer2_weight"].shape)
        return cross_entropy(network.forward(moved, x), y)

    second = (loss(step, 0) - 2 * loss(0, 0) + loss(-step, 0)) / step**2
    hessian = LayerHessian(network.linearize(parameters, x, 2))
    # the second difference loses half of the digits to rounding, eps / step^2
    assert v @ hessian.matvec(v) == pytest.approx(second, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("state", ["untrained", "trained"])
def test_the_papers_layer_has_the_top_10_of_the_dense_autograd_hessian(state):
    network = MLP((784, 50, 50, 10))
    x, y = data(100, 784, 10)
    parameters = network.initialize(np.random.default_rng(1))
    parameters = trained(network, x, y, 100) if state == "trained" else parameters
    expected = np.linalg.eigvalsh(autograd_hessian(network, parameters, 2, x, y))[::-1]
    hessian = LayerHessian(network.linearize(parameters, x, 2))
    top = top_eigenvalues(hessian, 10, np.random.default_rng(0))
    assert top.failure is None
    assert np.abs(top.eigenvalue / expected[:10] - 1).max() < 1e-6
    assert np.abs(hessian.spectrum() - expected).max() < 1e-10 * expected[0]


def test_flatness_is_the_inverse_geometric_mean_and_does_not_underflow():
    assert flatness(np.array([1.0, 4.0])) == pytest.approx(0.5)
    assert flatness(np.full(10, 1e-60)) == pytest.approx(1e60)
    assert np.isnan(flatness(np.array([1.0, 0.0]))) and np.isnan(flatness(np.array([1.0, np.nan])))
    assert flatness(np.array([[2.0, 2.0], [1.0, -1.0]])).tolist()[0] == pytest.approx(0.5)


def test_a_flat_or_broken_network_has_no_top_10_and_says_why(small):
    network, parameters, x, _ = small
    dead = dict(parameters) | {"layer3_bias": np.full(7, -1e9)}  # nothing gets through to the logits
    top = top_eigenvalues(LayerHessian(network.linearize(dead, x, 2)), 5, np.random.default_rng(0))
    assert np.isnan(top.eigenvalue).all() and top.failure == "the Hessian is zero"
    broken = dict(parameters) | {"layer1_weight": np.full_like(parameters["layer1_weight"], np.nan)}
    top = top_eigenvalues(LayerHessian(network.linearize(broken, x, 2)), 5, np.random.default_rng(0))
    assert np.isnan(top.eigenvalue).all() and "not finite" in top.failure


def test_a_hessian_of_low_rank_has_no_top_10_and_says_so_every_time(small):
    network, parameters, x, _ = small
    gate = np.full(8, -1e9)
    gate[0] = 1.0  # one unit of layer 2 gets through: J_n has one row for each class, and h_n feeds that unit alone
    narrow = dict(parameters) | {"layer2_bias": gate, "layer1_bias": np.r_[5.0, np.full(8, -1e9)]}
    hessian = LayerHessian(network.linearize(narrow, x, 2))
    assert np.linalg.matrix_rank(hessian.dense()) < 5
    first, second = (top_eigenvalues(hessian, 5, np.random.default_rng(0)) for _ in range(2))
    assert first.failure == second.failure == "fewer than 5 eigenvalues are positive beyond rounding"
    assert np.isnan(first.eigenvalue).all()


def test_the_same_start_gives_the_same_bits(small):
    network, parameters, x, _ = small
    hessian = LayerHessian(network.linearize(parameters, x, 2))
    first, second = (top_eigenvalues(hessian, 5, np.random.default_rng(0)).eigenvalue for _ in range(2))
    assert np.array_equal(first, second)


def test_an_iteration_that_does_not_converge_is_a_result_too(small, monkeypatch):
    network, parameters, x, _ = small

    def never(*_, **__):
        raise ArpackNoConvergence("no", np.array([]), np.array([]))

    monkeypatch.setattr(curvature_module, "eigsh", never)
    top = top_eigenvalues(LayerHessian(network.linearize(parameters, x, 2)), 5, np.random.default_rng(0))
    assert np.isnan(top.eigenvalue).all() and "did not converge" in top.failure


def test_a_wrong_eigenvector_is_noticed(small, monkeypatch):
    network, parameters, x, _ = small
    hessian = LayerHessian(network.linearize(parameters, x, 2))
    monkeypatch.setattr(
        curvature_module, "eigsh", lambda a, k, **_: (np.ones(k), np.random.default_rng(0).normal(size=(a.shape[0], k)))
    )
    assert "residual" in top_eigenvalues(hessian, 5, np.random.default_rng(0)).failure
