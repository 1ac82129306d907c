"""Freezing times of losses whose answer is known."""

import numpy as np

from sgd_valleys.measures.freezing import freezing_time


def test_freezing_is_the_first_recorded_time_below_the_threshold() -> None:
    iteration = np.array([0, 10, 20, 30])
    loss = np.array([[2, 0.09, 0.2, 0.01], [2, 1, 0.5, 0.1], [0.05, 1, 1, np.nan]])
    time = freezing_time(iteration, loss, 0.1)
    assert time[0] == 10 and np.isnan(time[1]) and time[2] == 0
