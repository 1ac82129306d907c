"""Continuation by gradient descent, against torch's own optimizer and a plain loop for the end."""

import numpy as np
import pytest
import torch
from torch import nn

from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.training.continuation import Descent, continue_runs

NETWORKS = {"gram": MLP((40, 8, 6, 4)), "weights": MLP((8, 7, 4)), "cnn": CNN((1, 8, 8), (3, 4), (6,), 4)}
EASY = Descent(eta=0.05, steps=400, loss=0.2, looks=3, every=7)


def made_up(network):
    """Return 30 separable samples and the starts of 5 runs."""
    rng, labels = np.random.default_rng(5), np.arange(30) % 4
    means = rng.normal(size=(4, *(network.shape if isinstance(network, CNN) else network.sizes[:1])))
    inputs = 2 * means[labels] + 0.3 * rng.normal(size=(30, *means.shape[1:]))
    runs = [network.initialize(np.random.default_rng(seed)) for seed in range(5)]
    return (inputs, labels), {name: np.stack([run[name] for run in runs]) for name in network.names()}


def plain_descent(network, start, samples, descent):
    """Descend with torch.optim.SGD in float64, looking every few steps; return parameters, steps and losses."""
    parameters = {name: nn.Parameter(torch.tensor(array, dtype=torch.float64)) for name, array in start.items()}
    optimizer = torch.optim.SGD(parameters.values(), lr=descent.eta)
    x, y = torch.tensor(samples[0], dtype=torch.float64), torch.tensor(samples[1])
    convolutions = len(getattr(network, "channels", ()))

    def logits():
        z = x
        for k in range(1, network.depth + 1):
            weight, bias = parameters[f"layer{k}_weight"], parameters[f"layer{k}_bias"]
            if k <= convolutions:
                z = nn.functional.max_pool2d(nn.functional.conv2d(z, weight, bias, padding=1).relu(), 2)
            else:
                z = z.flatten(1) @ weight.T + bias
                z = z.relu() if k < network.depth else z
        return z

    good = 0
    for step in range(1, descent.steps + 1):
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits(), y).backward()
        optimizer.step()
        if step % descent.every == 0:
            found = logits()
            low = nn.functional.cross_entropy(found, y) < descent.loss
            good = good + 1 if low and (found.argmax(1) == y).all() else 0
            if good == descent.looks:
                break
    return {name: each.detach().numpy() for name, each in parameters.items()}, step, good == descent.looks


@pytest.mark.parametrize("name", NETWORKS)
def test_runs_end_where_and_when_plain_gradient_descent_does(name):
    network = NETWORKS[name]
    samples, starts = made_up(network)
    found = continue_runs(network, starts, samples, EASY, dtype=torch.float64)
    for r in range(5):
        parameters, steps, converged = plain_descent(
            network, {key: array[r] for key, array in starts.items()}, samples, EASY
        )
        assert (found.steps[r], found.converged[r]) == (steps, converged)
        for key, array in parameters.items():
            np.testing.assert_allclose(found.parameters[key][r], array, rtol=0, atol=1e-10)
    assert found.converged.any()
    assert len(set(found.steps)) > 1, "the runs should end at different steps"


def test_a_run_is_the_same_whatever_is_continued_beside_it():
    network = NETWORKS["gram"]
    samples, starts = made_up(network)
    together = continue_runs(network, starts, samples, EASY)
    for r in range(5):
        alone = continue_runs(network, {key: array[r : r + 1] for key, array in starts.items()}, samples, EASY)
        assert alone.steps[0] == together.steps[r]
        for key, array in alone.parameters.items():
            np.testing.assert_array_equal(array[0], together.parameters[key][r])


def test_a_run_that_does_not_converge_takes_all_steps_and_one_that_diverges_ends():
    network = NETWORKS["weights"]
    samples, starts = made_up(network)
    slow = continue_runs(network, starts, samples, Descent(eta=1e-4, steps=33, every=10))
    assert (slow.steps == 33).all()
    assert not slow.converged.any()
    assert not slow.diverged.any()
    starts["layer1_weight"][2] = np.nan
    found = continue_runs(network, starts, samples, EASY)
    assert found.steps[2] == EASY.every
    assert list(np.flatnonzero(found.diverged)) == [2]
