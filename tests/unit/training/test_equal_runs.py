"""Runs that share a start are one run until noise acts on them, and are trained as one."""

import numpy as np
import pytest
from helpers.training import run_training, streams

from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.recipe import Dynamics, Phase
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.sgd import replicas_class


@pytest.mark.parametrize("network", [MLP((30, 8, 7, 4)), CNN((3, 4, 4), (4,), (5,), 4)])
def test_equal_runs_without_noise_are_trained_once(monkeypatch, network):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3 * 4 * 4 if type(network) is CNN else 30)), rng.integers(0, 4, 40)
    x = x.reshape(40, 3, 4, 4) if type(network) is CNN else x
    one = network.initialize(rng)
    first, second = one, {name: 1.1 * array for name, array in one.items()}
    starts = {name: np.stack([first[name], second[name], first[name], first[name]]) for name in one}
    kind, trained = replicas_class(network, 40, Dynamics(eta=0.1, B=40)), []
    whole = kind.full_batch_steps
    monkeypatch.setattr(kind, "stack_size", lambda *_: 4)
    monkeypatch.setattr(kind, "full_batch_steps", lambda self, n: (trained.append(self.R * n), whole(self, n)))
    schedule = Phase(0.5, noise="none"), Phase(1.0)

    def run(*chosen):
        own = {name: array[list(chosen)] for name, array in starts.items()}
        return run_training(
            network, own, (x, y), (x[:5], y[:5]), eta=0.1, B=8, iterations=20, schedule=schedule,
            recording=Recording(5, dict.fromkeys(range(len(chosen)), range(5))), streams=streams(*chosen),
        )  # fmt: skip

    together = run(0, 1, 2, 3)
    assert sum(trained) == 2 * 10  # two different starts, ten steps without noise
    for r in range(4):
        alone = run(r)
        assert np.array_equal(together.train_loss[r], alone.train_loss[0])
        assert np.array_equal(together.test_error[r], alone.test_error[0])
        for name in network.names():
            assert np.array_equal(together.checkpoint[name][r], alone.checkpoint[name][0])
    assert not np.array_equal(together.final["layer1_bias"][0], together.final["layer1_bias"][2])  # noise in the end
