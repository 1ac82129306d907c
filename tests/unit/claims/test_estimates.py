"""Intervals of numbers whose distribution is known."""

import numpy as np
import pytest
from helpers.claims import bounds, sampling

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import Cube
from sgd_valleys.claims.verdict import UNDECIDED, Claim, Estimate, Side, Statement
from sgd_valleys.statistics.bootstrap import draw_runs, take_runs
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL


def test_a_share_has_the_exact_binomial_interval():
    none = estimates.proportion(0, 20, "runs")
    assert none.value == 0 and none.interval == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert np.isnan(estimates.proportion(0, 0, "runs").value)


def test_a_cell_with_few_remaining_runs_is_left_out():
    values = np.array([[3.0] * 8, [2.0] * 8, [1.0] * 8]) + 0.01 * np.random.default_rng(0).normal(size=(3, 8))
    values[0, :5] = np.nan
    values[2, 1:] = np.nan
    descent = np.array([False, False, True])
    found = estimates.run_trend(np.array([10, 20, 1000]), Cube(values), np.array([8, 8, 1]), descent, sampling())
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
        [Cube(np.ones((1, 3, 20)))], cells_of(20, n, 1), mean_of_cells, sampling(50), "mean"
    ),
    "runs of cells": lambda n: estimates.run_trend(
        np.array([10, 20, 1000]),
        Cube(np.where(np.arange(20) < [[20], [n], [1]], [[3.0], [2.0], [1.0]], np.nan)),
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
        assert Claim(Statement("key", "so", expected=Side(+1)), few).verdict == UNDECIDED
    assert np.isfinite(OF_RUNS[kind](ENOUGH).interval).all()


@pytest.mark.parametrize("shared", [True, False])
def test_the_trend_of_an_accuracy_takes_each_resample_from_its_own_test_images(shared):
    """Resampled images that order the cells anew widen the interval; the same shift of all cells does not."""
    values = np.array([[0.9] * 8, [0.8] * 8]) + 0.001 * np.arange(8)
    shift = np.random.default_rng(0).normal(size=(120, 1 if shared else 2, 1))
    cube = Cube(values, values + shift)
    sizes, runs = np.array([10, 20]), np.array([8, 8])
    trend = estimates.run_trend(sizes, cube, runs, np.zeros(2, bool), sampling())
    cells = {"runs": runs, "gradient_descent": np.zeros(2, bool)}
    gain = estimates.over_cells([cube], cells, lambda v: v[..., 0, :].mean(-1) - v[..., 1, :].mean(-1), sampling(), "")
    assert (trend.interval[1] < 0) == (gain.interval[0] > 0) == shared
    assert gain.value == pytest.approx(0.1)
    assert "test images" in trend.method and "test images" in gain.method


def test_few_runs_of_the_whole_sweep_have_no_interval():
    values = np.full((3, 20), np.nan)
    values[:FEW, 0] = 1.0  # of sixty runs these alone have a value
    found = estimates.over_cells(
        [Cube(values)], cells_of(20, 20, 20), lambda v: np.nanmean(v, axis=(-2, -1)), sampling(9), ""
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


def test_the_weakest_of_several_trends_has_the_others_beside_it_and_the_largest_p_value():
    def trend(value, p_value):
        return Estimate(value, (value - 0.1, value + 0.1), "runs", "rank", 10, p_value)

    several = {"a": trend(0.9, 0.2), "b": trend(0.3, 0.01), "c": trend(np.nan, np.nan)}
    found = estimates.weakest(several)
    assert found.value == 0.3 and found.p_value == 0.2 and found.method == "rank; b"
    assert [(each.text, each.value) for each in found.controls] == [("a", 0.9)]
    assert estimates.weakest(several, side=-1).value == 0.9
    assert np.isnan(estimates.weakest({"c": several["c"]}).value)


def test_a_number_of_a_control_keeps_its_bounds_and_has_none_where_runs_were_few():
    found = estimates.stored(bounds(0.5, 0.1), "5 runs", "bootstrap")
    assert found.value == 0.5 and found.interval == pytest.approx((0.4, 0.6))
    few = estimates.stored([0.5, np.nan, np.nan], "3 runs", "bootstrap")
    assert Claim(Statement("key", "so", expected=Side(+1)), few).verdict == UNDECIDED
    assert estimates.stored_control("beside", bounds(0.5, 0.1)).interval == found.interval
