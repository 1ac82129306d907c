"""The noise of minibatch gradients, against automatic differentiation, dense matrices and loops over samples."""

import logging
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pytest
import torch

from sgd_valleys.errors import UserError
from sgd_valleys.measures import curvature_matrix, sample_gradients
from sgd_valleys.measures import gradient_noise as module
from sgd_valleys.measures.curvature_matrix import (
    FactoredMatrix,
    LayerMatrix,
    ProductMatrix,
    WeightHessian,
    gauss_newton_factors,
    gauss_newton_matrix,
)
from sgd_valleys.measures.gradient_noise import Draws, exponent, gradient_noise
from sgd_valleys.measures.noise_along_training import along_training, noise_variables
from sgd_valleys.measures.output_curvature import OutputCurvature
from sgd_valleys.measures.sample_gradients import Covariance, SampleGradients, linearize
from sgd_valleys.measures.spectra import Eigenpairs
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.layers import number_of_weights
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.tensor_functions import ACTIVATIONS
from sgd_valleys.networks.tensor_functions import LOSSES as TENSOR_LOSSES

M, K, N, B = 40, 3, 3, 8
rng = np.random.default_rng(1)
Y = np.arange(M) % K
X = np.tanh(rng.normal(size=(K, 6))[Y] + rng.normal(size=(M, 6)))


def network_and_parameters(activation: str = "relu") -> tuple[MLP, dict[str, np.ndarray]]:
    network = MLP((6, 5, 4, K), activation)
    initial = network.initialize(np.random.default_rng(2))
    return network, {name: array + 0.3 * rng.normal(size=array.shape) for name, array in initial.items()}


class Oracle:
    """Dense matrices by automatic differentiation of the loss in the chosen weights, in one vector."""

    def __init__(self, network: MLP, parameters: dict, layers: Sequence[int], biases: bool, loss: str) -> None:
        theta = {name: torch.from_numpy(array) for name, array in parameters.items()}
        own = [torch.from_numpy(parameters[f"layer{k}_weight"]) for k in layers]
        if biases:
            own = [
                torch.hstack([weight, theta[f"layer{k}_bias"][:, None]]) for weight, k in zip(own, layers, strict=True)
            ]
        self.point = torch.cat([each.flatten() for each in own])

        def logits(flat: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            at, now = 0, dict(theta)
            for k, each in zip(layers, own, strict=True):
                matrix, at = flat[at : at + each.numel()].view(each.shape), at + each.numel()
                now[f"layer{k}_weight"] = matrix[:, :-1] if biases else matrix
                if biases:
                    now[f"layer{k}_bias"] = matrix[:, -1]
            for k in range(1, network.depth + 1):
                x = x @ now[f"layer{k}_weight"].T + now[f"layer{k}_bias"]
                x = ACTIVATIONS[network.activation].apply(x) if k < network.depth else x
            return x

        def sample_loss(flat: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return TENSOR_LOSSES[loss].total(logits(flat, x[None]), y[None])

        x, y = torch.from_numpy(X), torch.from_numpy(Y)
        self.gradients = np.stack(
            [torch.func.grad(sample_loss)(self.point, *each).numpy() for each in zip(x, y, strict=True)]
        )
        deviation = self.gradients - self.gradients.mean(axis=0)
        self.C = sum(np.outer(g, g) for g in deviation) / M
        self.H = torch.func.hessian(lambda flat: TENSOR_LOSSES[loss].total(logits(flat, x), y) / M)(self.point).numpy()
        J = torch.func.jacrev(lambda flat: logits(flat, x))(self.point)
        if loss == "mse_softmax":
            J = torch.func.jacrev(lambda flat: logits(flat, x).softmax(1))(self.point)
        S = 2 / K * torch.eye(K, dtype=torch.float64).expand(M, K, K)
        if loss == "cross_entropy":
            p = logits(self.point, x).softmax(1)
            S = torch.diag_embed(p) - p[:, :, None] * p[:, None]
        self.G = (torch.einsum("nci,ncd,ndj->ij", J, S, J) / M).numpy()


CASES = [
    ((2,), False, "relu", "cross_entropy"),
    ((2,), True, "relu", "cross_entropy"),
    ((1,), True, "relu", "mse"),
    ((3,), False, "tanh", "cross_entropy"),
    ((2,), False, "tanh", "cross_entropy"),
    ((2,), True, "gelu", "mse_softmax"),
    ((1,), False, "relu", "mse_softmax"),
    ((1, 2), False, "relu", "cross_entropy"),
    ((1, 3), True, "gelu", "mse"),
    ((1, 2, 3), True, "relu", "cross_entropy"),
    ((2, 3), True, "tanh", "mse_softmax"),
]


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)))
def case(request):
    layers, biases, activation, loss = request.param
    network, parameters = network_and_parameters(activation)
    return network, parameters, layers, biases, loss, Oracle(network, parameters, layers, biases, loss)


