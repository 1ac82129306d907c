"""Fractions and means of runs have the standard errors of their samples."""

import numpy as np
import pytest

from sgd_valleys.two_valley.run_statistics import Runs, fraction_with_error, mean_with_error, p_flat


def test_standard_errors():
    x = np.r_[np.ones(75), -np.ones(25), np.nan]
    t = np.r_[np.arange(100.0), np.nan]
    runs = Runs(x, x, t, t)
    p, error = p_flat(runs)
    assert p == 0.75 and error == pytest.approx(np.sqrt(0.75 * 0.25 / 100), rel=0.02)
    assert mean_with_error(runs.freezing_time) == pytest.approx((49.5, t[:100].std(ddof=1) / 10))
    assert p_flat(Runs(x[:75], x[:75], t[:75], t[:75]))[1] > 0  # all agree, and yet they are only 75


def test_a_fraction_of_nothing_is_nan():
    fraction, error = fraction_with_error([0, 1], [0, 4])
    assert np.isnan([fraction[0], error[0]]).all()
    assert fraction[1] == 0.25 and error[1] == pytest.approx(np.sqrt(1 / 3 * 2 / 3 / 4))


def test_a_mean_has_an_error_from_two_values_on():
    assert np.isnan(mean_with_error(np.array([np.nan]))).all()
    mean, error = mean_with_error(np.array([3.0, np.nan]))
    assert mean == 3.0 and np.isnan(error)
    assert mean_with_error(np.array([1.0, 3.0])) == (2.0, 1.0)
