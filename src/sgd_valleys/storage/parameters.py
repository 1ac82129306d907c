"""Network parameters in HDF5 files: the dataset ``<prefix>_layer1_weight`` has the weights of layer 1."""

import re
from collections.abc import Mapping

import numpy as np

from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import FilePath, Index, Variable

_NAME = re.compile(r"layer(\d+)_(weight|bias)")


def parameter_variables(
    parameters: Mapping[str, np.ndarray], prefix: str, axes: tuple[str, ...], when: str
) -> dict[str, Variable]:
    """Describe parameters for ``hdf5.write``; :func:`read_parameters` reads them back.

    Args:
        parameters: parameters (``*axes``, ...) by name.
        prefix: prefix of the datasets, such as "final" or "checkpoint".
        axes: names of the leading axes.
        when: time of the recording, for ``long_name``.

    Returns:
        variables by dataset name, axes (``*axes``, layer1_out, layer1_in, ...).
    """
    variables = {}
    for name, array in parameters.items():
        layer = name.split("_")[0]
        layer_axes = [f"{layer}_{axis}" for axis in ("out", "in", "row", "column")][: array.ndim - len(axes)]
        variables[f"{prefix}_{name}"] = Variable((*axes, *layer_axes), array, f"{name} {when}")
    return variables


def read_parameters(path: FilePath, prefix: str, at: Mapping[str, Index] | None = None) -> dict[str, np.ndarray]:
    """Read the parameters that :func:`parameter_variables` described, by name, first layer first.

    Args:
        path: the file.
        prefix: prefix of the datasets.
        at: positions along named axes, see :func:`sgd_valleys.storage.hdf5.read`.

    Raises:
        UserError: the file cannot be read, or has no parameters with this prefix.
    """
    with hdf5.open_file(path) as file:
        stored = [name.removeprefix(f"{prefix}_") for name in file if name.startswith(f"{prefix}_")]
    found = {name: match for name in stored if (match := _NAME.fullmatch(name))}
    if not found:
        raise hdf5.damaged(path, f"no parameters {prefix}_layer1_weight, ...")
    names = sorted(found, key=lambda name: (int(found[name][1]), found[name][2] == "bias"))
    arrays = hdf5.read(path, [f"{prefix}_{name}" for name in names], at)
    return {name: arrays[f"{prefix}_{name}"] for name in names}
