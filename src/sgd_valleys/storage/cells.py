"""The cells of a sweep in its files: joined stacks of a cell, and the position of a cell on the axes of a file."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import FilePath

Cell = tuple[float, int]  # (eta, B)
RUNS_OF_A_STACK = ("first", "last", "checkpoints")  # settings: the runs of a stack, and its runs with checkpoints
# settings in which the stacks of a cell may differ, such as the runs with more curvature, and the device
SETTINGS_OF_A_STACK = (*RUNS_OF_A_STACK, "along", "spectrum", "device")


def files_by_cell(paths: Sequence[FilePath]) -> dict[Cell, list[FilePath]]:
    """Group files by their attributes eta and B, in ascending order of both."""
    found: dict[Cell, list[FilePath]] = {}
    for path in paths:
        attributes = hdf5.read_attributes(path)
        found.setdefault((float(attributes["eta"]), int(attributes["B"])), []).append(path)
    return {cell: found[cell] for cell in sorted(found)}


def read_cells(
    paths: Sequence[FilePath], names: Sequence[str], shared: Sequence[str] = ()
) -> dict[Cell, dict[str, np.ndarray]]:
    """Read arrays of many files, and join the stacks of each cell.

    Args:
        paths: files of training or curvature, in any order, with the attributes eta and B.
        names: names of arrays with a leading realization axis; ``realization`` is always read.
        shared: names of arrays that are the same in all stacks of a cell, or have a leading realization axis.

    Returns:
        by cell, then by name, arrays (realization, ...) in the order of the realizations, each realization once. An
        array of ``shared`` without a realization axis is that of the first stack.

    Raises:
        UserError: a file cannot be read, lacks an array, or differs in its settings from another stack of its cell.
    """
    joined = {}
    for cell, files in files_by_cell(paths).items():
        check_stacks(files)
        described = hdf5.describe(files[0]) if shared else {}
        own = [name for name in shared if name in described and described[name].dims[:1] == ("realization",)]
        parts = [hdf5.read(path, ["realization", *names, *shared]) for path in files]
        joined[cell] = _join(parts, "realization", [*names, *own])
        joined[cell] |= {name: parts[0][name] for name in shared if name not in own}
    return joined


def join_stacks(paths: Sequence[FilePath], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read arrays of the stacks of one cell, and join each array along its first axis.

    The first axis has all runs (realization), or some of them (checkpoint, spectrum_realization). The result includes
    the array with the name of this axis, which has the realizations. Arrays without an axis of runs, such as
    ``iteration``, are those of the first file.

    Args:
        paths: files of the stacks.
        names: names of the arrays.

    Returns:
        arrays (run, ...) by name, in the order of the realizations, each realization once.

    Raises:
        UserError: a file cannot be read, or lacks an array.
    """
    described = {path: hdf5.describe(path) for path in paths}
    first_axis = {name: array.dims[0] for file in described.values() for name, array in file.items() if array.dims}
    joined: dict[str, np.ndarray] = {}
    for axis in dict.fromkeys(first_axis[name] for name in names):
        own = [name for name in names if first_axis[name] == axis and name != axis]
        if axis in first_axis:
            files = [path for path, file in described.items() if axis in file]
            joined |= _join([hdf5.read(path, [axis, *own]) for path in files], axis, own)
        else:
            joined |= hdf5.read(paths[0], own)
    return joined


def _join(parts: Sequence[dict[str, np.ndarray]], axis: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Join arrays (run, ...) of several stacks in the order of the realizations, which the array ``axis`` has.

    Stacks overlap if the number of realizations has changed between two runs of the workflow.
    """
    parts = sorted(parts, key=lambda part: part[axis][0])
    joined = {name: np.concatenate([part[name] for part in parts]) for name in (axis, *names)}
    _, first = np.unique(joined[axis], return_index=True)
    if len(first) == len(joined[axis]):
        return joined
    return {name: array[first] for name, array in joined.items()}


def check_stacks(paths: Sequence[FilePath]) -> None:
    """Check that stacks of a cell have the same data and settings, except for ``SETTINGS_OF_A_STACK``.

    Raises:
        UserError: two stacks differ, or a file cannot be read.
    """
    first, *others = paths
    expected = _common_settings(first)
    for other in others:
        found = _common_settings(other)
        names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        if names:
            values = ", ".join(f"{name} ({expected.get(name)} and {found.get(name)})" for name in names)
            raise UserError(
                f"{first} and {other}: different settings, {values}; allowed are stacks of a cell with equal settings; "
                "delete the outdated file, which `snakemake --cores 1 verify` names."
            )


def _common_settings(path: FilePath) -> dict[str, Any]:
    """Return the settings and the checksum of the data, which all stacks of a cell have in common."""
    attributes = hdf5.read_attributes(path)
    settings = dict(attributes.get("parameters", {})) | {"data_sha256": attributes.get("data_sha256")}
    return {name: value for name, value in settings.items() if name not in SETTINGS_OF_A_STACK}


def grid(cells: Iterable[Cell]) -> tuple[list[float], list[int]]:
    """Return the learning rates and the batch sizes of ``cells``, each in ascending order."""
    etas, Bs = map(set, zip(*cells, strict=True))
    return sorted(etas), sorted(Bs)


def index_of(axis: np.ndarray, value: float) -> int | None:
    """Return the index of ``value`` on an axis, compared exactly; None if the axis lacks the value."""
    found = np.flatnonzero(np.asarray(axis) == value)
    return int(found[0]) if found.size else None


def find_cell(eta_axis: np.ndarray, B_axis: np.ndarray, eta: float, B: int) -> tuple[int, int] | None:
    """Return the position (i, j) of a cell on the axes of a file; None if an axis lacks eta or B.

    The comparison is exact, since every file stores eta as the float64 of the same decimal.
    """
    i, j = index_of(eta_axis, eta), index_of(B_axis, B)
    return None if i is None or j is None else (i, j)


def locate_cell(eta_axis: np.ndarray, B_axis: np.ndarray, eta: float, B: int) -> tuple[int, int]:
    """Return the position (i, j) of a cell on the axes of a file that must have the cell; see ``find_cell``.

    Raises:
        ValueError: an axis lacks eta or B.
    """
    found = find_cell(eta_axis, B_axis, eta, B)
    if found is None:
        raise ValueError(f"eta = {eta}, B = {B}: not on the axes of the file")
    return found
