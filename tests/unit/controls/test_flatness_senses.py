"""F at equal loss, its share at t_freeze, and correlations of measures: made-up runs with a known answer."""

import numpy as np
import pytest

from sgd_valleys.controls.flatness_senses import correlations, noise_effect, share_at_freezing

NOISE = np.array([0.0008, 0.0003, 0.0001, 0.0])  # the last is gradient descent, a single run
RESAMPLES = 200


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def cells(by_noise: float, runs: int = 20) -> list[np.ndarray]:
    """F (run, level) of every cell: 1 / level, times a factor that follows the noise, with scatter between runs."""
    level, random = np.array([0.1, 0.01]), rng()
    factor = 1 + by_noise * NOISE / NOISE.max()
    counts = np.where(NOISE > 0, runs, 1)
    return [
        f / level * np.exp(0.05 * (own > 0) * random.standard_normal((n, 1)))
        for f, n, own in zip(factor, counts, NOISE, strict=True)
    ]


def test_noise_raises_flatness_at_equal_loss():
    effect = noise_effect(cells(1.0), NOISE, rng(), RESAMPLES)
    assert (effect.difference[1, 0] > 0).all()  # the interval lies above 0
    assert effect.difference[0, 0] == pytest.approx([10, 100], rel=0.1)
    assert effect.correlation[0] == pytest.approx([1, 1])
    assert (effect.correlation[1] > 0).all()
    assert np.isnan(effect.difference[:, 3]).all()  # gradient descent is the reference
    assert np.isnan(effect.mean[1:, 3]).all()  # a single run has no interval


def test_noise_does_not_raise_flatness_at_equal_loss():
    effect = noise_effect(cells(0.0), NOISE, rng(), RESAMPLES)
    assert (effect.difference[1, :3] < 0).any(axis=0).all()
    assert (effect.difference[1, 0] < 0).all() and (effect.difference[2, 0] > 0).all()


def test_few_runs_have_no_interval():
    effect = noise_effect(cells(1.0, runs=3), NOISE, rng(), RESAMPLES)
    assert np.isfinite(effect.difference[0, :3]).all()
    assert np.isnan(effect.difference[1:]).all()
    assert np.isnan(effect.correlation[1:]).all()


def test_without_gradient_descent_there_is_no_difference():
    effect = noise_effect(cells(1.0)[:3], NOISE[:3], rng(), RESAMPLES)
    assert np.isnan(effect.difference).all()
    assert effect.correlation[0] == pytest.approx([1, 1])


@pytest.mark.parametrize(("share", "selected_before"), [(0.95, True), (0.15, False)])
def test_share_of_final_flatness_at_freezing(share: float, selected_before: bool):
    random = rng()
    final = [2 + random.random(count) for count in (20, 20, 20, 1)]
    frozen = [share * each * (1 + 0.02 * random.standard_normal(each.size)) for each in final]
    frozen[3][:] = 0.5 * final[3]  # gradient descent does not enter the mean
    by_cell, overall = share_at_freezing(frozen, final, NOISE, rng(), RESAMPLES)
    assert overall[0] == pytest.approx(share, rel=0.02)
    assert (overall[1] > 0.8) == selected_before
    assert (overall[2] < 0.8) != selected_before
    assert by_cell[0, 3] == pytest.approx(0.5)
    assert np.isnan(by_cell[1:, 3]).all()


def sweep(within: float, between: float, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measure and test loss (eta, B, run), which follow each other within and between cells; 1/B - 1/M (B)."""
    random, inverse = rng(), np.array([0.099, 0.019, 0.009, 0.0])
    flat = np.array([1.0, 2.0])[:, None, None] + noise * 10 * inverse[:, None] + 0.1 * random.random((2, 4, 20))
    center = flat.mean(axis=-1, keepdims=True)
    loss = 1 - between * center - within * (flat - center) + 0.001 * random.standard_normal(flat.shape)
    flat[:, 3, 1:] = np.nan  # gradient descent has one run
    return flat, loss, inverse


def test_measure_follows_noise_and_test_loss():
    found = correlations(*sweep(1, 1, 1), rng(), RESAMPLES)
    for each in (found.noise, found.within, found.between):
        assert each[0] > 0.9
        assert each[1] > 0.5


def test_measure_does_not_follow_the_test_loss_within_a_cell():
    found = correlations(*sweep(0, 1, 1), rng(), RESAMPLES)
    assert found.within[1] < 0 < found.within[2]
    assert found.between[0] > 0.9


def test_measure_falls_with_the_noise():
    found = correlations(*sweep(1, -1, -1), rng(), RESAMPLES)
    assert found.noise[2] < 0
    assert found.between[0] < -0.9
    assert found.within[0] > 0.9


def test_correlations_of_few_runs():
    flat, loss, inverse = sweep(1, 1, 1)
    found = correlations(flat[..., :3], loss[..., :3], inverse, rng(), RESAMPLES)
    assert np.isfinite([found.noise[0], found.within[0], found.between[0]]).all()
    assert np.isnan(found.within[1:]).all()
    nothing = correlations(np.full_like(flat, np.nan), loss, inverse, rng(), RESAMPLES)
    assert np.isnan([nothing.noise, nothing.within, nothing.between]).all()
