"""Spread between groups, and effects of the noise, of made-up runs."""

import numpy as np
import pytest

from sgd_valleys.controls.starts import effect, spread

rng = np.random.default_rng(4)


def test_groups_with_means_of_their_own_are_told_apart() -> None:
    groups = [10 * k + rng.standard_normal(200) for k in range(5)]
    found = spread(groups)
    assert found.between == pytest.approx(np.std([0, 10, 20, 30, 40], ddof=1), rel=0.05)
    assert found.within == pytest.approx(1, rel=0.1)
    assert found.p < 1e-6


def test_groups_of_one_mean_are_not() -> None:
    found = spread([5 + rng.standard_normal(200) for _ in range(5)])
    assert found.between < 0.2 and found.p > 0.01
    assert np.isnan(spread([rng.standard_normal(9)]).p)


def test_an_effect_is_a_ratio_or_a_difference() -> None:
    noisy, quiet = [np.array([4.0, 6.0, np.nan]), np.array([3.0])], [np.array([2.5]), np.array([3.0])]
    assert effect(noisy, quiet, ratio=True).tolist() == [2, 1]
    assert effect(noisy, quiet, ratio=False).tolist() == [2.5, 0]