def draws(size: int, B: int = B, minibatches: int = 50) -> Draws:
    return Draws.of(7, size=size, M=M, B=B, directions=30, minibatches=minibatches)


def measured(case, **more):
    network, parameters, layers, biases, loss, oracle = case
    settings = {"layers": layers, "biases": biases, "loss": loss, "N": N, "tolerance": 1e-10} | more
    return gradient_noise(network, parameters, (X, Y), draws(len(oracle.C)), **settings)


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return np.abs(found - expected).max() / np.abs(expected).max()


def test_the_gradients_of_all_samples_are_those_of_automatic_differentiation(case) -> None:
    network, _, layers, biases, _, oracle = case
    gradients = gradients_of(case)
    V, w = rng.normal(size=(gradients.size, 7)), rng.normal(size=(M, 7))
    assert gradients.size == number_of_weights(network, layers, biases) == len(oracle.point)
    assert relative(gradients.dense(), oracle.gradients) < 1e-12
    assert relative(gradients.project(V), oracle.gradients @ V) < 1e-12
    assert relative(gradients.combine(w), oracle.gradients.T @ w) < 1e-12
    assert relative(gradients.gram(slice(3, 9)), oracle.gradients[3:9] @ oracle.gradients.T) < 1e-12
    index = rng.integers(0, M, (4, 5))
    assert relative(gradients.means(index), oracle.gradients[index].mean(axis=1)) < 1e-12
    assert relative(gradients.lengths(), (oracle.gradients**2).sum(axis=1)) < 1e-12


def test_the_covariance_is_that_of_a_loop_over_samples(case) -> None:
    oracle = case[-1]
    C = Covariance(gradients_of(case))
    V = rng.normal(size=(len(oracle.C), 4))
    assert relative(C @ np.eye(len(oracle.C)), oracle.C) < 1e-10
    assert relative(C @ V[:, 0], oracle.C @ V[:, 0]) < 1e-10
    assert relative(C.along(V), np.einsum("pk,pq,qk->k", V, oracle.C, V)) < 1e-10
    assert C.trace() == pytest.approx(np.trace(oracle.C), rel=1e-10)
    eigenvalues = np.linalg.eigvalsh(oracle.C)[::-1]
    rank = min(M, len(eigenvalues))
    assert np.abs(np.linalg.eigvalsh(C.gram())[::-1][:rank] / M - eigenvalues[:rank]).max() < 1e-10 * eigenvalues[0]


def gradients_of(case) -> SampleGradients:
    network, parameters, layers, biases, loss, _ = case
    linear = linearize(network, parameters, X, layers, biases)
    return SampleGradients.of(linear, OutputCurvature(loss, linear[0].logits, Y).gradient)


def matrices(case) -> list[tuple[object, np.ndarray]]:
    """All curvature matrices of a case, each way they are computed, with the dense ones."""
    network, parameters, layers, biases, loss, oracle = case
    linear = linearize(network, parameters, X, layers, biases)
    S = OutputCurvature(loss, linear[0].logits, Y)
    found = [
        (gauss_newton_matrix(linear, S), oracle.G),
        (FactoredMatrix(gauss_newton_factors(linear, S)), oracle.G),
    ]
    operator = WeightHessian(network, parameters, linear, layers, Y, loss)
    directions = np.linalg.qr(rng.normal(size=oracle.H.shape))[0]  # all of them: the estimate of the norm is then exact
    value, vector = np.linalg.eigh(oracle.H)
    top = Eigenpairs(value[-N:], vector[:, -N:])
    assert relative(operator @ np.eye(len(oracle.H)), oracle.H) < 1e-10
    trace = np.trace(oracle.H)
    found += [(ProductMatrix(operator, trace, top, directions, dense), oracle.H) for dense in (True, False)]
    if len(layers) == 1:
        blocks = module.TrueHessian(linear[0], loss, Y).blocks
        found += [(LayerMatrix(blocks, linear[0].inputs, by_sample), oracle.H) for by_sample in (True, False)]
    return found


@pytest.mark.parametrize("SLICE", [7, 1000])
def test_every_way_to_a_curvature_matrix_is_that_of_the_dense_one(case, SLICE: int, monkeypatch) -> None:
    monkeypatch.setattr(sample_gradients, "SLICE", SLICE)
    oracle = case[-1]
    C = Covariance(gradients_of(case))
    V = rng.normal(size=(len(oracle.C), 60))
    for found, expected in matrices(case):
        scale = np.linalg.norm(expected)
        assert found.trace() == pytest.approx(np.trace(expected), rel=1e-10, abs=1e-10 * scale)
        assert found.norm() == pytest.approx(scale, rel=1e-10)
        assert found.power(C) == pytest.approx(
            np.vdot(expected, oracle.C), abs=1e-10 * scale * np.linalg.norm(oracle.C)
        )
        assert relative(found.along(V), np.einsum("pk,pq,qk->k", V, expected, V)) < 1e-10


