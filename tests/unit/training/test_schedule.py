"""The order in which a run visits its training set."""

import numpy as np

from sgd_valleys.training.schedule import minibatch_order


def test_an_epoch_visits_every_sample_once():
    order = minibatch_order(np.random.default_rng(0), 40)
    first, second = next(order), next(order)
    assert sorted(first) == sorted(second) == list(range(40))
    assert not np.array_equal(first, second)
