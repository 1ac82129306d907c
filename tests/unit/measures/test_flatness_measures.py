"""Measures of flatness against dense Hessians and brute force, and under rescaling of ReLU networks."""

import logging
from dataclasses import asdict

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch.func import functional_call, grad, hessian, vmap

from sgd_valleys.errors import UserError
from sgd_valleys.measures import flatness_measures
from sgd_valleys.measures.flatness_at_ends import at_ends, measure_properties, measure_variables
from sgd_valleys.measures.flatness_measures import (
    MEASURES,
    Measure,
    evaluate,
    find_measures,
    flatness_settings,
    measure,
)
from sgd_valleys.measures.perturbation import Perturbation
from sgd_valleys.measures.point import Point
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network
from sgd_valleys.randomness import Stage, stream

K = 3
EXACT = {"rel": 1e-8, "abs": 1e-14}
rng = np.random.default_rng(5)
X, Y = rng.normal(size=(25, 6)), rng.integers(K, size=25)
RELU = MLP((6, 5, 4, K))
SCALED_LAYERS, SCALED_UNITS = (2.0, 0.4, 1.25), ([0.3, 2, 1, 5, 0.7], [4, 0.6, 1, 0.2])


def point_of(network: Network = RELU, loss: str = "cross_entropy", layer: int = 2, X: np.ndarray = X, **more) -> Point:
    own = np.random.default_rng(7)
    parameters = {name: array + 0.3 * own.normal(size=array.shape) for name, array in network.initialize(own).items()}
    return Point(network, parameters, X, Y, layer, loss, **more)


class TorchMLP(torch.nn.Module):
    """The same network, written with torch.nn."""

    def __init__(self, network: MLP) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(map(torch.nn.Linear, network.sizes, network.sizes[1:]))
        self.activation = {"relu": torch.relu, "tanh": torch.tanh}[network.activation]

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            h = self.activation(layer(h))
        return self.layers[-1](h)


