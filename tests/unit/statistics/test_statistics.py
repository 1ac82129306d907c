"""Lines and intervals: of pairs that share solutions, of points that share a run."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from sgd_valleys.statistics.bootstrap import interval
from sgd_valleys.statistics.fits import fit_groups, fit_line, fit_pairs
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation, trend


def pairs_of(n):
    return np.stack(np.triu_indices(n, k=1), axis=1)


def test_the_fit_finds_a_line_and_its_interval_covers_it():
    rng = np.random.default_rng(2)
    pairs = pairs_of(30)
    x = rng.random(len(pairs))
    y = 2 - 3 * x + 0.3 * rng.normal(size=len(x))
    fit = fit_pairs(pairs, x, y, rng, 300)
    slope, intercept = np.polyfit(x, y, 1)
    assert (fit.slope, fit.intercept) == pytest.approx((slope, intercept))
    assert fit.r_squared == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert fit.slope_interval[0] < -3 < fit.slope_interval[1]
    assert fit.r_squared_interval[0] < fit.r_squared < fit.r_squared_interval[1]


def test_the_fit_knows_that_pairs_share_solutions():
    # y depends on one solution of the pair: 435 pairs, but only 30 independent numbers
    rng = np.random.default_rng(3)
    pairs = pairs_of(30)
    height, place = rng.normal(size=30), rng.normal(size=30)
    x, y = place[pairs].sum(axis=1), height[pairs].sum(axis=1)
    fit = fit_pairs(pairs, x, y, rng, 400)
    naive = np.sqrt((1 - fit.r_squared) / (len(x) - 2) * y.var() / x.var())
    assert fit.slope_interval[1] - fit.slope_interval[0] > 2 * 3.92 * naive


def test_a_weighted_line_is_the_line_through_repeated_points():
    x, y = np.array([0.0, 1, 2, 4]), np.array([1.0, 0, 3, 2])
    weight = np.array([1, 0, 2, 3])
    slope, intercept, r_squared = fit_line(x, y, weight.astype(float))
    many_x, many_y = np.repeat(x, weight), np.repeat(y, weight)
    assert (slope, intercept) == pytest.approx(tuple(np.polyfit(many_x, many_y, 1)))
    assert r_squared == pytest.approx(np.corrcoef(many_x, many_y)[0, 1] ** 2)


def test_no_relation_gives_no_fit():
    fit = fit_pairs(pairs_of(4), np.ones(6), np.arange(6.0), np.random.default_rng(0), 100)
    assert np.isnan(fit.slope) and np.isnan(fit.r_squared)


def test_lines_within_groups_can_run_against_the_line_through_all():
    rng = np.random.default_rng(4)
    centre = np.arange(8.0)[:, None]
    x = centre + rng.uniform(-0.4, 0.4, (8, 30))
    y = 3 * centre - 2 * (x - centre) + 0.01 * rng.normal(size=x.shape)
    fit = fit_groups(x, y, rng, 200)
    assert fit.slope == pytest.approx(np.full(8, -2), abs=0.05)
    assert (fit.r_squared > 0.99).all()
    assert fit.pooled.slope > 2.5
    assert fit.within.slope == pytest.approx(-2, abs=0.02)
    assert fit.within.slope_interval[0] < fit.within.slope < fit.within.slope_interval[1] < 0
    expected = np.linalg.lstsq(
        np.column_stack([x.ravel(), np.kron(np.eye(8), np.ones((30, 1)))]), y.ravel(), rcond=None
    )[0]
    assert fit.within.slope == pytest.approx(expected[0], rel=1e-9)  # one slope, an intercept for each group


def test_the_pooled_line_is_the_line_through_all_points():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 6, 11))
    x[2, 3] = y[4] = np.nan
    fit = fit_groups(x, y, rng, 100)
    used = np.isfinite(x) & np.isfinite(y)
    assert (fit.pooled.slope, fit.pooled.intercept) == pytest.approx(tuple(np.polyfit(x[used], y[used], 1)))
    assert np.isnan(fit.slope[4]) and np.isfinite(np.delete(fit.slope, 4)).all()


def test_intervals_of_grouped_lines_know_that_groups_are_few():
    # every group has a slope of its own: 300 points, but 6 independent numbers
    rng = np.random.default_rng(6)
    x = rng.normal(size=(6, 50))
    y = rng.normal(0, 3, (6, 1)) * x
    fit = fit_groups(x, y, rng, 300)
    width = fit.within.slope_interval[1] - fit.within.slope_interval[0]
    independent = np.sqrt((1 - fit.within.r_squared) / 298 * y.var() / x.var())
    assert width > 3 * 3.92 * independent
    assert fit.slope.min() < fit.within.slope_interval[0] < fit.within.slope_interval[1] < fit.slope.max()


def test_one_group_and_no_group_have_no_interval():
    rng = np.random.default_rng(7)
    one = fit_groups(rng.normal(size=(1, 9)), rng.normal(size=(1, 9)), rng, 100)
    assert np.isfinite(one.pooled.slope) and np.isnan(one.pooled.slope_interval).all()
    none = fit_groups(np.full((2, 3), np.nan), np.zeros((2, 3)), rng, 100)
    assert np.isnan(none.within.slope) and np.isnan(none.slope).all()


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
    sparse = interval(np.array([[1.0, np.nan], [3.0, 5.0]]), rng, 100)
    assert sparse[0].tolist() == [2, 5] and sparse[1].tolist() == [1, 5] and sparse[2].tolist() == [3, 5]
    alone = interval(values[:1], rng, 100)
    assert np.array_equal(alone[0], values[0]) and np.isnan(alone[1]).all()
    assert np.isnan(interval(np.full((3, 2), np.nan), rng, 100)[0]).all()


def mean_of(values):
    return lambda cell, chosen: values[cell][chosen].mean(axis=-1)


def test_a_trend_is_the_rank_correlation_of_the_cells_means():
    rng = np.random.default_rng(0)
    x = np.array([1.0, 2.0, 4.0, 8.0])
    falling = np.exp(-x)[:, None] + 0.001 * rng.normal(size=(4, 10))
    found = trend(x, (x, np.ones(1)), [10] * 4, mean_of(falling), rng, 200)
    assert found.correlation == -1 and found.interval == (-1, -1)
    assert found.value == pytest.approx(falling.mean(axis=1))


def test_a_trend_that_is_noise_has_an_interval_on_both_sides():
    rng = np.random.default_rng(1)
    found = trend(np.arange(6.0), (np.arange(2.0), np.arange(3.0)), [8] * 6, mean_of(rng.normal(size=(6, 8))), rng, 400)
    assert found.interval[0] < 0 < found.interval[1]


def test_a_cell_without_a_value_has_no_part_in_the_trend():
    y = np.array([1.0, np.nan, 3.0, 2.0])
    assert rank_correlation(np.arange(4.0), y) == pytest.approx(0.5)  # of 1, 3, 2 against 1, 2, 3
    found = trend(
        np.arange(4.0),
        (np.arange(4.0), np.ones(1)),
        [2] * 4,
        lambda cell, chosen: np.full(chosen.shape[:-1], y[cell]),
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
    found = trend(np.arange(12.0), (np.arange(3.0), np.arange(4.0)), [8] * 12, mean_of(values), rng, 50)
    assert found.axes.tolist() == [1, -1] and found.axes_interval.tolist() == [[1, 1], [-1, -1]]
    chance = trend(
        np.arange(12.0), (np.arange(3.0), np.arange(4.0)), [8] * 12, mean_of(rng.normal(size=(12, 8))), rng, 200
    )
    assert (chance.axes_interval[:, 0] < 0).all() and (chance.axes_interval[:, 1] > 0).all()


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
