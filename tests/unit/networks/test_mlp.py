"""Fully connected networks."""

import numpy as np
import pytest

from sgd_valleys.networks.mlp import MLP


def test_initialization_is_kaiming_with_fan_in() -> None:
    parameters = MLP((784, 200, 100, 10)).initialize(np.random.default_rng(0))
    for k, fan_in in ((1, 784), (2, 200), (3, 100)):
        weight = parameters[f"layer{k}_weight"]
        # the sample's standard deviation has a relative error of 1 / sqrt(2 n)
        assert weight.std() == pytest.approx(np.sqrt(2 / fan_in), rel=4 / np.sqrt(2 * weight.size))
        assert not parameters[f"layer{k}_bias"].any()
    assert sum(array.size for array in MLP((784, 50, 50, 10)).initialize(np.random.default_rng(0)).values()) == 42310