def torch_loss(point: Point):
    """The mean loss as a function of (parameters by name, inputs, labels), by torch alone."""
    module = TorchMLP(point.network)

    def loss(parameters: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        named = {
            f"layers.{int(name[5]) - 1}.{name.split('_')[1]}": tensor.double() for name, tensor in parameters.items()
        }
        z = functional_call(module, named, (x,))
        if point.loss == "cross_entropy":
            return torch.nn.functional.cross_entropy(z, y)
        z = z.softmax(1) if point.loss == "mse_softmax" else z
        return ((z - torch.eye(K, dtype=z.dtype)[y]) ** 2).mean()

    return loss


def tensors(point: Point) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    theta = {name: torch.from_numpy(array) for name, array in point.parameters.items()}
    return theta, torch.from_numpy(point.inputs), torch.from_numpy(point.labels)


def dense_hessian(point: Point) -> np.ndarray:
    """The Hessian (out, in, out, in) in the layer's weights."""
    (theta, x, y), loss, key = tensors(point), torch_loss(point), f"layer{point.layer}_weight"
    return hessian(lambda weight: loss(theta | {key: weight}, x, y))(theta[key]).detach().numpy()


def sample_gradients(point: Point, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient of every sample's loss, (sample, ...) by name."""
    (theta, x, _), loss = tensors(point), torch_loss(point)
    found = vmap(grad(lambda p, x, y: loss(p, x[None], y[None])), (None, 0, 0))(theta, x, torch.from_numpy(labels))
    return {name: tensor.numpy() for name, tensor in found.items()}


def loss_at(point: Point, parameters: dict[str, np.ndarray]) -> float:
    return float(LOSSES[point.loss].evaluate(point.network.forward(parameters, point.inputs), point.labels))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_measures_of_the_hessian_are_those_of_the_dense_one(activation: str, loss: str, layer: int) -> None:
    point = point_of(MLP((6, 5, 4, K), activation), loss, layer, tolerance=1e-9)
    dense, W = dense_hessian(point), point.weight
    spectrum = np.linalg.eigvalsh(dense.reshape(W.size, W.size))[::-1]
    found = evaluate(
        point,
        [
            "largest_eigenvalue",
            "hessian_trace",
            "relative_flatness",
            "trace_times_norm",
            "eigenvalue_times_norm",
            "flatness_3",
        ],
    )
    trace, norm = spectrum.sum(), (W**2).sum()
    loop = sum(W[s] @ W[u] * np.trace(dense[s, :, u]) for s in range(len(W)) for u in range(len(W)))
    assert found["largest_eigenvalue"] == pytest.approx(spectrum[0], **EXACT)
    assert found["hessian_trace"] == pytest.approx(trace, **EXACT)
    assert found["relative_flatness"] == pytest.approx(loop, **EXACT)
    assert found["trace_times_norm"] == pytest.approx(trace * norm, **EXACT)
    assert found["eigenvalue_times_norm"] == pytest.approx(spectrum[0] * norm, **EXACT)
    assert found["flatness_3"] == pytest.approx(np.prod(spectrum[:3]) ** (-1 / 3), **EXACT)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_fisher_rao_norms_are_those_of_sample_gradients(activation: str, loss: str) -> None:
    point = point_of(MLP((6, 5, 4, K), activation), loss)

    def square(labels: np.ndarray) -> np.ndarray:
        found = sample_gradients(point, labels)
        return sum((g * point.parameters[name]).reshape(len(Y), -1).sum(axis=1) for name, g in found.items()) ** 2

    logits = point.network.forward(point.parameters, X)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    of_model = sum(p[:, y] * square(np.full(len(Y), y)) for y in range(K))
    found = evaluate(point, ["fisher_rao_norm", "fisher_rao_norm_of_model"])
    assert found["fisher_rao_norm"] == pytest.approx(np.sqrt(square(Y).mean()), **EXACT)
    assert found["fisher_rao_norm_of_model"] == pytest.approx(np.sqrt(of_model.mean()), **EXACT)


def test_without_biases_the_fisher_rao_norm_is_liangs_product_of_logits_and_their_gradient() -> None:
    biased = point_of()
    parameters = {name: array * (array.ndim > 1) for name, array in biased.parameters.items()}
    logits = RELU.forward(parameters, X)
    slope = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) - np.eye(K)[Y]
    expected = RELU.depth * np.sqrt(((slope * logits).sum(axis=1) ** 2).mean())
    found = evaluate(Point(RELU, parameters, X, Y, 2), ["fisher_rao_norm"])["fisher_rao_norm"]
    assert found == pytest.approx(expected, **EXACT)


@pytest.mark.parametrize("radius", [0.05, 0.5])
def test_adaptive_sharpness_is_the_maximum_over_the_ball(radius: float) -> None:
    point = point_of(MLP((6, 5, 4, K), "tanh"), perturbation=Perturbation(radius=radius, steps=300))
    (theta, x, y), loss = tensors(point), torch_loss(point)
    sizes = [tensor.numel() for tensor in theta.values()]

    def minus_loss(u: np.ndarray) -> tuple[float, np.ndarray]:  # u = delta / radius
        relative = torch.from_numpy(u).requires_grad_()
        parts = zip(theta.items(), relative.split(sizes), strict=True)
        value = -loss({name: w + radius * w.abs() * part.view_as(w) for (name, w), part in parts}, x, y)
        value.backward()
        return value.item(), relative.grad.numpy()

    ball = {"type": "ineq", "fun": lambda u: 1 - u @ u, "jac": lambda u: -2 * u}
    best = -np.inf
    for k in range(3):
        start = np.random.default_rng(k).normal(size=sum(sizes)) / np.sqrt(sum(sizes))
        found = minimize(
            minus_loss, start, jac=True, method="SLSQP", constraints=ball, options={"ftol": 1e-15, "maxiter": 500}
        )
        best = max(best, -minus_loss(found.x / max(1, np.linalg.norm(found.x)))[0])
    sharpness = evaluate(point, ["adaptive_sharpness"])["adaptive_sharpness"]
    assert sharpness == pytest.approx(best - loss_at(point, point.parameters), abs=1e-8)


def test_the_first_step_of_adaptive_sharpness_is_that_of_asam() -> None:
    point = point_of(perturbation=Perturbation(radius=0.2, steps=1))
    theta = point.parameters
    g = {name: array.mean(axis=0) for name, array in sample_gradients(point, Y).items()}
    length = np.sqrt(sum(((theta[name] * g[name]) ** 2).sum() for name in theta))
    moved = {name: theta[name] + 0.2 * theta[name] ** 2 * g[name] / length for name in theta}
    expected = loss_at(point, moved) - loss_at(point, theta)
    assert evaluate(point, ["adaptive_sharpness"])["adaptive_sharpness"] == pytest.approx(expected, **EXACT)


@pytest.mark.parametrize("network", [RELU, CNN((2, 4, 4), (3,), (5,), K)], ids=["mlp", "cnn"])
def test_mean_increases_are_those_of_a_loop_over_antithetic_pairs(network: Network) -> None:
    images = X if network is RELU else np.random.default_rng(1).normal(size=(25, 2, 4, 4))
    point = point_of(network, layer=2, X=images, perturbation=Perturbation(pairs=4), seed=3)
    theta = point.parameters

    def filtered(name: str, xi: np.ndarray) -> np.ndarray:
        if name.endswith("bias"):
            return 0 * xi
        return np.stack([0.1 * np.linalg.norm(w) * d / np.linalg.norm(d) for w, d in zip(theta[name], xi, strict=True)])

    displacements = {
        "perturbation_increase": lambda name, xi: 0.01 * xi,
        "average_adaptive_sharpness": lambda name, xi: 0.1 * np.abs(theta[name]) * xi,
        "filter_normalized_increase": filtered,
    }
    found = evaluate(point, displacements)
    for measured, displacement in displacements.items():
        own, pairs = stream(3, Stage.FLATNESS), []
        for _ in range(4):
            xi = {name: own.standard_normal(array.shape) for name, array in theta.items()}
            plus, minus = (
                loss_at(point, {name: theta[name] + sign * displacement(name, xi[name]) for name in theta})
                for sign in (1, -1)
            )
            pairs.append((plus + minus) / 2 - loss_at(point, theta))
        assert found[measured] == pytest.approx(np.mean(pairs), **EXACT)
        assert found[f"{measured}_standard_error"] == pytest.approx(np.std(pairs, ddof=1) / 2, rel=1e-6)


def test_a_small_perturbation_increases_the_loss_by_half_the_trace_of_the_whole_hessian() -> None:
    sigma = 1e-3
    point = point_of(MLP((6, 5, 4, K), "tanh"), perturbation=Perturbation(sigma=sigma, pairs=4000))
    (theta, x, y), loss = tensors(point), torch_loss(point)
    blocks = hessian(lambda p: loss(p, x, y))(theta)
    trace = sum(torch.trace(blocks[n][n].reshape(theta[n].numel(), -1)).item() for n in theta)
    found = evaluate(point, ["perturbation_increase"])
    expected, error = sigma**2 * trace / 2, found["perturbation_increase_standard_error"]
    assert abs(found["perturbation_increase"] - expected) < 4 * error < 0.6 * expected


def rescaled_layers(point: Point) -> Point:
    """The same function with every layer's weights multiplied by a factor."""
    product = np.cumprod(SCALED_LAYERS)
    parameters = {}
    for k, factor in enumerate(SCALED_LAYERS, start=1):
        parameters[f"layer{k}_weight"] = factor * point.parameters[f"layer{k}_weight"]
        parameters[f"layer{k}_bias"] = product[k - 1] * point.parameters[f"layer{k}_bias"]
    return Point(point.network, parameters, X, Y, point.layer, point.loss, tolerance=point.tolerance)


def rescaled_units(point: Point) -> Point:
    """The same function with the weights into every hidden unit multiplied by a factor, and those out of it divided."""
    below, parameters = np.ones(6), {}
    for k, own in enumerate((*SCALED_UNITS, np.ones(K)), start=1):
        parameters[f"layer{k}_weight"] = np.asarray(own)[:, None] * point.parameters[f"layer{k}_weight"] / below
        parameters[f"layer{k}_bias"] = own * point.parameters[f"layer{k}_bias"]
        below = np.asarray(own)
    return Point(point.network, parameters, X, Y, point.layer, point.loss, tolerance=point.tolerance)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rescaled", [rescaled_layers, rescaled_units])
def test_measures_change_under_rescaling_unless_they_claim_otherwise(rescaled, loss: str) -> None:
    point = point_of(loss=loss, tolerance=1e-10)
    other = rescaled(point)
    names = ["flatness_3", *(name for name in MEASURES if name != "flatness_20")]  # the layer has 20 weights
    assert np.abs(point.linear.logits - other.linear.logits).max() < 1e-12
    one, two = evaluate(point, names), evaluate(other, names)
    for each in find_measures(names):
        if np.isnan(one[each.name]):  # F, where too few eigenvalues are positive
            assert each.name.startswith("flatness_") and each.name != "flatness_3"
            continue
        change = abs(two[each.name] / one[each.name] - 1)
        claimed = each.invariant if rescaled is rescaled_layers else each.unit_invariant
        assert change < 1e-8 if claimed else change > 1e-3, (each.name, change)


def test_known_eigenvalues_are_taken_and_more_are_computed() -> None:
    point = point_of(eigenvalue=[2.0, 0.5])
    found = evaluate(point, ["flatness_2", "largest_eigenvalue", "flatness_3"])
    assert found["flatness_2"] == pytest.approx(1.0) and found["largest_eigenvalue"] == 2.0
    assert found["flatness_3"] == evaluate(point_of(), ["flatness_3"])["flatness_3"]
    unknown = point_of(eigenvalue=[np.nan, np.nan])
    assert evaluate(unknown, ["largest_eigenvalue"]) == evaluate(point_of(), ["largest_eigenvalue"])


def test_nothing_is_known_of_a_diverged_run() -> None:
    point = point_of()
    parameters = {name: np.full_like(array, np.inf) for name, array in point.parameters.items()}
    found = evaluate(Point(RELU, parameters, X, Y, 2))
    assert np.isnan(list(found.values())).all()
    assert found.keys() == evaluate(point).keys()


def test_a_point_without_gradient_is_not_sharp() -> None:
    parameters = {name: np.zeros_like(array) for name, array in point_of().parameters.items()}
    assert evaluate(Point(RELU, parameters, X, Y, 2), ["adaptive_sharpness"])["adaptive_sharpness"] == 0


def test_adding_a_measure_is_adding_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatness_measures, "MEASURES", dict(MEASURES))

    @measure("|theta|", "this test", units="1")
    def weight_norm(point: Point) -> float:
        """Compute the norm of all parameters."""
        return float(np.sqrt(sum((array**2).sum() for array in point.parameters.values())))

    found = find_measures("all")[-1]
    assert found == Measure("weight_norm", weight_norm, "|theta|", "this test", "1", False, False)
    assert "weight_norm" in evaluate(point_of())


