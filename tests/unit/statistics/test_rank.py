"""Rank correlations, and trends over the cells of a grid."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from sgd_valleys.statistics.rank import axis_correlation, rank_correlation, trend

NO_CONTROL = np.zeros(4, dtype=bool)


def mean_of(values):
    return lambda cell, chosen: values[cell][chosen].mean(axis=-1)


def test_a_trend_is_the_rank_correlation_of_the_cells_means():
    rng = np.random.default_rng(0)
    x = np.array([1.0, 2.0, 4.0, 8.0])
    falling = np.exp(-x)[:, None] + 0.001 * rng.normal(size=(4, 10))
    found = trend(x, (x, np.ones(1)), NO_CONTROL[:1], [10] * 4, mean_of(falling), 10, rng, 200)
    assert found.correlation == -1 and found.interval == (-1, -1)
    assert found.value == pytest.approx(falling.mean(axis=1))


def test_a_trend_that_is_noise_has_an_interval_on_both_sides():
    rng = np.random.default_rng(1)
    axes, chance = (np.arange(2.0), np.arange(3.0)), mean_of(rng.normal(size=(6, 8)))
    found = trend(np.arange(6.0), axes, NO_CONTROL[:3], [8] * 6, chance, 8, rng, 400)
    assert found.interval[0] < 0 < found.interval[1]


def test_a_cell_without_a_value_has_no_part_in_the_trend():
    y = np.array([1.0, np.nan, 3.0, 2.0])
    assert rank_correlation(np.arange(4.0), y) == pytest.approx(0.5)  # of 1, 3, 2 against 1, 2, 3
    found = trend(
        np.arange(4.0),
        (np.arange(4.0), np.ones(1)),
        NO_CONTROL[:1],
        [5] * 4,
        lambda cell, chosen: np.full(chosen.shape[:-1], y[cell]),
        5,
        np.random.default_rng(0),
        100,
    )
    assert found.correlation == pytest.approx(0.5) and found.interval == pytest.approx((0.5, 0.5))
    assert np.isnan(rank_correlation(np.arange(4.0), np.ones(4)))


def test_a_trend_along_one_axis_does_not_see_the_other():
    rising = np.arange(6.0)[:, None] - 10 * np.arange(6.0)
    assert axis_correlation(rising, np.arange(6.0), 0) == pytest.approx(1)
    assert axis_correlation(rising, np.arange(6.0), 1) == pytest.approx(-1)
    assert np.isnan(axis_correlation(np.ones((6, 6)), np.arange(6.0), 0))
    rising[:, 1:] = 1.0  # lines that do not vary have no say
    assert axis_correlation(rising, np.arange(6.0), 0) == pytest.approx(1)


def test_a_trend_says_how_it_goes_along_either_axis():
    rng = np.random.default_rng(3)
    values = (np.arange(3.0)[:, None] - 10 * np.arange(4.0)).ravel()[:, None] + 0.01 * rng.normal(size=(12, 8))
    axes = np.arange(3.0), np.arange(4.0)
    found = trend(np.arange(12.0), axes, NO_CONTROL, [8] * 12, mean_of(values), 8, rng, 50)
    assert found.axes.tolist() == [1, -1] and found.axes_interval.tolist() == [[1, 1], [-1, -1]]
    scatter = mean_of(rng.normal(size=(12, 8)))
    chance = trend(np.arange(12.0), axes, NO_CONTROL, [8] * 12, scatter, 8, rng, 200)
    assert (chance.axes_interval[:, 0] < 0).all() and (chance.axes_interval[:, 1] > 0).all()
    assert np.isnan([found.control, *found.control_interval]).all()


@pytest.mark.parametrize(("runs", "has_interval"), [(8, True), (1, False)])
def test_the_control_has_a_trend_of_its_own_and_none_in_that_of_the_other_columns(runs, has_interval):
    """Both columns with noise fall along the rows; the control rises, and would turn the mean around."""
    rows, control = np.arange(4.0), np.array([False, False, True])
    grid = np.stack([-rows, -rows, 10 + rows], axis=1)
    values = grid.reshape(-1, 1) + 0.01 * np.random.default_rng(0).normal(size=(12, 8))
    counts = np.where(control, runs, 8).tolist() * 4
    rng = np.random.default_rng(0)
    found = trend(np.arange(12.0), (rows, np.arange(3.0)), control, counts, mean_of(values), 8, rng, 50)
    assert found.axes[0] == -1 and found.axes_interval[0].tolist() == [-1, -1]
    assert found.axes[1] > 0  # along the columns the control has its place
    assert found.control == 1 and np.isfinite(found.control_interval).all() == has_interval


def test_few_runs_or_one_cell_have_no_interval_of_their_trend():
    rng, x = np.random.default_rng(0), np.array([1.0, 2.0, 4.0])
    few = trend(x, (x, np.ones(1)), NO_CONTROL[:1], [1, 1, 1], mean_of(np.exp(-x)[:, None]), 1, rng, 50)
    assert few.correlation == -1 and np.isnan(few.interval).all() and np.isnan(few.axes_interval).all()
    alone = trend(x[:1], (x[:1], np.ones(1)), NO_CONTROL[:1], [8], mean_of(rng.normal(size=(1, 8))), 8, rng, 50)
    assert np.isnan([alone.correlation, *alone.interval, *alone.axes]).all()


def test_ties_share_their_rank():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 4, 50).astype(float), rng.integers(0, 4, 50).astype(float)
    assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic)


def test_many_resamples_at_once_are_each_alone():
    rng = np.random.default_rng(4)
    y = rng.integers(0, 5, (6, 2, 9)).astype(float)
    y[rng.random(y.shape) < 0.2] = np.nan
    y[3, 1] = 2.0  # does not vary
    found = rank_correlation(np.arange(9.0), y)
    assert found.shape == (6, 2) and np.isnan(found[3, 1])
    for place in np.ndindex(6, 2):
        used = np.isfinite(y[place])
        alone = spearmanr(np.flatnonzero(used), y[place][used]).statistic if place != (3, 1) else np.nan
        assert found[place] == pytest.approx(alone, nan_ok=True)
    maps = rng.normal(size=(5, 4, 3))
    for axis, at in enumerate((np.arange(4.0), np.arange(3.0))):
        assert axis_correlation(maps, at, axis) == pytest.approx([axis_correlation(one, at, axis) for one in maps])
