"""Few of many curves are drawn, and computed."""

import numpy as np

from sgd_valleys.statistics.thinning import MAX_CURVES, select_curves


def test_few_branches_are_drawn_along_training_and_most_of_them_are_early() -> None:
    t_c = np.arange(0, 1020, 20)
    chosen = select_curves(t_c)
    assert 2 < len(chosen) <= MAX_CURVES and chosen[0] == 0 and chosen[-1] == 50
    assert (np.diff(chosen) > 0).all() and np.diff(chosen)[0] < np.diff(chosen)[-1]
    np.testing.assert_array_equal(select_curves(t_c[:5]), np.arange(5))
