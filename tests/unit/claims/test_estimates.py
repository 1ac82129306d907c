"""Intervals and permutation tests of numbers whose distribution is known."""

import numpy as np
import pytest
from helpers.claims import BATCH, ETA, sampling

from sgd_valleys.claims import estimates
from sgd_valleys.claims.verdict import UNDECIDED, Claim, rises
from sgd_valleys.statistics.bootstrap import draw_runs, take_runs
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL


def test_a_share_has_the_exact_binomial_interval():
    none = estimates.proportion(0, 20, "runs")
    assert none.value == 0 and none.interval == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert np.isnan(estimates.proportion(0, 0, "runs").value)


def test_a_permutation_test_tells_order_from_chance():
    rng = np.random.default_rng(0)
    x = np.arange(12.0)
    assert estimates.permutation_p(x, np.exp(-x), rng, 400) == pytest.approx(1 / 401)
    chance = [estimates.permutation_p(x, rng.normal(size=12), rng, 100) for _ in range(200)]
    assert np.mean(chance) == pytest.approx(0.25, abs=0.04)  # uniform up to a half, on the side that was measured
    assert estimates.permutation_p(np.arange(3.0), np.arange(3.0), rng, 400) > 0.1  # three cells show nothing
    assert np.isnan(estimates.permutation_p(x, np.ones(12), rng, 100))


def test_a_map_whose_rows_have_something_in_common_is_not_a_trend():
    rng = np.random.default_rng(0)
    noise = ETA[:, None] / BATCH
    assert estimates.grid_permutation_p(noise, np.log(noise), rng, 400) == pytest.approx(1 / 401, abs=2 / 401)
    rows = [rng.normal(size=(4, 1)) + 0.01 * rng.normal(size=(4, 4)) for _ in range(60)]
    single = [estimates.permutation_p(noise.ravel(), one.ravel(), rng, 200) for one in rows]
    whole = [estimates.grid_permutation_p(noise, one, rng, 200) for one in rows]
    assert np.mean(np.array(single) < 0.05) > 0.3  # what chance does to single cells does not judge these
    assert np.mean(np.array(whole) < 0.05) < 0.2  # a twelfth on either side, as four rows have 24 orders


def test_all_permutations_of_a_small_grid_are_used():
    rng = np.random.default_rng(0)
    x = np.array([[1.0, 2.0, 4.0], [10.0, 20.0, 40.0], [100.0, 200.0, 400.0]])
    assert estimates.grid_permutation_p(x, x, rng, 100) == pytest.approx(1 / 36)
    x[0, 0] = np.nan
    assert 1 / 36 <= estimates.grid_permutation_p(x, x**2, rng, 100) < 0.1
    assert np.isnan(estimates.grid_permutation_p(x, np.ones((3, 3)), rng, 100))


def test_a_cell_with_few_remaining_runs_is_left_out():
    values = np.array([[3.0] * 8, [2.0] * 8, [1.0] * 8]) + 0.01 * np.random.default_rng(0).normal(size=(3, 8))
    values[0, :5] = np.nan
    values[2, 1:] = np.nan
    descent = np.array([False, False, True])
    found = estimates.run_trend(np.array([10, 20, 1000]), values, np.array([8, 8, 1]), descent, sampling())
    assert found.samples == "9 runs at 2 batch sizes; without B = 10, where fewer than 5 runs converge"
    assert np.isfinite(found.interval).all()  # gradient descent has one run by nature


def test_runs_are_drawn_from_their_own_cell_alone():
    values = np.arange(12.0).reshape(3, 4)
    runs = np.array([4, 2, 1])
    drawn = take_runs(values, draw_runs(values.shape, runs, np.random.default_rng(0)))
    assert np.isfinite(drawn).sum(axis=1).tolist() == [4, 2, 1]
    assert drawn[2, 0] == 8 and set(drawn[1, :2]) <= {4.0, 5.0}


def mean_of_cells(values):
    return np.nanmean(values, axis=(-3, -2, -1))


