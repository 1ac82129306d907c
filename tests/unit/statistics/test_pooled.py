"""Rank correlation inside groups, against scipy and on made-up groups with a known answer."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from sgd_valleys.statistics.pooled import pooled_correlation

GROUP = np.repeat(np.arange(12), 3)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("unit", ["group", "member"])
def test_one_group_has_the_rank_correlation_of_scipy(unit):
    x, y = np.random.default_rng(2).normal(size=(2, 30)).round(1)
    found = pooled_correlation(x, x + y, np.zeros(30), rng(), 300, unit)
    assert found.correlation == pytest.approx(spearmanr(x, x + y).statistic)
    assert found.members == 30


def test_a_relation_inside_groups_is_seen():
    base = GROUP * 10.0
    within = np.random.default_rng(1).normal(size=len(GROUP))
    found = pooled_correlation(base + within, -base + within, GROUP, rng(), 300, "group")
    assert found.correlation == pytest.approx(1)
    assert found.is_positive


def test_a_relation_between_groups_alone_is_seen_as_rarely_as_the_level_of_95_percent_says():
    found = []
    for seed in range(100):
        draws = np.random.default_rng(seed)
        a, b = draws.normal(size=(2, len(GROUP)))
        found.append(pooled_correlation(GROUP * 10 + a, GROUP * 10 + b, GROUP, draws, 200, "group"))
    assert sum(each.is_positive for each in found) <= 8
    assert sum(each.interval[0] <= 0 <= each.interval[1] for each in found) >= 85
    assert abs(np.mean([each.correlation for each in found])) < 0.06


def test_members_without_a_value_and_single_members_are_left_out():
    x, y, group = np.array([1.0, 2, 3, np.nan, 5, 7]), np.array([1.0, 2, 3, 4, 5, 9]), np.array([0, 0, 0, 0, 1, 2])
    found = pooled_correlation(x, y, group, rng(), 100, "member")
    assert (found.correlation, found.members) == (pytest.approx(1), 3)
    assert np.isnan(found.interval).all()
    assert not found.is_positive


def test_nothing_that_varies_has_no_correlation():
    assert np.isnan(pooled_correlation(np.ones(4), np.arange(4.0), np.zeros(4), rng(), 100, "group").correlation)
    assert np.isnan(pooled_correlation(np.ones(2), np.ones(2), np.arange(2), rng(), 100, "group").correlation)
