"""HDF5 files: written atomically, self-describing, and with the same bytes for the same inputs.

Every array is a dataset with the attributes ``long_name`` and ``units``, whose axes are named by dimension scales.
``xarray.open_dataset(path, engine="h5netcdf")`` therefore shows named axes.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import h5py
import numpy as np

from sgd_valleys.errors import UserError
from sgd_valleys.storage.atomic import atomic_write

FilePath = str | os.PathLike
Index = int | Sequence[int] | np.ndarray
BLOCK = 2**20  # bytes of a file in memory at once during a check of its checksum; they fit the cache
OPEN_FLAG = 20  # position of the byte that is 1 while a program has the file open for writing, else 0
CHECKSUM = "file_sha256"
NO_CHECKSUM = f"sgd-valleys-sha256:{'0' * 64}"  # the checksum is computed with the zeros in its place
_PLACE = re.compile(rb"sgd-valleys-sha256:([0-9a-f]{64})")  # found without HDF5, which may hang on a damaged file


@dataclass(frozen=True)
class Variable:
    """An array (or number, or list) with its names of axes, long name and unit; "1" stands for no unit.

    Only arrays of more than 64 KiB are compressed, and floats only with ``compress``, since weights are incompressible.
    """

    dims: tuple[str, ...]
    data: Any
    long_name: str
    units: str = "1"
    compress: bool = False


# long name and unit of coordinates that occur in several files
COORDINATES = {
    "eta": ("learning rate", "1"),
    "B": ("batch size", "samples"),
    "realization": ("realization (order of the minibatches)", "1"),
    "threshold": ("threshold L_c of Eq. 7", "nat"),
    "t_c": ("iteration of the SGD run at which the branch leaves it", "iterations"),
}


def coordinates(**values: Any) -> dict[str, Variable]:
    """Describe one-dimensional coordinates for ``write``, by the name of their axis."""
    return {name: Variable((name,), array, *COORDINATES[name]) for name, array in values.items()}


def write(path: FilePath, variables: Mapping[str, Variable], attributes: Mapping[str, Any] | None = None) -> None:
    """Write ``variables`` to an HDF5 file, atomically.

    A variable with the name of its only axis is the coordinate of this axis; every other axis gets an index 0, 1, ....
    Booleans are stored as int8 with the attribute ``dtype = "bool"``, as in xarray. The attribute ``file_sha256`` is
    the checksum of the whole file with zeros in its own place, see ``check``.

    Args:
        path: the file, which replaces an existing one.
        variables: arrays by name.
        attributes: attributes of the file; mappings and sequences are stored as JSON.

    Raises:
        ValueError: an axis has two lengths, the numbers of axes and names differ, or a variable has the name of an axis
            and is not its coordinate.
        UserError: the file cannot be written.
    """
    sizes: dict[str, int] = {}
    for name, variable in variables.items():
        shape = np.shape(variable.data)
        if len(shape) != len(variable.dims):
            raise ValueError(f"{name} has {len(shape)} axes and {len(variable.dims)} names")
        for dim, size in zip(variable.dims, shape, strict=True):
            if sizes.setdefault(dim, size) != size:
                raise ValueError(f"axis {dim} is {sizes[dim]} long, but {size} in {name}")
    axes = {dim: Variable((dim,), np.arange(size), _index_of(dim)) for dim, size in sizes.items()}
    # made in memory: on a full disk, HDF5 cannot close its file and crashes the process
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for key, value in sorted((attributes or {}).items()):
            file.attrs[key] = value if isinstance(value, str | int | float) else json.dumps(value, sort_keys=True)
        for name, variable in {**axes, **variables}.items():  # axes first, since the other arrays refer to them
            if name in axes and variable.dims != (name,):
                raise ValueError(f"{name} is named like an axis and is not that axis's coordinate")
            array = np.asarray(variable.data)
            stored = array.astype(np.int8) if array.dtype == bool else array
            compress = stored.nbytes > 2**16 and (variable.compress or stored.dtype.kind != "f")
            options = {"compression": "gzip", "shuffle": True} if compress else {}
            dataset = file.create_dataset(name, data=stored, track_times=False, **options)
            if array.dtype == bool:
                dataset.attrs["dtype"] = "bool"
            dataset.attrs["long_name"] = variable.long_name
            dataset.attrs["units"] = variable.units
            if name in axes:
                dataset.make_scale(name)
                continue
            for axis, dim in enumerate(variable.dims):
                dataset.dims[axis].attach_scale(file[dim])
        file.attrs[CHECKSUM] = NO_CHECKSUM
    stamp(content.getbuffer())
    with atomic_write(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def _index_of(dim: str) -> str:
    return f"index of {dim}"


def stamp(content: memoryview) -> None:
    """Write the checksum of a file's content into the content, in place of ``NO_CHECKSUM`` or an old checksum."""
    found = _PLACE.search(content)
    assert found is not None  # every file of `write` has the place
    place = slice(*found.span(1))
    content[place] = b"0" * 64
    content[place] = hashlib.sha256(content).hexdigest().encode()


