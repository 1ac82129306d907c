"""Whole parameters of networks in HDF5 files: ``<prefix>_layer1_weight``, ``<prefix>_layer1_bias``, ..."""

import os
import re
from collections.abc import Mapping

import numpy as np

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Index, Variable


def parameter_variables(
    parameters: Mapping[str, np.ndarray], prefix: str, axes: tuple[str, ...], when: str
) -> dict[str, Variable]:
    """Describe whole parameters for storage; :func:`read_parameters` reads them.

    Args:
        parameters: arrays by name (``layer1_weight``, ...), each with the leading ``axes``.
        prefix: first part of the stored names.
        axes: names of the leading axes. The axes of a layer follow: layer1_out, layer1_in, layer1_row, layer1_column.
        when: when a run has these parameters, for the long name.
    """
    variables = {}
    for name, array in parameters.items():
        layer = name.split("_")[0]
        layer_axes = [f"{layer}_{axis}" for axis in ("out", "in", "row", "column")][: array.ndim - len(axes)]
        variables[f"{prefix}_{name}"] = Variable((*axes, *layer_axes), array, f"{name} {when}")
    return variables


def read_parameters(
    path: str | os.PathLike, prefix: str, at: Mapping[str, Index] | None = None
) -> dict[str, np.ndarray]:
    """Read the whole parameters that :func:`parameter_variables` describes.

    Args:
        path: HDF5 file.
        prefix: first part of the stored names.
        at: positions along named axes, as in :func:`~sgd_valleys.storage.hdf5.read`.

    Returns:
        Arrays by name without the prefix (``layer1_weight``, ...).

    Raises:
        UserError: the file cannot be read or has no parameters of this prefix.
    """
    stored = re.compile(rf"{re.escape(prefix)}_(layer\d+_(?:weight|bias))")
    with hdf5.open_file(path) as file:
        names = {match[0]: match[1] for match in map(stored.fullmatch, file) if match}
    if not names:
        raise UserError(f"{path} holds no parameters {prefix}_layer1_weight, ...: delete it and run again.")
    return {names[name]: array for name, array in hdf5.read(path, list(names), at).items()}
