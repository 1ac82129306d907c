"""Alignment by permutations of hidden units: known permutations, and the straight barrier after alignment."""

import numpy as np
import pytest

from sgd_valleys.measures.alignment import align, aligned_lines, permute
from sgd_valleys.measures.paths import barrier, pair_lines
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP

NETWORKS = {
    "mlp": (MLP((6, 5, 4, 3)), (20, 6), (5, 4)),
    "deep": (MLP((6, 12, 9, 7, 3), "tanh"), (20, 6), (12, 9, 7)),
    "cnn": (CNN((2, 8, 8), (5, 3), (6,), 3), (20, 2, 8, 8), (5, 3, 6)),
}
ALPHA = np.linspace(0, 1, 7)


def draw(network, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=array.shape) for name, array in network.initialize(rng).items()}


def distance(one: dict, other: dict) -> float:
    return sum(((one[name] - other[name]) ** 2).sum() for name in one)


@pytest.fixture(params=NETWORKS)
def case(request):
    network, shape, hidden = NETWORKS[request.param]
    rng = np.random.default_rng(1)
    samples = rng.normal(size=shape), rng.integers(0, 3, shape[0])
    return network, samples, [rng.permutation(units) for units in hidden]


def test_a_permutation_leaves_the_function_unchanged(case) -> None:
    network, (x, _), orders = case
    theta = draw(network, 2)
    permuted = permute(theta, orders)
    assert permuted["layer1_bias"].tolist() == theta["layer1_bias"][orders[0]].tolist()
    assert {name: array.shape for name, array in permuted.items()} == {name: theta[name].shape for name in theta}
    assert network.forward(permuted, x) == pytest.approx(network.forward(theta, x), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_alignment_recovers_a_known_permutation_exactly(case, seed) -> None:
    network, _, orders = case
    theta = draw(network, seed)
    found = align(theta, permute(theta, orders))
    assert all(np.array_equal(found.parameters[name], theta[name]) for name in theta)
    for order, known in zip(found.permutations, orders, strict=True):
        assert order.tolist() == np.argsort(known).tolist()
    assert found.moved == sum((order != np.arange(len(order))).sum() for order in orders)


def test_a_network_and_its_permuted_copy_have_no_barrier_after_alignment(case) -> None:
    network, (x, _), orders = case
    theta = draw(network, 2)
    samples = x, network.forward(theta, x).argmax(axis=1)  # the loss of both ends is low
    solutions, pairs = [theta, permute(theta, orders)], np.array([[0, 1], [1, 0], [0, 0]])
    before = barrier(pair_lines(network, solutions, pairs, samples, ALPHA))
    lines, moved = aligned_lines(network, solutions, pairs, samples, ALPHA)
    assert before[:2].min() > 0.1
    assert (barrier(lines) <= before + 1e-10).all()
    assert np.abs(barrier(lines)).max() <= 1e-10
    assert moved[0] == moved[1] > 0 and moved[2] == 0


def test_alignment_is_a_fixed_point_no_farther_than_before(case) -> None:
    network, _, _ = case
    one, other = draw(network, 4), draw(network, 5)
    found = align(one, other)
    assert distance(found.parameters, one) < distance(other, one)
    assert align(one, found.parameters).moved == 0
    again = permute(other, found.permutations)
    assert all(np.array_equal(again[name], found.parameters[name]) for name in again)


def test_no_exchange_of_two_units_of_the_aligned_network_is_nearer(case) -> None:
    network, _, orders = case
    one, other = draw(network, 6), draw(network, 7)
    found = align(one, other)
    nearest = distance(found.parameters, one)
    for layer, order in enumerate(orders):
        for i, j in zip(*np.triu_indices(len(order), 1), strict=True):
            swapped = [np.arange(len(each)) for each in orders]
            swapped[layer][[i, j]] = j, i
            assert distance(permute(found.parameters, swapped), one) >= nearest - 1e-9


def test_units_that_are_all_alike_stay() -> None:
    network = MLP((6, 5, 4, 3))
    theta = {name: np.ones_like(array) for name, array in draw(network, 1).items()}
    assert align(theta, theta).moved == 0


def test_float32_parameters_stay_float32() -> None:
    theta = {name: array.astype(np.float32) for name, array in draw(MLP((6, 5, 4, 3)), 1).items()}
    assert {array.dtype for array in align(theta, theta).parameters.values()} == {np.dtype(np.float32)}
