"""The Hessian of any activation and loss, against automatic differentiation of the whole loss."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sgd_valleys.measures.curvature import LayerHessian, is_gauss_newton, load_hessian, top_eigenvalues
from sgd_valleys.measures.flatness import flatness
from sgd_valleys.measures.true_hessian import TrueHessian
from sgd_valleys.networks.activation import ACTIVATIONS
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

K = 3
TORCH = {"relu": torch.relu, "tanh": torch.tanh, "gelu": F.gelu}
rng = np.random.default_rng(1)
X, Y = rng.normal(size=(25, 6)), rng.integers(0, K, 25)


def torchs_loss(name: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    def mse(output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(output, F.one_hot(labels, K).double())

    return {"cross_entropy": F.cross_entropy, "mse": mse, "mse_softmax": lambda z, y: mse(z.softmax(1), y)}[name]


def expected_hessian(network: MLP, parameters: dict[str, np.ndarray], layer: int, loss: str) -> np.ndarray:
    theta = {name: torch.from_numpy(array) for name, array in parameters.items()}
    key = f"layer{layer}_weight"

    def whole(flat: torch.Tensor) -> torch.Tensor:
        own, h = {**theta, key: flat.view_as(theta[key])}, torch.from_numpy(X)
        for k in range(1, network.depth + 1):
            h = h @ own[f"layer{k}_weight"].T + own[f"layer{k}_bias"]
            h = TORCH[network.activation](h) if k < network.depth else h
        return torchs_loss(loss)(h, torch.from_numpy(Y))

    return torch.autograd.functional.hessian(whole, theta[key].flatten()).numpy()


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_torchs(loss: str) -> None:
    logits = 3 * rng.normal(size=(4, 25, K))
    expected = [torchs_loss(loss)(torch.from_numpy(each), torch.from_numpy(Y)).item() for each in logits]
    assert LOSSES[loss].evaluate(logits, Y) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_the_hessian_of_every_layer_is_that_of_the_whole_loss(activation: str, loss: str, layer: int) -> None:
    network = MLP((6, 5, 4, K), activation)
    parameters = {name: array + 0.3 * rng.normal(size=array.shape) for name, array in network.initialize(rng).items()}
    expected = expected_hessian(network, parameters, layer, loss)
    linear = network.linearize(parameters, X, layer)
    hessians = [TrueHessian(linear, loss, Y)]
    exact = is_gauss_newton(network, layer, loss)
    if exact:
        hessians.append(LayerHessian(linear, loss))
    elif loss in ("cross_entropy", "mse"):  # the Gauss-Newton matrix is another one
        assert np.abs(LayerHessian(linear, loss).dense() - expected).max() > 1e-3 * np.abs(expected).max()
    scale = np.abs(expected).max()
    for hessian in hessians:
        assert np.abs(hessian.matmat(np.eye(len(expected))) - expected).max() < 1e-12 * scale
        assert np.abs(hessian.dense() - expected).max() < 1e-12 * scale
        assert hessian.trace() == pytest.approx(np.trace(expected), rel=1e-10, abs=1e-12 * scale)
        assert hessian.spectrum() == pytest.approx(np.linalg.eigvalsh(expected)[::-1], abs=1e-12 * scale)
        top = top_eigenvalues(hessian, 2, np.random.default_rng(0), 1e-9)
        assert top.eigenvalue == pytest.approx(np.linalg.eigvalsh(expected)[::-1][:2], rel=1e-9)


def test_a_convolutional_network_has_the_true_hessian_of_its_dense_layers() -> None:
    network = CNN((2, 4, 4), (3,), (5,), K, "tanh")
    parameters, images = network.initialize(rng), rng.normal(size=(25, 2, 4, 4))
    linear = network.linearize(parameters, images, 2)
    head = MLP(network.head.sizes, "tanh")
    own = {name: parameters[name.replace("layer2", "layer3").replace("layer1", "layer2")] for name in head.names()}
    same = TrueHessian(head.linearize(own, linear.inputs, 1), "cross_entropy", Y)
    assert np.abs(TrueHessian(linear, "cross_entropy", Y).dense() - same.dense()).max() < 1e-14


def test_flatness_is_undefined_where_one_of_the_largest_eigenvalues_is_not_positive() -> None:
    assert np.isnan(flatness(np.array([2.0, 1.0, -0.1])))


@pytest.mark.parametrize(
    ("network", "loss", "kind", "said"),
    [
        ({}, {}, LayerHessian, "exactly Gauss-Newton"),
        ({}, {"loss": "mse"}, LayerHessian, "exactly Gauss-Newton"),
        ({}, {"loss": "mse_softmax"}, TrueHessian, "automatic differentiation"),
        ({"activation": "tanh"}, {}, TrueHessian, "automatic differentiation"),
    ],
)
def test_the_log_says_which_hessian_is_taken(tmp_path: Path, caplog, network, loss, kind, said) -> None:
    caplog.set_level(logging.INFO)
    axes = ("train_sample", "channel", "row", "column")
    images = Variable(axes, X.reshape(25, 1, 2, 3).astype(np.float32), "images")
    hdf5.write(
        tmp_path / "data.h5", {"train_image": images, "train_label": Variable(axes[:1], Y, "labels")}, {"of": "test"}
    )
    settings = {"network": {"name": "mlp", "hidden": [5, 4], **network}, "classes": K, "layer": 2, "per_class": None}
    hessian = load_hessian(tmp_path / "data.h5", settings | loss, logging.getLogger("sgd_valleys.test"))
    built = MLP((6, 5, 4, K), network.get("activation", "relu"))
    assert isinstance(hessian(built.initialize(rng)), kind)
    assert said in caplog.text