@pytest.mark.parametrize("LARGEST_GRAM", [10, 1000])
def test_every_measure_is_that_of_the_dense_matrices(case, LARGEST_GRAM: int, monkeypatch) -> None:
    """Also of more samples than a Gram matrix is kept of, in parts."""
    monkeypatch.setattr(module, "LARGEST_GRAM", LARGEST_GRAM)
    monkeypatch.setattr(sample_gradients, "SLICE", LARGEST_GRAM)
    monkeypatch.setattr(module, "MINIBATCHES", 3)
    monkeypatch.setattr(module, "NOISE_TOLERANCE", 0)
    oracle, found = case[-1], measured(case)
    C, H, G = oracle.C, oracle.H, oracle.G
    drawn = draws(len(C))
    norms = [np.linalg.norm(each) for each in (C, H, G)]
    value, vector = np.linalg.eigh(H)
    top, V = vector[:, ::-1][:, :N], drawn.directions
    along = np.einsum("pk,pq,qk->k", top, C, top)
    directions = [np.einsum("pk,pq,qk->k", V, each, V) for each in (H, C)]
    W = drawn.minibatches.toarray()
    noise = [w @ oracle.gradients - oracle.gradients.mean(axis=0) for w in W]
    minibatch = sum(np.outer(each, each) for each in noise) / len(noise)
    predicted = (1 / B - 1 / M) * M / (M - 1) * C
    network, parameters, *_, loss, _ = case
    expected = {
        "loss": LOSSES[loss].evaluate(network.forward(parameters, X), Y),
        "covariance_trace": np.trace(C),
        "hessian_trace": np.trace(H),
        "covariance_norm": norms[0],
        "hessian_norm": norms[1],
        "gauss_newton_norm": norms[2],
        "hessian_overlap": np.vdot(H, C) / (norms[0] * norms[1]),
        "gauss_newton_overlap": np.vdot(G, C) / (norms[0] * norms[2]),
        "power": np.trace(H @ C),
        "relative_power": len(C) * np.trace(H @ C) / (np.trace(H) * np.trace(C)),
        "eigenvalue": value[::-1][:N],
        "eigenvector_noise": along,
        "top_share": np.trace(top.T @ C @ top) / np.trace(C),
        "direction_curvature": directions[0],
        "direction_noise": directions[1],
        "eigenvector_exponent": exponent(value[::-1][:N], along),
        "direction_exponent": exponent(*directions),
        "predicted_trace": np.trace(predicted),
        "measured_trace": np.trace(minibatch),
        "predicted_eigenvalue": np.linalg.eigvalsh(predicted)[::-1][:N],
        "measured_eigenvalue": np.linalg.eigvalsh(minibatch)[::-1][:N],
    }
    assert asdict(found).keys() == expected.keys()
    for name, each in expected.items():
        assert getattr(found, name) == pytest.approx(each, rel=1e-8, abs=1e-10 * np.abs(each).max()), name


def test_the_prediction_is_the_mean_over_all_minibatches() -> None:
    """All 6 choose 2 minibatches: their covariance is exactly the predicted one."""
    g = rng.normal(size=(6, 4))
    pairs = [(i, j) for j in range(6) for i in range(j)]
    noise = np.array([g[list(pair)].mean(axis=0) - g.mean(axis=0) for pair in pairs])
    C = np.cov(g.T, bias=True)
    assert noise.T @ noise / len(pairs) == pytest.approx(module.variance_of_mean(2, 6) * C, rel=1e-12, abs=1e-14)


def test_many_drawn_minibatches_have_the_predicted_covariance() -> None:
    network, parameters = network_and_parameters()
    found = gradient_noise(network, parameters, (X, Y), draws(20, minibatches=20_000), layers=[2], N=N)
    assert found.measured_trace == pytest.approx(found.predicted_trace, rel=0.03)
    assert found.measured_eigenvalue == pytest.approx(found.predicted_eigenvalue, rel=0.06)


def test_gradient_descent_has_no_noise() -> None:
    network, parameters = network_and_parameters()
    found = gradient_noise(network, parameters, (X, Y), draws(20, B=M), layers=[2], N=N)
    assert found.predicted_trace == found.measured_trace == 0 and not found.measured_eigenvalue.any()
    assert found.covariance_trace > 0 and not found.predicted_eigenvalue.any()


