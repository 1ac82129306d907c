"""Flatness of eigenvalues whose geometric mean is known."""

import numpy as np
import pytest

from sgd_valleys.measures.flatness import flatness


def test_flatness_is_the_inverse_geometric_mean_and_does_not_underflow() -> None:
    assert flatness(np.array([1.0, 4.0])) == pytest.approx(0.5)
    assert flatness(np.full(10, 1e-60)) == pytest.approx(1e60)
    assert np.isnan(flatness(np.array([1.0, 0.0]))) and np.isnan(flatness(np.array([1.0, np.nan])))
    assert flatness(np.array([[2.0, 2.0], [1.0, -1.0]])).tolist()[0] == pytest.approx(0.5)
