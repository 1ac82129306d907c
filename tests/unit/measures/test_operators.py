"""Products with the curvature of any layers, against dense automatic differentiation."""

from functools import cache

import numpy as np
import pytest
import torch

from sgd_valleys.errors import UserError
from sgd_valleys.measures.curvature import LayerHessian
from sgd_valleys.measures.operators import NetworkCurvature, flatten, layers_of, unflatten
from sgd_valleys.measures.output_curvature import OutputCurvature
from sgd_valleys.networks.activation import ACTIVATIONS
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network
from sgd_valleys.networks.tensor_functions import LOSSES, logits

K, M = 3, 17
rng = np.random.default_rng(0)
LABELS = rng.integers(0, K, M)
DENSE, IMAGES = rng.normal(size=(M, 5)), rng.normal(size=(M, 2, 5, 4))
NETWORKS = {
    **{name: MLP((5, 4, 6, K), name) for name in ACTIVATIONS},
    "softmax regression": MLP((5, K)),
    "cnn": CNN((2, 5, 4), (3,), (4,), K, "tanh"),
}


def samples(network: Network) -> tuple[np.ndarray, np.ndarray]:
    return (IMAGES if isinstance(network, CNN) else DENSE), LABELS


@cache
def parameters(network: Network) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(1)
    return {name: array + 0.3 * draw.normal(size=array.shape) for name, array in network.initialize(draw).items()}


def mean_loss(network: Network, vector: torch.Tensor, loss: str) -> torch.Tensor:
    x, y = samples(network)
    z = logits(network, as_tensors(network, vector), torch.from_numpy(x))
    return LOSSES[loss].total(z, torch.from_numpy(y)) / M


def as_tensors(network: Network, vector: torch.Tensor) -> dict[str, torch.Tensor]:
    found, position = {}, 0
    for name, array in parameters(network).items():
        found[name] = vector[position : position + array.size].view(array.shape)
        position += array.size
    return found


def dense(network: Network, loss: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradient, the Hessian and the Gauss-Newton matrix in all parameters."""
    start = torch.from_numpy(flatten(parameters(network), layers_of(network, "all")))
    x, y = (torch.from_numpy(array) for array in samples(network))
    hessian = torch.func.hessian(lambda v: mean_loss(network, v, loss))(start)
    gradient = torch.func.grad(lambda v: mean_loss(network, v, loss))(start)
    outputs = logits(network, as_tensors(network, start), x)
    J = torch.func.jacrev(lambda v: logits(network, as_tensors(network, v), x))(start)  # (sample, class, parameter)
    one = torch.func.hessian(lambda z, label: LOSSES[loss].total(z[None], label[None]))
    S = torch.stack([one(z, label) for z, label in zip(outputs, y, strict=True)])
    return gradient.numpy(), hessian.numpy(), torch.einsum("ncp,ncd,ndq->pq", J, S, J).numpy() / M


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETWORKS)
def test_products_are_those_with_the_dense_matrices(name: str, loss: str) -> None:
    network = NETWORKS[name]
    gradient, hessian, gauss_newton = dense(network, loss)
    for expected, is_gauss_newton in ((hessian, False), (gauss_newton, True)):
        found = NetworkCurvature(network, parameters(network), samples(network), "all", loss, is_gauss_newton)
        scale = np.abs(expected).max()
        assert np.abs(found @ np.eye(len(expected)) - expected).max() < 1e-12 * scale
        assert np.abs(found @ np.arange(len(expected)) - expected @ np.arange(len(expected))).max() < 1e-10 * scale
        assert np.abs(found.gradient() - gradient).max() < 1e-13
        if found.trace() is not None:
            assert found.trace() == pytest.approx(np.trace(expected), rel=1e-10)
        else:
            assert name in ("tanh", "gelu", "cnn") or loss == "mse_softmax"


@pytest.mark.parametrize("layers", [(1,), (2,), (3,), (1, 3), (2, 3)])
@pytest.mark.parametrize("name", ["relu", "gelu", "cnn"])
def test_any_layers_have_their_block_of_the_matrix(name: str, layers: tuple[int, ...]) -> None:
    network = NETWORKS[name]
    gradient, hessian, _ = dense(network, "cross_entropy")
    size = len(gradient)
    position = unflatten(network, np.arange(size), layers_of(network, "all"))
    own = flatten(position, layers)
    found = NetworkCurvature(network, parameters(network), samples(network), layers)
    assert np.abs(found @ np.eye(len(own)) - hessian[np.ix_(own, own)]).max() < 1e-12 * np.abs(hessian).max()
    assert np.abs(found.gradient() - gradient[own]).max() < 1e-13


def test_the_weights_of_one_layer_have_its_layer_hessian() -> None:
    network = NETWORKS["relu"]
    layer = LayerHessian(network.linearize(parameters(network), DENSE, 2)).dense()
    found = NetworkCurvature(network, parameters(network), samples(network), (2,)) @ np.eye(30)
    assert np.abs(found[:24, :24] - layer).max() < 1e-13  # weights before biases


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_a_root_of_the_output_curvature_is_one(loss: str) -> None:
    S = OutputCurvature(loss, rng.normal(size=(M, K)), LABELS)
    root = np.stack(S.roots(), axis=2)  # (sample, class, column)
    identity = np.broadcast_to(np.eye(K)[:, :, None], (K, K, M))  # vectors e_c
    assert np.einsum("ncj,ndj->ncd", root, root) == pytest.approx(S.times(identity).transpose(2, 1, 0), abs=1e-14)


def test_vectors_and_parameters_are_converted_into_each_other() -> None:
    network = NETWORKS["cnn"]
    layers = layers_of(network, "all")
    vector = flatten(parameters(network), layers)
    back = unflatten(network, np.stack([vector, 2 * vector]), layers)
    assert all(np.array_equal(back[name][0], array) for name, array in parameters(network).items())
    assert np.array_equal(flatten(back, layers)[1], 2 * vector)


def test_layers_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UserError, match=r"layers = \(4,\): not layers of the network; .* from 1 to 3; change"):
        NetworkCurvature(NETWORKS["relu"], parameters(NETWORKS["relu"]), samples(NETWORKS["relu"]), (4,))
