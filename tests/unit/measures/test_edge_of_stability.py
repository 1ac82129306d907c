"""Sharpness of the whole network and along minibatch gradients, against dense matrices."""

import numpy as np
import pytest

from sgd_valleys.measures.edge_of_stability import sharpness
from sgd_valleys.measures.operators import NetworkCurvature
from sgd_valleys.networks.mlp import MLP

NETWORK, M = MLP((5, 4, 3)), 12
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(M, 5)), rng.integers(0, 3, M)
START = NETWORK.initialize(rng)


def test_the_sharpness_is_the_largest_eigenvalue_of_all_parameters() -> None:
    dense = NetworkCurvature(NETWORK, START, (X, Y)) @ np.eye(39)
    found = sharpness(NETWORK, START, (X, Y), 4, 0, np.random.default_rng(0))
    assert found.largest == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-8)
    assert np.isnan(found.batch)


def test_the_batch_sharpness_is_the_mean_over_minibatches() -> None:
    """With B = 1 every minibatch is a sample, so that the mean over all of them is known."""
    each = []
    for n in range(M):
        part = NetworkCurvature(NETWORK, START, (X[[n]], Y[[n]]))
        g = part.gradient()
        each.append(g @ (part @ np.eye(39)) @ g / (g @ g))
    found = sharpness(NETWORK, START, (X, Y), 1, 400, np.random.default_rng(1))
    assert found.batch_error == pytest.approx(np.std(each) / 20, rel=0.2)
    assert found.batch == pytest.approx(np.mean(each), abs=5 * found.batch_error)


def test_the_minibatch_of_all_samples_sees_the_whole_loss() -> None:
    whole = NetworkCurvature(NETWORK, START, (X, Y))
    g = whole.gradient()
    found = sharpness(NETWORK, START, (X, Y), M, 3, np.random.default_rng(0))
    assert found.batch == pytest.approx(g @ (whole @ g) / (g @ g), rel=1e-10)
    assert found.batch_error == pytest.approx(0, abs=1e-12)
    assert found.batch <= found.largest * (1 + 1e-10)


def test_a_diverged_network_has_none() -> None:
    lost = {name: np.full_like(array, np.nan) for name, array in START.items()}
    assert np.isnan(sharpness(NETWORK, lost, (X, Y), 4, 2, np.random.default_rng(0)).largest)


def test_a_minibatch_without_gradient_has_no_direction_and_is_left_out() -> None:
    network = MLP((2, 2))
    weights = {"layer1_weight": np.array([[2000.0, 0.0], [0.0, 0.0]]), "layer1_bias": np.zeros(2)}
    samples = np.eye(2), np.array([0, 1])  # the gradient of the first sample is exactly 0
    found = sharpness(network, weights, samples, 1, 40, np.random.default_rng(0))
    assert found.batch == pytest.approx(1.0, rel=1e-12)  # logits 0, 0 and |x|^2 + 1 = 2: H g = 2 * (1/4) * 2 g
    assert found.batch_error == pytest.approx(0, abs=1e-12)
