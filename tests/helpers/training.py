"""Trainings of the tests, with all settings in one call."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from sgd_valleys.networks.network import Network, Parameters
from sgd_valleys.recipe import Recipe
from sgd_valleys.training.recording import Recording, Trajectory
from sgd_valleys.training.sgd import Samples, train
from sgd_valleys.training.streams import Streams

OF_RECIPE = {field.name for field in fields(Recipe)}


def run_training(
    network: Network,
    starts: Parameters,
    train_set: Samples,
    test_set: Samples,
    *,
    recording: Recording,
    **settings: Any,
) -> Trajectory:
    """Train with ``settings``, the attributes of ``Recipe`` and the options of ``train``."""
    recipe = Recipe(**{name: value for name, value in settings.items() if name in OF_RECIPE})
    options = {name: value for name, value in settings.items() if name not in OF_RECIPE}
    return train(network, starts, train_set, test_set, recipe, recording, **options)


def streams(*realizations: int) -> list[Streams]:
    """Return the random streams of runs, one for each realization."""
    return [Streams(r, ()) for r in realizations]


def epochs(realization: int, M: int) -> Iterator[np.ndarray]:
    """Yield the orders in which a run visits the training set, epoch by epoch."""
    return streams(realization)[0].epochs(M)
