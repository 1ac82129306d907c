"""Similarity, barriers, freezing times and projections, each on a case whose answer is known."""

import numpy as np
import pytest

from sgd_valleys.measures.freezing import basin_freezing_time, freezing_time
from sgd_valleys.measures.paths import barrier, line_loss
from sgd_valleys.measures.projection import coordinates, principal_axes, project
from sgd_valleys.measures.similarity import cosine, jaccard, nearest_pair, pair_mean
from sgd_valleys.networks.loss import cross_entropy, softmax
from sgd_valleys.networks.mlp import MLP


def errors(*sets, samples=6):
    return np.array([[k in s for k in range(samples)] for s in sets])


def test_jaccard_is_shared_errors_over_all_errors():
    matrix = jaccard(errors({0, 1, 2}, {1, 2, 3}, {4}, {0, 1, 2}))
    assert matrix[0].tolist() == [1, 0.5, 0, 1]
    assert np.array_equal(matrix, matrix.T)


def test_two_solutions_without_errors_are_the_same_solution():
    matrix = jaccard(errors(set(), set(), {1}))
    assert matrix.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_jaccard_against_sets_drawn_at_random():
    drawn = np.random.default_rng(0).random((8, 50)) < 0.3
    for i in range(8):
        for j in range(8):
            a, b = set(np.flatnonzero(drawn[i])), set(np.flatnonzero(drawn[j]))
            assert jaccard(drawn)[i, j] == pytest.approx(len(a & b) / len(a | b))


def test_cosine_of_displacements():
    matrix = cosine(np.array([[1.0, 0], [0, 3], [2, 2], [0, 0]]))
    assert matrix[0, 1] == 0
    assert matrix[0, 2] == pytest.approx(np.sqrt(0.5))
    assert np.isnan(matrix[0, 3])


def test_a_mean_over_pairs_leaves_out_the_diagonal_and_one_run_has_none():
    assert pair_mean(np.array([[1, 0.2, 0.4], [0.2, 1, 0.6], [0.4, 0.6, 1]])) == pytest.approx(0.4)
    assert np.isnan(pair_mean(np.array([[1.0]]))) and np.isnan(pair_mean(np.empty((0, 0))))


def test_the_pair_nearest_to_a_similarity():
    assert nearest_pair(np.array([[1, 0.2, 0.9], [0.2, 1, 0.6], [0.9, 0.6, 1]]), 0.62) == (1, 2)
    nan = np.nan
    assert nearest_pair(np.array([[1, nan, 0.9], [nan, nan, nan], [0.9, nan, 1]]), 0.2) == (0, 2)
    assert nearest_pair(np.array([[1, nan], [nan, 1]]), 0.2) is None


def test_the_line_is_the_networks_loss_at_interpolated_parameters():
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


def test_barrier_is_the_top_of_the_line_above_the_mean_of_its_ends():
    assert barrier(np.array([1.0, 5.0, 2.0])) == 3.5
    assert barrier(np.array([1.0, 1.5, 2.0])) == 0.5  # the higher end is on the path too
    assert barrier(np.array([1.0, 0.0, 1.0])) == 0
    assert barrier(np.array([[0.0, 2, 0], [0, 0, 0]])).tolist() == [2, 0]


def test_freezing_is_the_first_recorded_time_below_the_threshold():
    iteration = np.array([0, 10, 20, 30])
    loss = np.array([[2, 0.09, 0.2, 0.01], [2, 1, 0.5, 0.1], [0.05, 1, 1, np.nan]])
    time = freezing_time(iteration, loss, 0.1)
    assert time[0] == 10 and np.isnan(time[1]) and time[2] == 0


def test_a_run_is_frozen_once_every_later_branch_ends_with_the_last():
    t_c, nan = np.array([0, 20, 40, 60]), np.nan
    assert basin_freezing_time(t_c, np.array([0.3, 0.95, 0.92, 1]), 0.9) == 20
    assert basin_freezing_time(t_c, np.array([0.95, 0.3, 0.92, 1]), 0.9) == 40  # an early visit does not count
    assert basin_freezing_time(t_c, np.array([0.9, 0.95, 0.92, 1]), 0.9) == 0
    assert basin_freezing_time(t_c, np.array([0.3, 0.3, 0.3, 1]), 0.9) == 60
    assert basin_freezing_time(t_c, np.array([0.95, nan, 0.92, 1]), 0.9) == 40
    assert np.isnan(basin_freezing_time(t_c, np.full(4, nan), 0.9))


def test_another_trajectory_is_seen_in_the_same_axes():
    rng = np.random.default_rng(6)
    weights, other = rng.normal(size=(50, 7)) * np.arange(7, 0, -1), rng.normal(size=(3, 7))
    centred = weights - weights.mean(axis=0)
    directions = np.linalg.svd(centred)[2][:2]
    found = coordinates(principal_axes(weights), other)
    assert np.abs(found) == pytest.approx(np.abs((other - weights.mean(axis=0)) @ directions.T))


def test_projection_finds_the_plane_the_points_lie_in():
    rng = np.random.default_rng(4)
    plane = np.linalg.qr(rng.normal(size=(40, 2)))[0]
    inside = rng.normal(size=(3, 25, 2)) * [5, 1]
    points, explained = project(inside @ plane.T + rng.normal(size=40))
    assert explained.sum() == pytest.approx(1)
    flat, found = inside.reshape(-1, 2), points.reshape(-1, 2)
    distance = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    assert np.linalg.norm(found[:, None] - found[None], axis=2) == pytest.approx(distance, abs=1e-9)


def test_projection_leaves_out_what_is_not_finite():
    weights = np.random.default_rng(5).normal(size=(2, 10, 6))
    weights[1, 4:] = np.nan
    points, _ = project(weights)
    assert np.isfinite(points[0]).all() and np.isnan(points[1, 4:]).all()


def test_initialization_is_kaiming_with_fan_in():
    parameters = MLP((784, 200, 100, 10)).initialize(np.random.default_rng(0))
    for k, fan_in in ((1, 784), (2, 200), (3, 100)):
        weight = parameters[f"layer{k}_weight"]
        # the sample's standard deviation is off by 1 / sqrt(2 n) of itself
        assert weight.std() == pytest.approx(np.sqrt(2 / fan_in), rel=4 / np.sqrt(2 * weight.size))
        assert not parameters[f"layer{k}_bias"].any()
    assert sum(array.size for array in MLP((784, 50, 50, 10)).initialize(np.random.default_rng(0)).values()) == 42310


def test_softmax_and_cross_entropy_survive_large_logits():
    logits = np.array([[1000.0, 0, -1000], [3, 3, 3]])
    assert softmax(logits) == pytest.approx(np.array([[1, 0, 0], [1 / 3] * 3]))
    assert cross_entropy(logits, np.array([0, 1])) == pytest.approx(np.log(3) / 2)
