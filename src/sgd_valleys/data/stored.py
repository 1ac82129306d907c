"""An experiment's network, and the images that it is trained and tested on."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sgd_valleys.networks.build import build
from sgd_valleys.networks.network import Network
from sgd_valleys.storage import hdf5

Samples = tuple[np.ndarray, np.ndarray]


def load(
    path: str | os.PathLike, settings: Mapping[str, Any], parts: Sequence[str] = ("train", "test")
) -> tuple[Network, dict[str, Samples]]:
    """Build an experiment's network and read its images.

    Args:
        path: the experiment's ``data.h5``.
        settings: among them ``network``, as the config has it, and ``classes``, their number.
        parts: of the data that are needed.

    Returns:
        the network; by part the images in the form that it takes, (sample, ...) float32, and their labels (sample).
    """
    found = hdf5.read(path, [f"{part}_{kind}" for part in parts for kind in ("image", "label")])
    shape = found[f"{parts[0]}_image"].shape[1:]
    network = build(settings["network"], shape, settings["classes"])
    return network, {part: (network.inputs(found[f"{part}_image"]), found[f"{part}_label"]) for part in parts}
