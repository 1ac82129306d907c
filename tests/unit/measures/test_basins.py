"""Basins of branches whose similarities are given."""

import numpy as np
import pytest

from sgd_valleys.measures.basins import basin_freezing_time, similarity_by_freezing


def test_a_run_is_frozen_once_every_later_branch_ends_with_the_last() -> None:
    t_c, nan = np.array([0, 20, 40, 60]), np.nan
    assert basin_freezing_time(t_c, np.array([0.3, 0.95, 0.92, 1]), 0.9) == 20
    assert basin_freezing_time(t_c, np.array([0.95, 0.3, 0.92, 1]), 0.9) == 40  # an early visit does not count
    assert basin_freezing_time(t_c, np.array([0.9, 0.95, 0.92, 1]), 0.9) == 0
    assert basin_freezing_time(t_c, np.array([0.3, 0.3, 0.3, 1]), 0.9) == 60
    assert basin_freezing_time(t_c, np.array([0.95, nan, 0.92, 1]), 0.9) == 40
    assert np.isnan(basin_freezing_time(t_c, np.full(4, nan), 0.9))


def test_several_branches_from_one_time_have_to_end_in_one_basin() -> None:
    t_c = np.array([0, 0, 20, 20, 40, 40])
    assert basin_freezing_time(t_c, np.array([0.3, 0.95, 0.3, 0.95, 0.92, 1]), 0.9) == 40
    assert basin_freezing_time(t_c, np.array([0.95, 0.3, 0.95, 0.95, 0.92, 1]), 0.9) == 20
    assert np.isnan(basin_freezing_time(t_c, np.array([0.95, 0.95, 0.95, 0.95, 0.3, 1]), 0.9))


def test_pairs_of_branches_are_averaged_on_either_side_of_the_freezing_time() -> None:
    nan = np.nan
    jaccard = np.array(
        [
            [1, 0.2, 0.1, 0.1, 0.3],
            [0.2, 1, 0.1, 0.1, 0.3],
            [0.1, 0.1, 1, 0.8, 0.6],
            [0.1, 0.1, 0.8, 1, 0.7],
            [0.3, 0.3, 0.6, 0.7, 1],
        ]
    )
    t_c = np.array([0, 10, 20, 30, 40])
    assert similarity_by_freezing(t_c, jaccard, 20) == pytest.approx((0.2, 0.7))  # the branch at t_freeze is after it
    jaccard[3] = jaccard[:, 3] = nan  # a diverged branch is in no pair
    assert similarity_by_freezing(t_c, jaccard, 20) == pytest.approx((0.2, 0.6))
    assert similarity_by_freezing(t_c, jaccard, 10) == pytest.approx((nan, (0.1 + 0.3 + 0.6) / 3), nan_ok=True)
    assert np.isnan(similarity_by_freezing(t_c, jaccard, nan)).all()  # a run that does not freeze has no sides
