"""Activations and the networks that have them, against torch."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sgd_valleys.errors import UserError
from sgd_valleys.networks.activation import ACTIVATIONS
from sgd_valleys.networks.build import build
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP

TORCH = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "gelu": nn.GELU()}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_derivatives_are_autograds(name: str, dtype: type) -> None:
    z = np.linspace(-6, 6, 1001).astype(dtype)
    x = torch.from_numpy(z).requires_grad_()
    value = TORCH[name](x)
    (derivative,) = torch.autograd.grad(value.sum(), x)
    found = ACTIVATIONS[name].value(z), ACTIVATIONS[name].derivative(z)
    tolerance = 1e-14 if dtype is np.float64 else 2e-6
    for own, expected in zip(found, (value.detach(), derivative), strict=True):
        assert own.dtype == dtype
        assert np.abs(own - expected.numpy()).max() < tolerance


def torchs_own(network: MLP | CNN, parameters: dict[str, np.ndarray]) -> nn.Module:
    """The same network of torch.nn's modules, with activation before pooling."""
    layers: list[nn.Module] = []
    if isinstance(network, CNN):
        for a, b in pairwise((network.shape[0], *network.channels)):
            layers += [nn.Conv2d(a, b, 3, padding=1), TORCH[network.activation], nn.MaxPool2d(2)]
        layers.append(nn.Flatten())
    for a, b in pairwise(network.head.sizes if isinstance(network, CNN) else network.sizes):
        layers += [nn.Linear(a, b), TORCH[network.activation]]
    model = nn.Sequential(*layers[:-1]).double()
    with torch.no_grad():
        for own, array in zip(model.parameters(), parameters.values(), strict=True):
            own.copy_(torch.from_numpy(array))
    return model


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("layer", [3, 4])
@pytest.mark.parametrize("convolutional", [False, True])
def test_logits_and_their_linearization_are_autograds(name: str, layer: int, convolutional: bool) -> None:
    rng = np.random.default_rng(0)
    network = CNN((2, 9, 8), (3, 4), (5,), 3, name) if convolutional else MLP((6, 5, 4, 5, 3), name)
    x = rng.normal(size=(70, 2, 9, 8) if convolutional else (70, 6))
    parameters = {key: array + 0.1 * rng.normal(size=array.shape) for key, array in network.initialize(rng).items()}
    model = torchs_own(network, parameters)
    logits = model(torch.from_numpy(x)).detach().numpy()
    assert np.abs(network.forward(parameters, x) - logits).max() < 1e-13
    first = network.first_preactivation(parameters, x)
    assert np.abs(network.forward_from_first(parameters, first) - logits).max() < 1e-13

    linear = network.linearize(parameters, x, layer)
    assert np.abs(linear.logits - logits).max() < 1e-13
    weight = torch.from_numpy(parameters[f"layer{layer}_weight"])
    change = rng.normal(size=weight.shape)
    names = dict(zip(network.names(), dict(model.named_parameters()), strict=True))

    def outputs(weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(model, {names[f"layer{layer}_weight"]: weight}, (torch.from_numpy(x),))

    _, expected = torch.func.jvp(outputs, (weight,), (torch.from_numpy(change),))
    assert np.abs(linear.jvp(linear.inputs @ change.T) - expected.detach().numpy()).max() < 1e-12
    tangent, cotangent = rng.normal(size=(70, linear.out)), rng.normal(size=logits.shape)
    assert (linear.jvp(tangent) * cotangent).sum() == pytest.approx((tangent * linear.vjp(cotangent)).sum(), rel=1e-10)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_all_activations_have_the_same_start(name: str) -> None:
    for network, plain in (
        (MLP((6, 5, 3), name), MLP((6, 5, 3))),
        (CNN((2, 4, 4), (3,), (), 3, name), CNN((2, 4, 4), (3,), (), 3)),
    ):
        start, expected = (each.initialize(np.random.default_rng(0)) for each in (network, plain))
        assert all(np.array_equal(start[key], array) for key, array in expected.items())


def test_settings_name_the_activation() -> None:
    assert build({"name": "mlp", "hidden": [5], "activation": "gelu"}, (1, 2, 3), 3) == MLP((6, 5, 3), "gelu")
    with pytest.raises(
        UserError, match=r"network\.activation = 'elu': unknown; allowed are relu, tanh, gelu \(did you mean relu\?\)"
    ):
        build({"name": "mlp", "hidden": [5], "activation": "elu"}, (1, 2, 3), 3)
