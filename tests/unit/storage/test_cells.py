"""A cell's place on the axes of a file."""

import numpy as np
import pytest

from sgd_valleys.storage.cells import find_cell, index_of

ETA, B = np.array([0.005, 0.01, 0.05]), np.array([20, 50])


@pytest.mark.parametrize(
    ("eta", "size", "place"), [(0.005, 20, (0, 0)), (0.05, 50, (2, 1)), (0.02, 50, None), (0.05, 10, None)]
)
def test_a_cell_is_found_on_the_axes_of_a_file(eta, size, place):
    assert find_cell(ETA, B, eta, size) == place


def test_values_are_compared_exactly():
    assert index_of(ETA, 0.01) == 1
    assert index_of(ETA, np.nextafter(0.01, 1)) is None
    assert all(index_of(ETA, float(text)) == k for k, text in enumerate(("0.005", "0.010", "5e-2")))
