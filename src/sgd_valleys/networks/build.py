"""Networks from settings."""

from collections.abc import Mapping
from math import prod

from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network


def build(settings: Mapping, shape: tuple[int, int, int], classes: int) -> Network:
    """Build the network of an experiment's ``network`` settings, for images of shape (channel, row, column)."""
    if settings["name"] == "cnn":
        return CNN(tuple(shape), tuple(settings["channels"]), tuple(settings["hidden"]), classes)
    return MLP((prod(shape), *settings["hidden"], classes))
