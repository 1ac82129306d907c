"""Lines and intervals: of pairs that share solutions, of points that share a run."""

import numpy as np
import pytest

from sgd_valleys.statistics.fits import fit_groups, fit_line, fit_pairs


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


def test_few_groups_or_solutions_have_no_interval():
    rng = np.random.default_rng(7)
    one = fit_groups(rng.normal(size=(1, 9)), rng.normal(size=(1, 9)), rng, 100)
    assert np.isfinite(one.pooled.slope) and np.isnan(one.pooled.slope_interval).all()
    few = fit_groups(*rng.normal(size=(2, 4, 9)), rng, 100)
    assert np.isfinite(few.within.slope) and np.isnan(few.within.slope_interval).all()
    pairs = fit_pairs(pairs_of(4), *rng.normal(size=(2, 6)), rng, 100)
    assert np.isfinite(pairs.slope) and np.isnan(pairs.r_squared_interval).all()
    none = fit_groups(np.full((2, 3), np.nan), np.zeros((2, 3)), rng, 100)
    assert np.isnan(none.within.slope) and np.isnan(none.slope).all()
