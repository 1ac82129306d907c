"""The network of an experiment, and its stored training and test images."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sgd_valleys.networks.build import build
from sgd_valleys.networks.network import Network
from sgd_valleys.storage import hdf5

Samples = tuple[np.ndarray, np.ndarray]


def load_network_and_samples(
    path: str | os.PathLike, settings: Mapping[str, Any], parts: Sequence[str] = ("train", "test")
) -> tuple[Network, dict[str, Samples]]:
    """Build the network of an experiment, and read its images and labels from a file such as ``data.h5``.

    Args:
        path: the file.
        settings: ``network``, as in the configuration, and ``classes``, the number of classes.
        parts: parts of the data to read.

    Returns:
        the network, and by part its inputs in the form of the network, float32 (sample, ...), and labels (sample,).

    Raises:
        UserError: the file cannot be read, or the network is unknown.
    """
    found = hdf5.read(path, [f"{part}_{kind}" for part in parts for kind in ("image", "label")])
    shape = found[f"{parts[0]}_image"].shape[1:]
    network = build(settings["network"], shape, settings["classes"])
    return network, {part: (network.inputs(found[f"{part}_image"]), found[f"{part}_label"]) for part in parts}