def test_every_docstring_has_formula_source_and_invariances() -> None:
    for each in MEASURES.values():
        if not each.name.startswith("flatness_"):
            text = each.evaluate.__doc__
            assert f"Formula: {each.formula}" in text and f"Source: {each.source}" in text
            assert f"Invariant under rescaling of: {each.invariances}" in text


def test_an_unknown_measure_is_refused_by_name() -> None:
    said = r"measures = hessian_trac: not a measure of flatness; .*flatness_10.* \(did you mean hessian_trace\?\)"
    with pytest.raises(UserError, match=said):
        evaluate(point_of(), ["hessian_trac"])
    with pytest.raises(UserError, match=r"measures = flatness_0: .*flatness_N for any N"):
        evaluate(point_of(), ["flatness_0"])


def test_settings_have_defaults_and_names_in_place_of_all() -> None:
    found = flatness_settings({"measures": "all", "pairs": 4})
    assert found == asdict(Perturbation(pairs=4)) | {"measures": list(MEASURES)}
    assert flatness_settings({"measures": ["flatness_7"]})["measures"] == ["flatness_7"]


def test_values_of_several_ends_are_stored_with_units_and_properties(caplog: pytest.LogCaptureFixture) -> None:
    points, names = (
        [point_of(), point_of(perturbation=Perturbation(sigma=0.1))],
        ["perturbation_increase", "flatness_3"],
    )
    diverged = Point(RELU, {name: array * np.inf for name, array in point_of().parameters.items()}, X, Y, 2)
    found = at_ends([*points, diverged], names, logging.getLogger("sgd_valleys.test"))
    variables = measure_variables(found, names)
    assert list(variables) == ["perturbation_increase", "perturbation_increase_standard_error", "flatness_3"]
    assert [each.units for each in variables.values()] == ["nat", "nat", "1/nat"]
    for name, variable in variables.items():
        assert variable.data.tolist() == pytest.approx(
            [*(evaluate(p, names)[name] for p in points), np.nan], nan_ok=True
        )
    assert (
        "run 2: NaN or infinite values of perturbation_increase_standard_error, perturbation_increase, flatness_3"
        in caplog.text
    )
    properties = measure_properties(["relative_flatness"])["relative_flatness"]
    assert (properties["invariant"], properties["unit_invariant"]) == (True, False)


@pytest.mark.parametrize("network", [RELU, CNN((2, 4, 4), (3,), (5,), K)], ids=["mlp", "cnn"])
def test_slices_of_the_samples_change_nothing(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    images = X if network is RELU else np.random.default_rng(1).normal(size=(25, 2, 4, 4))
    names = ["fisher_rao_norm", "fisher_rao_norm_of_model", "adaptive_sharpness"]
    whole = evaluate(point_of(network, layer=2, X=images), names)
    monkeypatch.setattr("sgd_valleys.measures.point.SLICE", 10)
    assert evaluate(point_of(network, layer=2, X=images), names) == pytest.approx(whole, rel=1e-9)
