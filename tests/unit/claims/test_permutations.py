"""Permutation tests of data whose order is known."""

import numpy as np
import pytest
from helpers.claims import BATCH, ETA

from sgd_valleys.claims.permutations import axis_permutation_p, grid_permutation_p, permutation_p


def test_a_permutation_test_tells_order_from_chance():
    rng = np.random.default_rng(0)
    x = np.arange(12.0)
    assert permutation_p(x, np.exp(-x), rng, 400) == pytest.approx(1 / 401)
    chance = [permutation_p(x, rng.normal(size=12), rng, 100) for _ in range(200)]
    assert np.mean(chance) == pytest.approx(0.25, abs=0.04)  # uniform up to a half, on the side that was measured
    assert permutation_p(np.arange(3.0), np.arange(3.0), rng, 400) > 0.1  # three cells show nothing
    assert np.isnan(permutation_p(x, np.ones(12), rng, 100))


def test_a_map_whose_rows_have_something_in_common_is_not_a_trend():
    rng = np.random.default_rng(0)
    noise = ETA[:, None] / BATCH
    assert grid_permutation_p(noise, np.log(noise), rng, 400) == pytest.approx(1 / 401, abs=2 / 401)
    rows = [rng.normal(size=(4, 1)) + 0.01 * rng.normal(size=(4, 4)) for _ in range(60)]
    single = [permutation_p(noise.ravel(), one.ravel(), rng, 200) for one in rows]
    whole = [grid_permutation_p(noise, one, rng, 200) for one in rows]
    assert np.mean(np.array(single) < 0.05) > 0.3  # what chance does to single cells does not judge these
    assert np.mean(np.array(whole) < 0.05) < 0.2  # a twelfth on either side, as four rows have 24 orders


def test_all_permutations_of_a_small_grid_are_used():
    rng = np.random.default_rng(0)
    x = np.array([[1.0, 2.0, 4.0], [10.0, 20.0, 40.0], [100.0, 200.0, 400.0]])
    assert grid_permutation_p(x, x, rng, 100) == pytest.approx(1 / 36)
    x[0, 0] = np.nan
    assert 1 / 36 <= grid_permutation_p(x, x**2, rng, 100) < 0.1
    assert np.isnan(grid_permutation_p(x, np.ones((3, 3)), rng, 100))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_trend_along_one_axis_is_tested_by_its_lines(axis):
    rng = np.random.default_rng(0)
    at = np.array([1.0, 2.0, 4.0, 8.0])
    lines = np.log(at)[:, None] + np.array([0.0, 3.0, -5.0])  # the other axis has no part in it
    values = lines if axis == 0 else lines.T
    assert axis_permutation_p(values, at, axis, rng, 100) == pytest.approx(1 / 24)  # every order of four lines
    assert axis_permutation_p(-values, at, axis, rng, 100) == pytest.approx(1 / 24)  # on the measured side
    assert axis_permutation_p(values, at, axis, rng, 20) >= 1 / 21  # a draw of the orders
    assert np.isnan(axis_permutation_p(np.ones((4, 4)), at, axis, rng, 100))


def test_columns_that_scatter_alike_in_all_rows_are_no_trend():
    """A scatter that all rows share is one draw, however many rows there are."""
    rng, at = np.random.default_rng(0), np.arange(6.0)
    p = [axis_permutation_p(np.tile(rng.normal(size=6), (8, 1)), at, 1, rng, 200) for _ in range(200)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.1, abs=0.05)  # a twentieth on either side