def check(path: FilePath) -> None:
    """Compare a file with its checksum, before HDF5 reads the file.

    Raises:
        UserError: the file cannot be read, is damaged, or was changed after it was written.
    """
    digest, found = hashlib.sha256(), b""
    buffer = bytearray(BLOCK + len(NO_CHECKSUM))
    view = memoryview(buffer)
    try:
        with open(path, "rb", buffering=0) as file:
            kept = file.readinto(view[: OPEN_FLAG + 1])
            if kept > OPEN_FLAG and buffer[OPEN_FLAG] == 1:
                buffer[OPEN_FLAG] = 0
            while count := file.readinto(view[kept:]):  # not mapped: a read error would kill the process
                size = kept + count
                if not found and (place := _PLACE.search(view[:size])):
                    found = place[1]
                    view[slice(*place.span(1))] = b"0" * len(found)
                # the last bytes of a block may be the beginning of the checksum's place
                complete = size if found else max(0, size - len(NO_CHECKSUM) + 1)
                digest.update(view[:complete])
                kept = size - complete
                view[:kept] = bytes(view[complete:size])
    except OSError as error:
        raise unreadable(path, error) from error
    digest.update(view[:kept])
    if digest.hexdigest().encode() != found:
        raise damaged(path, "altered or damaged, since the checksum differs")


def damaged(path: FilePath, reason: str) -> UserError:
    """Return the error of a file whose content is not that which the workflow wrote."""
    return UserError(f"{path}: {reason}; allowed is the file as it was written; delete the file, and run again.")


def unreadable(path: FilePath, error: Exception) -> UserError:
    """Return the error of a file that cannot be read but may be intact, without the advice to delete the file."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path}: missing; allowed are files of a finished run; run the workflow again.")
    reason = getattr(error, "strerror", None) or str(error).strip("'\"") or type(error).__name__
    return UserError(
        f"{path}: cannot be read ({reason.splitlines()[0]}), and may be intact; allowed are readable files; correct "
        "the permissions or the disk, and run again."
    )


@cache
def _checked(path: str, *_state: int) -> None:
    """Check each state of a file once per process, since a check takes as long as reading the file."""
    check(path)


@contextmanager
def open_file(path: FilePath, checked: bool = True) -> Iterator[h5py.File]:
    """Open a file of ``write`` for reading, after a check of its checksum.

    Args:
        path: the file.
        checked: whether to check the file, which reads all of it; not needed for a file that was just written.

    Raises:
        UserError: the file is missing, cannot be read, or is damaged.
    """
    try:
        state = os.stat(path)
        if checked:
            _checked(str(path), state.st_ino, state.st_size, state.st_mtime_ns)
        # HDF5 would lock a file that it opens itself, and some network file systems refuse locks
        with open(path, "rb") as content, h5py.File(content, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        raise unreadable(path, error) from error


def _axes(dataset: h5py.Dataset) -> tuple[str, ...]:
    """Return the names of an array's axes; a coordinate names its own axis, since it has no dimension scale."""
    return tuple(dim[0].name[1:] if len(dim) else dataset.name[1:] for dim in dataset.dims)


def _array(dataset: h5py.Dataset, at: Mapping[str, Index]) -> np.ndarray:
    array = dataset[tuple(at.get(axis, slice(None)) for axis in _axes(dataset))] if at else dataset[()]
    return array.astype(bool) if dataset.attrs.get("dtype") == "bool" else array


def read(
    path: FilePath, names: Sequence[str] | None = None, at: Mapping[str, Index] | None = None
) -> dict[str, np.ndarray]:
    """Read arrays of a file by name, or a part of each array.

    Args:
        path: the file.
        names: names of the arrays; None for all.
        at: positions to read, by the name of an axis. A number removes the axis. Ascending numbers are allowed for at
            most one axis of an array.

    Raises:
        UserError: the file cannot be read, or lacks an array.
    """
    with open_file(path) as file:
        missing = [name for name in names or () if name not in file]
        if missing:
            raise UserError(f"{path}: no array {', '.join(missing)}; allowed are {', '.join(file)}; choose from these.")
        return {name: _array(file[name], at or {}) for name in (names or file)}


def position(path: FilePath, axis: str, value: int) -> dict[str, int]:
    """Find ``value`` in the coordinate of an axis, and return {axis: position} for ``read``.

    Raises:
        UserError: the file cannot be read, or lacks the coordinate.
        ValueError: the coordinate lacks the value.
    """
    return {axis: list(read(path, [axis])[axis]).index(value)}


@dataclass(frozen=True)
class Description:
    """The metadata of an array: names of the axes, type, long name and unit."""

    dims: tuple[str, ...]
    dtype: str
    long_name: str
    units: str


def describe(path: FilePath) -> dict[str, Description]:
    """Describe the arrays of a file by name, without reading them; axes without a coordinate are left out."""
    with open_file(path) as file:
        return {
            name: Description(
                _axes(array), array.attrs.get("dtype", str(array.dtype)), array.attrs["long_name"], array.attrs["units"]
            )
            for name, array in file.items()
            if array.attrs["long_name"] != _index_of(name)
        }


def read_variables(path: FilePath, names: Sequence[str]) -> dict[str, Variable]:
    """Read arrays of a file by name, with their axes, long names and units.

    Raises:
        UserError: the file cannot be read, or lacks an array.
    """
    described = describe(path)
    return {
        name: Variable(described[name].dims, array, described[name].long_name, described[name].units)
        for name, array in read(path, names).items()
    }


def read_attributes(path: FilePath, checked: bool = True) -> dict[str, Any]:
    """Read the attributes of a file, and decode those that are stored as JSON; ``checked`` as in ``open_file``."""
    with open_file(path, checked) as file:
        return {
            key: json.loads(value) if isinstance(value, str) and value.startswith(("[", "{")) else value
            for key, value in file.attrs.items()
        }
