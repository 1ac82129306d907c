"""Reductions that leave out non-finite values."""

import numpy as np
import pytest

from sgd_valleys.statistics.reduce import finite_max, finite_mean, finite_median

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
