"""The noise of a step has the covariance that it should have: that of minibatches, or an isotropic one of its trace."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training import run_training, streams

from sgd_valleys.networks.mlp import MLP
from sgd_valleys.statistics.sampling import variance_of_mean
from sgd_valleys.training.recording import Recording

M, B, ETA, DRAWS = 30, 5, 0.1, 20_000
NETWORK = MLP((6, 4, 3))
LAYERS = {1: slice(0, 28), 2: slice(28, 43)}  # of all 43 parameters, weight and then bias
rng = np.random.default_rng(3)
X, Y = rng.normal(size=(M, 6)), rng.integers(0, 3, M)
START = {name: array + 0.2 * rng.normal(size=array.shape) for name, array in NETWORK.initialize(rng).items()}


def flat(parameters: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([array.reshape(len(array), -1) for array in parameters.values()], axis=1)


@cache
def sample_gradients() -> np.ndarray:
    """The gradient (sample, parameter) of every training sample, by autograd."""
    theta = {name: torch.tensor(array) for name, array in START.items()}

    def loss(parameters: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = torch.relu(parameters["layer1_weight"] @ x + parameters["layer1_bias"])
        return torch.nn.functional.cross_entropy(parameters["layer2_weight"] @ h + parameters["layer2_bias"], y)

    gradients = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))(theta, torch.tensor(X), torch.tensor(Y))
    return flat({name: array.numpy() for name, array in gradients.items()})


def covariance() -> np.ndarray:
    """That of the gradient of a minibatch without replacement."""
    return variance_of_mean(B, M) * np.cov(sample_gradients().T, bias=True)


@cache
def gradients(**settings: Any) -> np.ndarray:
    """The gradients (run, parameter) along which many runs take their first step from the same point."""
    run = run_training(
        NETWORK, START, (X, Y), (X[:2], Y[:2]), eta=ETA, B=B, iterations=1, recording=Recording(points=2),
        streams=streams(*range(DRAWS)), dtype=torch.float64, **settings,
    )  # fmt: skip
    start = flat({name: array[None] for name, array in START.items()})
    return (start - flat(run.final)) / ETA


def leading(matrix: np.ndarray) -> np.ndarray:
    return np.linalg.eigvalsh(matrix)[::-1][:4]


def assert_unbiased(drawn: np.ndarray) -> None:
    error = np.abs(drawn.mean(axis=0) - sample_gradients().mean(axis=0))
    assert (error <= 5 * drawn.std(axis=0) / np.sqrt(DRAWS) + 1e-12).all()


@pytest.mark.parametrize("settings", [{}, {"sampling": "fresh"}, {"noise": "covariance"}], ids=str)
def test_covariance_noise_has_the_covariance_of_minibatches(settings: dict) -> None:
    drawn, expected = gradients(**settings), covariance()
    found = np.cov(drawn.T)
    assert_unbiased(drawn)
    assert np.trace(found) == pytest.approx(np.trace(expected), rel=0.02)
    assert leading(found) == pytest.approx(leading(expected), rel=0.05)
    assert np.linalg.norm(found - expected) < 0.05 * np.linalg.norm(expected)


def test_covariance_noise_is_gaussian_and_minibatch_noise_is_not() -> None:
    def largest_excess_kurtosis(drawn: np.ndarray) -> float:
        z = drawn - drawn.mean(axis=0)
        z = z[:, z.std(axis=0) > 1e-12]
        return np.abs((z**4).mean(axis=0) / (z**2).mean(axis=0) ** 2 - 3).max()

    limit = 5 * np.sqrt(24 / DRAWS)  # five standard deviations of that of a Gaussian sample
    assert largest_excess_kurtosis(gradients(noise="covariance")) < limit < largest_excess_kurtosis(gradients())


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_isotropic_noise_is_isotropic_with_the_trace_of_minibatch_noise(scale: float) -> None:
    drawn = gradients(noise="isotropic", noise_scale=scale)
    found, trace = np.cov(drawn.T), scale**2 * np.trace(covariance())
    assert_unbiased(drawn)
    assert np.trace(found) == pytest.approx(trace, rel=0.02)
    # the eigenvalues of the sample covariance of n vectors spread by about 2 sqrt(P / n)
    spread = 3 * np.sqrt(len(found) / DRAWS)
    assert np.linalg.eigvalsh(found) == pytest.approx(trace / len(found), rel=spread)


def test_isotropic_noise_by_layer_has_the_trace_of_each_layer() -> None:
    found, expected = np.cov(gradients(noise="isotropic_by_layer").T), covariance()
    for own in LAYERS.values():
        block, trace = found[own, own], np.trace(expected[own, own])
        assert np.trace(block) == pytest.approx(trace, rel=0.02)
        assert np.linalg.eigvalsh(block) == pytest.approx(trace / len(block), rel=3 * np.sqrt(len(block) / DRAWS))


def test_constant_noise_has_its_strength_in_every_component() -> None:
    drawn = gradients(noise="constant", noise_strength=0.3)
    assert_unbiased(drawn)
    assert drawn.std(axis=0) == pytest.approx(0.3, rel=5 / np.sqrt(2 * DRAWS))


@pytest.mark.parametrize(
    "settings",
    [{}, {"noise": "covariance"}, {"noise": "isotropic"}, {"noise": "constant", "noise_strength": 0.3}],
    ids=str,
)
def test_noise_in_one_layer_leaves_the_full_gradient_to_the_other(settings: dict) -> None:
    drawn, full = gradients(noise_layers=(2,), **settings), sample_gradients().mean(axis=0)
    noisy, quiet = LAYERS[2], LAYERS[1]
    assert np.abs(drawn[:, quiet] - full[quiet]).max() < 1e-12
    assert_unbiased(drawn)
    expected = 15 * 0.3**2 if "noise_strength" in settings else np.trace(covariance()[noisy, noisy])
    assert np.trace(np.cov(drawn[:, noisy].T)) == pytest.approx(expected, rel=0.02)
