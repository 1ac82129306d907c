"""The curvature operator is the Hessian: against automatic differentiation, finite differences and dense algebra."""

import logging

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import ArpackNoConvergence
from threadpoolctl import threadpool_limits

from sgd_valleys.measures import curvature as curvature_module
from sgd_valleys.measures import layer_operator, sample_gradients
from sgd_valleys.measures.curvature import LayerHessian, along_training, top_eigenvalues
from sgd_valleys.measures.flatness import flatness
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.mlp import MLP

LOG = logging.getLogger("test_curvature")


def data(samples, size, classes, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    return np.tanh(rng.normal(size=(classes, size))[y] + rng.normal(size=(samples, size))), y


def torch_loss(network, p, x, y):
    """The cross-entropy in PyTorch."""
    h = torch.from_numpy(x)
    for k in range(1, network.depth + 1):
        h = h @ p[f"layer{k}_weight"].T + p[f"layer{k}_bias"]
        h = torch.relu(h) if k < network.depth else h
    return torch.nn.functional.cross_entropy(h, torch.from_numpy(y))


def trained(network, x, y, iterations=400):
    """The parameters after gradient descent, float64."""
    initial = network.initialize(np.random.default_rng(1))
    p = {name: torch.tensor(array, requires_grad=True) for name, array in initial.items()}
    optimizer = torch.optim.SGD(p.values(), lr=0.1)
    for _ in range(iterations):
        optimizer.zero_grad()
        torch_loss(network, p, x, y).backward()
        optimizer.step()
    return {name: tensor.detach().numpy() for name, tensor in p.items()}


def autograd_hessian(network, parameters, layer, x, y):
    p = {name: torch.from_numpy(array) for name, array in parameters.items()}
    name = f"layer{layer}_weight"

    def loss(weight):
        return torch_loss(network, p | {name: weight.reshape(p[name].shape)}, x, y)

    return torch.func.hessian(loss)(p[name].flatten()).numpy()


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small matrices are slower on several threads, above all on a busy machine."""
    with threadpool_limits(1):
        yield


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


def test_the_operator_of_a_network_of_one_layer_is_the_autograd_hessian():
    network, (x, y) = MLP((12, 5)), data(60, 12, 5)
    parameters = network.initialize(np.random.default_rng(1))
    expected = autograd_hessian(network, parameters, 1, x, y)
    hessian = LayerHessian(network.linearize(parameters, x, 1))
    assert np.abs(hessian.dense() - expected).max() < 1e-13 and hessian.trace() == pytest.approx(np.trace(expected))
    top = top_eigenvalues(hessian, 10, np.random.default_rng(0))
    assert top.eigenvalue == pytest.approx(np.linalg.eigvalsh(expected)[:-11:-1], rel=1e-6)


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
def test_the_middle_layer_of_three_has_the_top_10_of_the_dense_autograd_hessian(state):
    network = MLP((784, 30, 30, 10))  # benchmarks/curvature.py compares the paper's 50 units a layer
    x, y = data(50, 784, 10)
    parameters = network.initialize(np.random.default_rng(1))
    parameters = trained(network, x, y, 100) if state == "trained" else parameters
    expected = np.linalg.eigvalsh(autograd_hessian(network, parameters, 2, x, y))[::-1]
    hessian = LayerHessian(network.linearize(parameters, x, 2))
    top = top_eigenvalues(hessian, 10, np.random.default_rng(0))
    assert top.failure is None
    assert np.abs(top.eigenvalue / expected[:10] - 1).max() < 1e-6
    assert np.abs(hessian.spectrum() - expected).max() < 1e-10 * expected[0]


def test_a_matrix_is_accumulated_over_parts_of_the_samples(small, monkeypatch):
    network, parameters, x, _ = small
    hessian = LayerHessian(network.linearize(parameters, x, 2))
    whole = hessian.dense()
    monkeypatch.setattr(sample_gradients, "SLICE", 7)
    assert hessian.dense() == pytest.approx(whole, abs=1e-14)
    assert hessian.matmat(np.eye(len(whole))) == pytest.approx(whole, abs=1e-14)


def test_a_large_matrix_has_an_estimated_spectrum_and_says_so(monkeypatch):
    network = MLP((12, 20, 20, 5))
    x, _ = data(300, 12, 5)
    hessian = LayerHessian(network.linearize(network.initialize(np.random.default_rng(1)), x, 2))
    expected = hessian.spectrum()
    assert hessian.spectrum_method == "dense"
    monkeypatch.setattr(layer_operator, "LARGEST_DENSE", 100)
    found = hessian.spectrum(np.random.default_rng(3))
    assert hessian.spectrum_method == "Lanczos quadrature" and found.shape == expected.shape
    assert found[:20] == pytest.approx(expected[:20], rel=1e-6)
    assert found.sum() == pytest.approx(expected.sum(), rel=0.02)


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


SETTINGS = {"N": 3, "tolerance": 1e-6, "seed": 5}
RUNS, TIMES = 2, 3


@pytest.fixture
def hessian_at(small):
    """Hessians of two runs at three times; the second run diverges at the last."""
    network, parameters, x, _ = small

    def at(run, time):
        moved = {name: array * (1 + 0.1 * run + 0.02 * time) for name, array in parameters.items()}
        if (run, time) == (1, 2):
            moved["layer1_weight"] = np.full_like(moved["layer1_weight"], np.nan)
        return LayerHessian(network.linearize(moved, x, 2))

    return at


def measure(hessian_at, points, **more):
    return along_training(
        hessian_at, points, (RUNS, TIMES), **SETTINGS, label=lambda r, t: f"run {r}, time {t}", log=LOG, **more
    )


def test_curvature_along_training_is_that_of_each_point_and_nan_elsewhere(hessian_at):
    points = [(0, 0), (0, 2), (1, 1)]
    found = measure(hessian_at, points, spectra={(0, 2)})
    for run, time in np.ndindex(RUNS, TIMES):
        if (run, time) not in points:
            assert np.isnan(found.eigenvalue[run, time]).all() and np.isnan(found.trace[run, time])
            continue
        dense = np.linalg.eigvalsh(hessian_at(run, time).dense())[::-1]
        assert found.eigenvalue[run, time] == pytest.approx(dense[:3], rel=1e-6)
        assert found.trace[run, time] == pytest.approx(dense.sum(), rel=1e-10)
    assert list(found.spectrum) == [0]
    assert found.spectrum[0] == pytest.approx(np.linalg.eigvalsh(hessian_at(0, 2).dense())[::-1], abs=1e-12)


def test_a_point_has_the_same_bits_whatever_other_points_are_measured(hessian_at):
    alone, among = measure(hessian_at, [(1, 1)]), measure(hessian_at, [(0, 0), (0, 1), (1, 0), (1, 1)])
    assert np.array_equal(alone.eigenvalue[1, 1], among.eigenvalue[1, 1]) and alone.trace[1, 1] == among.trace[1, 1]


def test_a_point_without_top_eigenvalues_is_named_and_the_others_are_measured(hessian_at, caplog):
    with caplog.at_level(logging.INFO, LOG.name):
        found = measure(hessian_at, [(1, 2), (1, 1)])
    assert np.isnan(found.eigenvalue[1, 2]).all() and np.isfinite(found.eigenvalue[1, 1]).all()
    assert (
        "run 1, time 2: the top 3 eigenvalues and the flatness are NaN, because the network's output is not finite."
        in caplog.text
    )
    assert "top 3 eigenvalues at 1 of 2 points, 1 failures" in caplog.text


def test_what_is_stored_of_the_curvature_has_the_runs_axis_and_the_flatness(hessian_at):
    found = measure(hessian_at, [(0, 0), (1, 1)])
    stored = found.variables("t_c", "layer-2 Hessian")
    assert stored["eigenvalue"].dims == ("t_c", "time", "rank") and stored["trace"].dims == ("t_c", "time")
    assert np.array_equal(stored["flatness"].data, flatness(found.eigenvalue), equal_nan=True)
    assert stored["flatness"].data[0, 0] == pytest.approx(1 / found.eigenvalue[0, 0].prod() ** (1 / 3))
