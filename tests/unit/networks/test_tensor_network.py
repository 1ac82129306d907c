"""Networks of tensors against those of NumPy arrays."""

import numpy as np
import pytest
import torch

from sgd_valleys.networks.activation import ACTIVATIONS
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.tensor_functions import logits


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_logits_are_those_of_the_network(activation: str) -> None:
    rng = np.random.default_rng(0)
    for network in (MLP((32, 5, 4, 3), activation), CNN((2, 4, 4), (3, 2), (5,), 3, activation)):
        inputs = network.inputs(rng.normal(size=(7, 2, 4, 4)))
        parameters = {name: array + 0.3 for name, array in network.initialize(rng).items()}
        tensors = {name: torch.from_numpy(array) for name, array in parameters.items()}
        found = logits(network, tensors, torch.from_numpy(inputs)).numpy()
        assert np.abs(found - network.forward(parameters, inputs)).max() < 1e-12
