"""Networks from settings."""

from collections.abc import Mapping
from math import prod

from sgd_valleys.errors import UserError
from sgd_valleys.networks.activation import ACTIVATIONS
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network


def build(settings: Mapping, shape: tuple[int, int, int], classes: int) -> Network:
    """Build the network of an experiment's ``network`` settings, for images of shape (channel, row, column).

    Raises:
        UserError: the network is unknown.
    """
    activation = settings.get("activation", "relu")
    if activation not in ACTIVATIONS:
        raise UserError(f"network.activation = {activation}: unknown; allowed are {', '.join(ACTIVATIONS)}.")
    if settings["name"] == "cnn":
        return CNN(tuple(shape), tuple(settings["channels"]), tuple(settings["hidden"]), classes, activation)
    if settings["name"] != "mlp":
        raise UserError(f"network.name = {settings['name']}: unknown network; allowed are mlp and cnn.")
    return MLP((prod(shape), *settings["hidden"], classes), activation)
