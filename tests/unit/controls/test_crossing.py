"""A quantity at the first crossing of a loss."""

import numpy as np
import pytest

from sgd_valleys.controls.crossing import value_at_loss


def test_a_linear_function_of_the_log_loss_is_interpolated_exactly() -> None:
    loss = np.exp(-np.array([0.0, 1.0, 2.5, 4.0, 3.5]))  # rises again at the end
    values = 3 - 2 * np.log(loss)
    for level in (0.5, 0.1, 0.03):
        assert value_at_loss(loss, values, level) == pytest.approx(3 - 2 * np.log(level))
    assert np.isnan(value_at_loss(loss, values, 1e-6))
    assert value_at_loss(loss, values, 2.0) == values[0]


def test_runs_cross_each_at_its_own_time() -> None:
    loss = np.array([[1.0, 0.1, 0.01], [1.0, 0.5, 0.1]])
    values = np.array([[0.0, 1.0, 2.0], [0.0, 5.0, 7.0]])
    assert value_at_loss(loss, values, 0.1) == pytest.approx([1.0, 7.0])