def test_few_runs_have_no_interval_even_if_equal():
    few, enough = np.ones(MIN_RUNS_FOR_INTERVAL - 1), np.ones(MIN_RUNS_FOR_INTERVAL)
    assert np.isnan(estimates.over_runs(few, sampling(50)).interval).all()
    assert estimates.over_runs(enough, sampling(50)).interval == (1, 1)
    assert np.isnan(estimates.one_run(few).interval).all()


def cells_of(*runs):
    return {"runs": np.array(runs), "gradient_descent": np.arange(len(runs)) == len(runs) - 1}


FEW, ENOUGH = MIN_RUNS_FOR_INTERVAL - 1, MIN_RUNS_FOR_INTERVAL
OF_RUNS = {  # kinds of numbers, of as many runs: of each cell but gradient descent, where there are several
    "runs": lambda n: estimates.over_runs(np.ones(n), sampling(50)),
    "single runs": lambda n: estimates.one_run(np.ones(n)),
    "fraction": lambda n: estimates.fraction_of_runs(1, n),
    "difference": lambda n: estimates.fraction_difference((1, 1), (n, 20), sampling(50)),
    "batch sizes": lambda n: estimates.over_batch_sizes(
        {10: np.ones(20), 20: np.ones(n), 1000: np.ones(1)}, 1000, np.min, sampling(50), "least"
    ),
    "cells": lambda n: estimates.over_cells(
        [np.ones((1, 3, 20))], cells_of(20, n, 1), mean_of_cells, sampling(50), "mean"
    ),
    "runs of cells": lambda n: estimates.run_trend(
        np.array([10, 20, 1000]),
        np.where(np.arange(20) < [[20], [n], [1]], [[3.0], [2.0], [1.0]], np.nan),
        np.array([20, n, 1]),
        np.array([False, False, True]),
        sampling(50),
    ),
    "solutions": lambda n: estimates.over_solutions(
        np.stack(np.triu_indices(n, k=1), axis=1), lambda weight: 1.0, sampling(50), "one"
    ),
}


@pytest.mark.parametrize("kind", OF_RUNS)
def test_no_number_of_few_runs_has_an_interval(kind):
    for runs in (2, FEW):
        few = OF_RUNS[kind](runs)
        assert np.isfinite(few.value) and np.isnan(few.interval).all()
        assert Claim("key", "", "", "", rises(0), few).verdict == UNDECIDED
    assert np.isfinite(OF_RUNS[kind](ENOUGH).interval).all()


def test_a_closed_form_has_an_interval_and_few_runs_of_the_whole_sweep_have_none():
    assert estimates.exact(0.5, "closed form").interval == (0.5, 0.5)
    values = np.full((3, 20), np.nan)
    values[:FEW, 0] = 1.0  # of sixty runs these alone have a value
    found = estimates.over_cells(
        [values], cells_of(20, 20, 20), lambda v: np.nanmean(v, axis=(-2, -1)), sampling(9), ""
    )
    assert found.value == 1 and np.isnan(found.interval).all()


def test_the_interval_of_resampled_correlations_holds_the_one_found():
    drawn = np.linspace(0.4, 0.8, 101)
    assert estimates.interval_including_estimate(drawn, 0.9) == pytest.approx((0.41, 0.9))
    assert estimates.interval_including_estimate(drawn, 0.6) == estimates.central_95(drawn)
    assert np.isnan(estimates.interval_including_estimate(np.full(3, np.nan), np.nan)).all()


def test_the_interval_of_one_run_is_wider_than_that_of_all():
    values = np.random.default_rng(0).normal(0.6, 0.2, 40)
    typical = estimates.over_runs(values, sampling(), np.nanmedian, "median")
    single = estimates.one_run(values)
    assert single.value == typical.value == np.median(values)
    assert np.ptp(single.interval) > 3 * np.ptp(typical.interval)
    assert np.isnan(estimates.one_run(values[:1]).interval).all()