def test_draws_are_the_same_for_a_seed_and_are_without_replacement() -> None:
    one, same, other = (Draws.of(seed, size=9, M=M, B=B, directions=4, minibatches=30) for seed in (1, 1, 2))
    assert np.array_equal(one.directions, same.directions) and (one.minibatches != same.minibatches).nnz == 0
    assert not np.array_equal(one.directions, other.directions) and (one.minibatches != other.minibatches).nnz
    assert np.linalg.norm(one.directions, axis=0) == pytest.approx(np.ones(4))
    assert np.array_equal((one.minibatches.toarray() > 0).sum(axis=1), np.full(30, B))


def test_the_dense_layers_of_a_convolutional_network_are_those_of_its_head() -> None:
    network = CNN((2, 4, 4), (3,), (5,), K)
    parameters, images = network.initialize(rng), rng.normal(size=(M, 2, 4, 4))
    found = gradient_noise(network, parameters, (images, Y), draws(75), layers=[2, 3], N=N)
    head = {f"layer{k - 1}_{kind}": parameters[f"layer{k}_{kind}"] for k in (2, 3) for kind in ("weight", "bias")}
    features = network.linearize(parameters, images, 2).inputs
    expected = gradient_noise(network.head, head, (features, Y), draws(75), layers=[1, 2], N=N)
    for name, each in asdict(expected).items():
        assert getattr(found, name) == pytest.approx(each, rel=1e-12), name


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([1], "layers = [1]: layer 1 is a convolution; allowed are the fully connected layers 2, 3, each once; delete"),
        ([4], "layer 4 is not in this network"),
        ([2, 2], "layers = [2, 2]: no layer, or a repeated layer; allowed are"),
        ([], "layers = []: no layer, or a repeated layer; allowed are"),
    ],
)
def test_other_layers_are_refused_by_name(layers, message) -> None:
    network = CNN((2, 4, 4), (3,), (5,), K)
    with pytest.raises(UserError) as error:
        gradient_noise(network, network.initialize(rng), (np.zeros((M, 2, 4, 4)), Y), draws(1), layers=layers)
    assert message in str(error.value)


def test_a_diverged_network_has_no_noise_and_a_dead_one_no_eigenvectors(monkeypatch) -> None:
    network, parameters = network_and_parameters()
    broken = parameters | {"layer1_weight": np.full((5, 6), np.nan)}
    found = gradient_noise(network, broken, (X, Y), draws(20), layers=[2], N=N)
    assert all(np.isnan(each).all() for each in asdict(found).values())
    assert found.eigenvalue.shape == (N,) and found.direction_noise.shape == (30,)
    dead = parameters | {"layer2_bias": np.full(4, -1e9)}
    found = gradient_noise(network, dead, (X, Y), draws(20), layers=[2], N=N)
    assert np.isnan(found.eigenvalue).all() and np.isnan(found.hessian_overlap) and found.covariance_trace == 0
    assert np.isfinite(found.loss) and not found.measured_eigenvalue.any()
    monkeypatch.setattr(curvature_matrix, "LARGEST_DENSE", 0)
    found = gradient_noise(network, dead, (X, Y), draws(50), layers=[1, 2], N=N)
    assert np.isnan(found.eigenvalue).all() and found.hessian_norm == found.power == 0


def test_every_measure_along_training_is_that_of_the_checkpoint_and_is_described() -> None:
    network, parameters = network_and_parameters()
    settings = {"layers": [2], "biases": False, "N": N, "tolerance": 1e-10, "directions": 30, "minibatches": 50}

    def parameters_at(run: int, time: int) -> dict[str, np.ndarray]:
        return {name: (array * (1 + 0.1 * run + time)).astype(np.float32) for name, array in parameters.items()}

    log = logging.getLogger("test_gradient_noise")
    found = along_training(network, (X, Y), parameters_at, (2, 3), B, settings | {"seed": 7}, log)
    exact = {name: array.astype(np.float64) for name, array in parameters_at(1, 2).items()}
    alone = gradient_noise(network, exact, (X, Y), draws(20), layers=[2], N=N, tolerance=1e-10)
    stored = noise_variables(found)
    for name, each in asdict(alone).items():
        assert np.array_equal(stored[name].data[1, 2], each), name
        assert stored[name].data.ndim == len(stored[name].dims)
    assert stored.keys() == {*asdict(alone), "loss_exponent", "hessian_trace_exponent"}
    trace = stored["covariance_trace"].data[0]
    assert stored["loss_exponent"].data[0] == exponent(stored["loss"].data[0], trace)
    assert stored["hessian_trace_exponent"].data[0] == exponent(stored["hessian_trace"].data[0], trace)


def test_an_exponent_is_the_slope_of_the_logarithms() -> None:
    x = np.array([1.0, 2, 5, -1])
    assert exponent(x, 3 * np.abs(x) ** 1.5) == pytest.approx(1.5)
    assert np.isnan(exponent(x[:2], x[:2]))
