"""Softmax and cross-entropy."""

import numpy as np
import pytest

from sgd_valleys.networks.loss import cross_entropy, softmax


def test_softmax_and_cross_entropy_survive_large_logits() -> None:
    logits = np.array([[1000.0, 0, -1000], [3, 3, 3]])
    assert softmax(logits) == pytest.approx(np.array([[1, 0, 0], [1 / 3] * 3]))
    assert cross_entropy(logits, np.array([0, 1])) == pytest.approx(np.log(3) / 2)
