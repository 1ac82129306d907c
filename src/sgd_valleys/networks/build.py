"""Construction of networks from settings."""

from collections.abc import Mapping
from math import prod

from sgd_valleys.errors import UserError, unknown_value
from sgd_valleys.networks.activation import ACTIVATIONS
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network


def build(settings: Mapping, shape: tuple[int, int, int], classes: int) -> Network:
    """Build the network of an experiment.

    Args:
        settings: the settings ``network`` of the experiment.
        shape: (channel, row, column) of an image.
        classes: number of classes.

    Raises:
        UserError: the network or its activation is unknown.
    """
    activation = settings.get("activation", "relu")
    if activation not in ACTIVATIONS:
        raise UserError(unknown_value("network.activation", activation, ACTIVATIONS))
    if settings["name"] == "cnn":
        channel, row, column = shape
        return CNN((channel, row, column), tuple(settings["channels"]), tuple(settings["hidden"]), classes, activation)
    if settings["name"] != "mlp":
        raise UserError(unknown_value("network.name", settings["name"], ("mlp", "cnn")))
    return MLP((prod(shape), *settings["hidden"], classes), activation)
