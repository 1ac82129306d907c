"""Bezier curves between solutions: the loss and its gradient by brute force, and curves with a known maximum."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sgd_valleys.measures import bezier
from sgd_valleys.measures.alignment import permute
from sgd_valleys.measures.bezier import curve_point, train_curve
from sgd_valleys.measures.operators import flatten
from sgd_valleys.measures.paths import barrier, pair_lines
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.tensor_functions import LOSSES as TENSOR_LOSSES

NETWORKS = {
    "mlp": (MLP((6, 5, 4, 3)), (30, 6)),
    "tanh": (MLP((6, 5, 4, 3), "tanh"), (30, 6)),
    "cnn": (CNN((2, 8, 8), (4, 3), (5,), 3, "gelu"), (30, 2, 8, 8)),
}
ALPHA = np.linspace(0, 1, 9)


@pytest.fixture(params=NETWORKS)
def case(request):
    network, shape = NETWORKS[request.param]
    rng = np.random.default_rng(1)
    samples = rng.normal(size=shape), rng.integers(0, 3, shape[0])
    return network, samples, [draw(network, seed) for seed in (2, 3)]


def with_barrier(network, x: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[dict, dict]]:
    """Samples with the labels that a network gives them, the network, and a permuted copy."""
    theta, rng = draw(network, 2), np.random.default_rng(3)
    hidden = [len(theta[f"layer{k}_bias"]) for k in range(1, network.depth)]
    copy = permute(theta, [rng.permutation(units) for units in hidden])
    return (x, network.forward(theta, x).argmax(axis=1)), (theta, copy)


def draw(network, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: 0.7 * rng.normal(size=array.shape) for name, array in network.initialize(rng).items()}


def loss_at(network, parameters, samples, loss="cross_entropy") -> float:
    return LOSSES[loss].evaluate(network.forward(parameters, samples[0]), samples[1])


def whole_forward(network, theta: dict[str, torch.Tensor], h: torch.Tensor) -> torch.Tensor:
    """Logits by autograd's functions from the images on, without the linearity of the first layer."""
    apply = {"relu": F.relu, "tanh": torch.tanh, "gelu": F.gelu}[network.activation]
    for k in range(1, network.depth + 1):
        weight, bias = theta[f"layer{k}_weight"], theta[f"layer{k}_bias"]
        if weight.ndim == 4:
            h = F.max_pool2d(apply(F.conv2d(h, weight, bias, padding=1)), 2)
        else:
            h = F.linear(h.flatten(1), weight, bias)
            h = apply(h) if k < network.depth else h
    return h


@pytest.mark.parametrize("loss", LOSSES)
def test_the_mean_loss_and_its_gradient_are_those_of_brute_force(case, loss, monkeypatch) -> None:
    network, samples, ends = case
    monkeypatch.setattr(bezier, "SLICE", 7)  # the slices add up
    curve = bezier._Curve(network, tuple(ends), samples, loss)
    control = draw(network, 4)
    alpha, weights = np.array([0.1, 0.4, 0.8]), np.array([0.5, 0.3, 0.2])
    value, gradient = curve.mean_loss(flatten(control, curve.layers), alpha, weights)

    one, other = ({name: torch.from_numpy(array) for name, array in end.items()} for end in ends)
    c = {name: torch.from_numpy(array).requires_grad_() for name, array in control.items()}
    x, y = map(torch.from_numpy, samples)
    mean = 0
    for a, weight in zip(alpha.tolist(), weights.tolist(), strict=True):
        theta = {name: (1 - a) ** 2 * other[name] + 2 * a * (1 - a) * c[name] + a**2 * one[name] for name in c}
        mean = mean + weight * TENSOR_LOSSES[loss].per_sample(whole_forward(network, theta, x), y).mean()
    mean.backward()
    expected = flatten({name: tensor.grad.numpy() for name, tensor in c.items()}, curve.layers)
    assert value == pytest.approx(float(mean.detach()), rel=1e-12)
    assert gradient == pytest.approx(expected, rel=1e-8, abs=1e-10)
    losses, _ = curve.evaluate(flatten(control, curve.layers), alpha)
    assert losses == pytest.approx([loss_at(network, curve_point(ends, control, a), samples, loss) for a in alpha])


def test_a_curve_joins_its_ends_by_way_of_the_straight_line() -> None:
    network, _ = NETWORKS["mlp"]
    one, other, control = (draw(network, seed) for seed in range(3))
    for alpha, end in ((1.0, one), (0.0, other)):  # alpha = 1 is the first, as in Eq. 5
        assert all(np.array_equal(curve_point((one, other), control, alpha)[name], end[name]) for name in end)
    middle = {name: (one[name] + other[name]) / 2 for name in one}
    between = curve_point((one, other), middle, 0.3)
    assert all(between[name] == pytest.approx(0.3 * one[name] + 0.7 * other[name]) for name in one)


def test_training_lowers_the_curve_from_the_straight_barrier(case) -> None:
    network, (x, _), _ = case
    samples, ends = with_barrier(network, x)
    calls = []
    found = train_curve(network, ends, samples, ALPHA, 15, progress=lambda: calls.append(1))
    straight = barrier(pair_lines(network, list(ends), np.array([[0, 1]]), samples, ALPHA))[0]
    assert found.excess[0] == pytest.approx(straight, rel=1e-10)
    assert found.excess.shape == found.accuracy.shape == (16,) and len(calls) == 15
    assert (np.diff(found.excess) <= 0).all() and 0 <= found.excess[-1] < 0.9 * straight
    along = [loss_at(network, curve_point(ends, found.control, a), samples) for a in ALPHA]
    assert found.loss == pytest.approx(along, rel=1e-10)
    assert found.excess[-1] == pytest.approx(max(along) - (along[0] + along[-1]) / 2, rel=1e-10)
    points = [network.forward(curve_point(ends, found.control, a), samples[0]) for a in ALPHA]
    assert found.accuracy[-1] == min((logits.argmax(axis=1) == samples[1]).mean() for logits in points)


def test_a_curve_between_a_network_and_itself_stays_at_zero(case) -> None:
    network, samples, (theta, _) = case
    found = train_curve(network, (theta, theta), samples, ALPHA, 10)
    assert np.abs(found.excess).max() <= 1e-12


def test_the_same_curve_has_the_same_bits() -> None:
    network, shape = NETWORKS["mlp"]
    samples, ends = with_barrier(network, np.random.default_rng(1).normal(size=shape))
    one, other = (train_curve(network, ends, samples, ALPHA, 5) for _ in range(2))
    assert one.excess.tobytes() == other.excess.tobytes() and one.loss.tobytes() == other.loss.tobytes()


def test_float32_ends_are_trained_in_float64() -> None:
    network, shape = NETWORKS["mlp"]
    samples, ends = with_barrier(network, np.random.default_rng(1).normal(size=shape).astype(np.float32))
    ends = tuple({name: array.astype(np.float32) for name, array in end.items()} for end in ends)
    found = train_curve(network, ends, samples, ALPHA, 2)
    assert {array.dtype for array in found.control.values()} == {np.dtype(np.float64)}
    assert found.excess[-1] < found.excess[0]
