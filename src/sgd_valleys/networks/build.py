"""From settings to a network."""

from collections.abc import Mapping
from math import prod

from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network


def build(settings: Mapping, shape: tuple[int, int, int], classes: int) -> Network:
    """The network that an experiment's ``network`` settings describe, for images (channel, row, column) and classes."""
    if settings["name"] == "cnn":
        return CNN(tuple(shape), tuple(settings["channels"]), tuple(settings["hidden"]), classes)
    return MLP((prod(shape), *settings["hidden"], classes))
