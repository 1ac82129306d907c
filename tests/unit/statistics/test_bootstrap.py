"""Intervals of resampled numbers whose distribution is known."""

import numpy as np
import pytest

from sgd_valleys.statistics.bootstrap import (
    add_image_error,
    central_interval,
    draw_counts,
    image_error,
    interval,
    pair_weights,
    resample_fraction,
    resample_images,
)
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL


def test_an_interval_is_that_of_the_mean_over_realizations():
    rng = np.random.default_rng(8)
    values = rng.normal(5, 2, (40, 3))
    values[7] = np.nan
    mean, low, high = interval(values, rng, 2000)
    used = np.delete(values, 7, axis=0)
    assert mean == pytest.approx(used.mean(axis=0))
    half = 1.96 * used.std(axis=0, ddof=1) / np.sqrt(39)
    assert low == pytest.approx(mean - half, abs=0.15 * half.max())
    assert high == pytest.approx(mean + half, abs=0.15 * half.max())
    assert np.isnan(interval(np.full((3, 2), np.nan), rng, 100)[0]).all()


def test_few_realizations_have_a_mean_without_an_interval():
    rng, enough = np.random.default_rng(0), MIN_RUNS_FOR_INTERVAL
    values = np.ones((enough, 2))
    values[0, 1] = np.nan
    mean, low, high = interval(values, rng, 100)
    assert mean.tolist() == [1, 1] and (low[0], high[0]) == (1, 1) and np.isnan([low[1], high[1]]).all()
    for few in (1, enough - 1):
        mean, low, high = interval(values[:few, :1], rng, 100)
        assert mean == 1 and np.isnan([low, high]).all()


def test_the_central_interval_is_of_the_finite_resamples_of_each_number():
    resampled = np.stack([np.linspace(0, 1, 41), np.full(41, np.nan)], axis=1)
    resampled[-1, 0] = np.inf
    low, high = central_interval(resampled, 5)
    assert (low[0], high[0]) == pytest.approx((0.025 * 0.975, 0.975 * 0.975)) and np.isnan([low[1], high[1]]).all()
    assert central_interval(np.empty((0, 3)), 5).shape == (2, 3)
    assert np.isnan(central_interval(resampled[:, :1] * [1, 1], np.array([4, 5]))).tolist() == [[True, False]] * 2


def test_a_pair_occurs_as_often_as_the_product_of_its_solutions_counts():
    pairs = np.array([[3, 7], [7, 9], [3, 9]])
    counts = list(draw_counts(pairs, np.random.default_rng(0), 50))
    weights = list(pair_weights(pairs, np.random.default_rng(0), 50))
    for count in counts:  # three solutions are drawn, whichever they are
        assert {3: count[0, 0], 7: count[0, 1], 9: count[1, 1]} == {3: count[2, 0], 7: count[1, 0], 9: count[2, 1]}
        assert count[0].sum() + count[1, 1] == 3
    products = [count.prod(axis=1) for count in counts]
    assert np.array_equal(weights, [product for product in products if product.any()])
    assert len(weights) < len(counts)  # a resample of one solution alone has no pair


def test_resampled_fractions_scatter_as_binomials():
    rng = np.random.default_rng(0)
    drawn = np.array([resample_fraction(np.array([0.3, np.nan, 0.5]), np.array([400, 9, 0]), rng) for _ in range(500)])
    assert drawn[:, 0].mean() == pytest.approx(0.3, abs=0.005)
    assert drawn[:, 0].std() == pytest.approx(np.sqrt(0.3 * 0.7 / 400), rel=0.1)
    assert np.isnan(drawn[:, 1:]).all()


def test_an_accuracy_scatters_over_its_test_images_as_the_binomial_distribution():
    error = np.random.default_rng(0).random((3, 2, 500)) < 0.2
    accuracy = 1 - error.mean(axis=-1)
    drawn = resample_images(error, np.random.default_rng(1), 4000)
    assert drawn.shape == (4000, 3, 2)
    assert drawn.mean(axis=0) == pytest.approx(accuracy, abs=0.001)
    assert drawn.std(axis=0) == pytest.approx(image_error(accuracy, 500), rel=0.05)
    assert resample_images(np.zeros((1, 10), bool), np.random.default_rng(1), 3).tolist() == [[1], [1], [1]]


def test_the_errors_of_runs_and_of_images_add_in_quadrature():
    mean, images = np.array([0.9, 0.5]), 100
    half = 1.959964 * np.sqrt(mean * (1 - mean) / images)
    for runs in (np.zeros(2), np.array([0.04, 0.3])):
        low, high = add_image_error(np.array([mean - runs, mean + runs]), mean, images)
        assert mean - low == pytest.approx(np.hypot(runs, half)) and high - mean == pytest.approx(np.hypot(runs, half))
    assert np.isnan(add_image_error(np.full((2, 2), np.nan), mean, images)).all()  # of few runs
    assert add_image_error(np.array([0.5, 0.5]), 0.5, images) == pytest.approx([0.5 - half[1], 0.5 + half[1]])
