"""Reductions that leave out non-finite values."""

import numpy as np
import pytest

from sgd_valleys.statistics.reduce import expected_max, finite_max, finite_mean, finite_median

VALUES = np.array([[1.0, np.nan, 5.0, np.inf], [2.0, 7.0, 4.0, 3.0], [np.nan, np.inf, -np.inf, np.nan]])


@pytest.mark.parametrize(
    ("reduce", "expected"), [(finite_mean, [3, 4]), (finite_median, [3, 3.5]), (finite_max, [5, 7])]
)
def test_non_finite_values_are_left_out_of_each_row(reduce, expected):
    found = reduce(VALUES)
    assert found[:2].tolist() == expected and np.isnan(found[2])


def test_reductions_along_another_axis_or_over_all_values():
    assert finite_mean(VALUES, axis=0).tolist() == [1.5, 7, 4.5, 3]
    assert finite_median(VALUES, axis=0).tolist() == [1.5, 7, 4.5, 3]
    assert finite_mean(VALUES, axis=None) == pytest.approx(22 / 6) and finite_median(VALUES, axis=None) == 3.5
    assert np.isnan(finite_mean(np.array([])))


def test_an_expected_maximum_is_over_equal_numbers_of_draws():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 20))
    drawn = np.take_along_axis(values[:, None], rng.integers(0, 20, (3, 40_000, 5)).reshape(3, 1, -1), axis=-1)
    assert expected_max(values) == pytest.approx(drawn.reshape(3, -1, 5).max(axis=-1).mean(axis=-1), abs=0.02)
    assert expected_max(values, 1) == pytest.approx(values.mean(axis=-1))
    assert expected_max(np.array([np.nan, 7.0, np.inf])) == 7 and np.isnan(expected_max(np.array([np.nan])))


def test_more_runs_raise_the_maximum_and_not_the_expected_one():
    values = np.random.default_rng(0).normal(size=(4000, 40))
    few, many = values[:, :20], values
    assert finite_max(many).mean() - finite_max(few).mean() > 0.2
    assert abs(expected_max(many).mean() - expected_max(few).mean()) < 0.05
