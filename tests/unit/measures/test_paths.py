"""Losses along lines between solutions, and barriers, against independent evaluations."""

import numpy as np
import pytest

from sgd_valleys.measures import paths
from sgd_valleys.measures.paths import (
    barrier,
    chord_height,
    dissimilar_pairs,
    line_loss,
    line_loss_along_training,
    pair_lines,
)
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.mlp import MLP

NETWORK = MLP((6, 5, 4, 3))
ALPHA = np.linspace(0, 1, 7)


def test_the_line_is_the_networks_loss_at_interpolated_parameters() -> None:
    network = MLP((6, 5, 4, 3))
    rng = np.random.default_rng(1)
    a, b = network.initialize(rng), network.initialize(rng)
    b["layer1_bias"] += 0.3
    x, y = rng.normal(size=(20, 6)), rng.integers(0, 3, 20)
    alpha = np.linspace(0, 1, 7)
    loss = line_loss(network, (a, b), (network.first_preactivation(a, x), network.first_preactivation(b, x)), y, alpha)
    for k, w in enumerate(alpha):
        between = {name: w * a[name] + (1 - w) * b[name] for name in a}
        assert loss[k] == pytest.approx(cross_entropy(network.forward(between, x), y), rel=1e-12)
    assert loss[-1] == pytest.approx(cross_entropy(network.forward(a, x), y))  # alpha = 1 is theta_i


def test_barrier_is_the_top_of_the_line_above_the_mean_of_its_ends() -> None:
    assert barrier(np.array([1.0, 5.0, 2.0])) == 3.5
    assert barrier(np.array([1.0, 1.5, 2.0])) == 0.5  # the higher end is on the path too
    assert barrier(np.array([1.0, 0.0, 1.0])) == 0
    assert barrier(np.array([[0.0, 2, 0], [0, 0, 0]])).tolist() == [2, 0]


def test_chord_height_is_the_largest_height_above_the_chord() -> None:
    alpha = np.linspace(0, 1, 5)
    assert chord_height(3 - 2 * alpha, alpha) == 0  # a slope, which Eq. 5 calls a barrier of 1
    assert barrier(3 - 2 * alpha) == 1
    assert chord_height(np.array([1.0, 0, 0, 0, 1]), alpha) == 0  # a valley
    rng = np.random.default_rng(1)
    loss = rng.random((4, 3, 5))
    expected = [
        [max(line[k] - (a * line[-1] + (1 - a) * line[0]) for k, a in enumerate(alpha)) for line in lines]
        for lines in loss
    ]
    assert chord_height(loss, alpha) == pytest.approx(np.array(expected), abs=1e-15)
    loss[..., -1] = loss[..., 0]
    assert chord_height(loss, alpha) == pytest.approx(barrier(loss), abs=1e-15)


@pytest.fixture
def samples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.normal(size=(20, 6)), rng.integers(0, 3, 20)


def solutions(count: int, seed: int = 3) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [
        {name: rng.normal(size=array.shape) for name, array in NETWORK.initialize(rng).items()} for _ in range(count)
    ]


def losses(one: dict, other: dict, samples: tuple[np.ndarray, np.ndarray]) -> list[float]:
    """The loss at each ALPHA, evaluated at the interpolated parameters."""
    between = [{name: a * one[name] + (1 - a) * other[name] for name in one} for a in ALPHA]
    return [cross_entropy(NETWORK.forward(theta, samples[0]), samples[1]) for theta in between]


def test_barriers_of_pairs_are_those_of_their_lines_whatever_is_cached(samples, monkeypatch) -> None:
    ends = solutions(4)
    pairs = np.array([[0, 1], [2, 3], [0, 3], [1, 1]])
    expected = []
    for i, j in pairs:
        line = losses(ends[i], ends[j], samples)
        expected.append(max(line) - (line[0] + line[-1]) / 2)
    calls = []
    found = barrier(pair_lines(NETWORK, ends, pairs, samples, ALPHA, lambda: calls.append(1)))
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert pair_lines(NETWORK, ends, pairs, samples, ALPHA)[1] == pytest.approx(losses(ends[2], ends[3], samples))
    assert found[:3].min() > 0 and found[3] == pytest.approx(0, abs=1e-12)  # a solution has no barrier to itself
    assert len(calls) == len(pairs)
    monkeypatch.setattr(paths, "PREACTIVATION_BYTES", 1)  # the cache then holds the preactivations of one pair
    assert np.array_equal(barrier(pair_lines(NETWORK, ends, pairs, samples, ALPHA)), found)
    assert pair_lines(NETWORK, ends, np.empty((0, 2), dtype=int), samples, ALPHA).shape == (0, len(ALPHA))


def test_the_first_layers_preactivation_is_computed_once_for_each_solution(samples) -> None:
    class CountingNetwork(MLP):
        count = 0

        def first_preactivation(self, parameters, inputs):
            CountingNetwork.count += 1
            return super().first_preactivation(parameters, inputs)

    ends = solutions(3)
    pair_lines(CountingNetwork(NETWORK.sizes), ends, np.array([[0, 1], [0, 2], [1, 2]]), samples, ALPHA)
    assert CountingNetwork.count == 3 + 1  # once more for the size


def test_lines_along_training_are_between_the_runs_at_equal_times(samples) -> None:
    times = [solutions(3, seed) for seed in (4, 5)]
    runs = {
        k: {name: np.stack([ends[r][name] for ends in times]) for name in times[0][0]}
        for k, r in ((2, 0), (5, 1), (7, 2))
    }
    pairs = np.array([[2, 7], [5, 2]])
    calls = []
    found = line_loss_along_training(NETWORK, runs, pairs, samples, ALPHA, lambda: calls.append(1), times=2)
    assert found.shape == (2, 2, 7) and len(calls) == 4
    for k, (i, j) in enumerate(((0, 2), (1, 0))):
        for t in range(2):
            assert found[k, t] == pytest.approx(losses(times[t][i], times[t][j], samples), rel=1e-12)
    assert line_loss_along_training(NETWORK, {}, pairs[:0], samples, ALPHA, times=2).shape == (0, 2, 7)


def test_pairs_are_dissimilar_unless_a_run_has_diverged():
    height = np.array([[0.0, 0.2], [0.0, np.nan], [np.nan, 0.1], [0.0, 0.3]])
    assert dissimilar_pairs(np.array([0.5, 0.5, 0.6, 0.7]), height, 0.6).tolist() == [True, False, True, False]
