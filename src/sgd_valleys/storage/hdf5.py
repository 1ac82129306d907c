"""HDF5 files: whole or absent, self-describing, and the same bytes for the same inputs.

Every array is a dataset whose axes are named by dimension scales and which carries ``long_name``
and ``units``, so that ``xarray.open_dataset(path, engine="h5netcdf")`` shows it with named axes.
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
Index = int | Sequence[int]
BLOCK = 2**24  # bytes of a file that are in memory at once while its checksum is compared
OPEN_FLAG = 20  # position of the byte that is 1 while a program holds the file open for writing, else 0
CHECKSUM = "file_sha256"
NO_CHECKSUM = f"sgd-valleys-sha256:{'0' * 64}"  # the zeros stand in the checksum's place while it is taken
_PLACE = re.compile(rb"sgd-valleys-sha256:([0-9a-f]{64})")  # found without HDF5, which a damaged file can hang


@dataclass(frozen=True)
class Variable:
    """An array (or number, or list) with the names of its axes, its long name, and its unit ("1" where it has none).

    Integers and booleans are compressed; floats only where asked, since weights are incompressible.
    """

    dims: tuple[str, ...]
    data: Any
    long_name: str
    units: str = "1"
    compress: bool = False


# long name and unit of the coordinates that several files have
COORDINATES = {
    "eta": ("learning rate", "1"),
    "B": ("batch size", "samples"),
    "realization": ("realization (order of the minibatches)", "1"),
    "threshold": ("threshold L_c of Eq. 7", "nat"),
    "t_c": ("iteration of the SGD run at which the branch leaves it", "iterations"),
}


def coordinates(**values: Any) -> dict[str, Variable]:
    """Describe the coordinates of the named axes, one-dimensional each, for ``write``."""
    return {name: Variable((name,), array, *COORDINATES[name]) for name, array in values.items()}


def write(path: FilePath, variables: Mapping[str, Variable], attributes: Mapping[str, Any] | None = None) -> None:
    """Write ``variables`` to an HDF5 file, whole or not at all.

    A variable named like its only axis is that axis's coordinate; every other axis gets a plain
    index. Booleans are stored as int8 with the attribute ``dtype = "bool"``, as xarray does. The attribute
    ``file_sha256`` is a checksum of the whole file, for ``check``.

    Args:
        path: the file; what stood there before is replaced.
        variables: the arrays by name.
        attributes: of the whole file; mappings and sequences are stored as JSON.

    Raises:
        ValueError: an axis has two lengths, an array not as many axes as names, or the name of an axis.
        UserError: the disk refuses.
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
    # made in memory: where a disk is full HDF5 cannot even close its file, and takes the process down with it
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for key, value in sorted((attributes or {}).items()):
            file.attrs[key] = value if isinstance(value, str | int | float) else json.dumps(value, sort_keys=True)
        for name, variable in (axes | variables).items():  # axes first, to which the others are attached
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
    """Put the checksum of a file's content in its place, where ``NO_CHECKSUM`` or an old one stands."""
    place = _PLACE.search(content).span(1)
    content[slice(*place)] = b"0" * 64
    content[slice(*place)] = hashlib.sha256(content).hexdigest().encode()


def check(path: FilePath) -> None:
    """Compare every byte of a file with the checksum in it, before HDF5 reads the file.

    Raises:
        UserError: the file cannot be read, is damaged, or was changed after it was written.
    """
    digest, found = hashlib.sha256(), b""
    try:
        with open(path, "rb") as file:
            rest = file.read(OPEN_FLAG)
            flag = file.read(1)
            rest += b"\0" if flag == b"\1" else flag
            while block := file.read(BLOCK):  # not mapped: a disk's read error would kill the process
                rest += block
                if not found and (place := _PLACE.search(rest)):
                    start, end = place.span(1)
                    found = rest[start:end]
                    rest = rest[:start] + b"0" * len(found) + rest[end:]
                # the last bytes of a block may be the beginning of the place
                complete = len(rest) if found else max(0, len(rest) - len(NO_CHECKSUM) + 1)
                digest.update(rest[:complete])
                rest = rest[complete:]
    except OSError as error:
        raise unreadable(path, error) from error
    digest.update(rest)
    if digest.hexdigest().encode() != found:
        raise UserError(f"{path} is not what was written (its checksum differs): delete it and run again.")


def unreadable(path: FilePath, error: Exception) -> UserError:
    """Describe an error that says nothing about the bytes of a file: no advice to delete the file."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path} is not there: run again.")
    reason = getattr(error, "strerror", None) or str(error).strip("'\"") or type(error).__name__
    return UserError(
        f"{path} cannot be read ({reason.splitlines()[0]}), and may be intact: make it readable, and run again."
    )


@cache
def _checked(path: str, *_state: int) -> None:
    """``check`` each state of a file once in a process: at 1 GB/s it costs little, but not at every read."""
    check(path)


@contextmanager
def open_file(path: FilePath, checked: bool = True) -> Iterator[h5py.File]:
    """Open a file that ``write`` wrote, after comparing its checksum.

    Args:
        path: the file.
        checked: False opens a file that was just written without reading all of it.

    Raises:
        UserError: it is missing, cannot be read, or is damaged.
    """
    try:
        state = os.stat(path)
        if checked:
            _checked(str(path), state.st_ino, state.st_size, state.st_mtime_ns)
        # HDF5 would lock a file that it opens itself, which some network disks refuse
        with open(path, "rb") as content, h5py.File(content, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        raise unreadable(path, error) from error


def _axes(dataset: h5py.Dataset) -> tuple[str, ...]:
    """Return the names of an array's axes; a coordinate is the scale of its own axis and carries no label."""
    return tuple(dim[0].name[1:] if len(dim) else dataset.name[1:] for dim in dataset.dims)


def _array(dataset: h5py.Dataset, at: Mapping[str, Index]) -> np.ndarray:
    array = dataset[tuple(at.get(axis, slice(None)) for axis in _axes(dataset))] if at else dataset[()]
    return array.astype(bool) if dataset.attrs.get("dtype") == "bool" else array


def read(
    path: FilePath, names: Sequence[str] | None = None, at: Mapping[str, Index] | None = None
) -> dict[str, np.ndarray]:
    """Read the named arrays of a file (all of them where ``names`` is None), or a part of each.

    Args:
        path: the file.
        names: of the arrays.
        at: the positions to read along named axes: a number, which removes the axis, or ascending numbers for at most
            one axis of an array.

    Raises:
        UserError: the file cannot be read, or lacks one of them.
    """
    with open_file(path) as file:
        missing = [name for name in names or () if name not in file]
        if missing:
            raise UserError(f"{path} holds no {', '.join(missing)}: it has {', '.join(file)}.")
        return {name: _array(file[name], at or {}) for name in (names or file)}


def position(path: FilePath, axis: str, value: int) -> dict[str, int]:
    """Find ``value`` among an axis's coordinates, in the form that ``read`` takes: {axis: position}."""
    return {axis: list(read(path, [axis])[axis]).index(value)}


@dataclass(frozen=True)
class Description:
    """The metadata of an array: the names of its axes, its type, its long name, and its unit."""

    dims: tuple[str, ...]
    dtype: str
    long_name: str
    units: str


def describe(path: FilePath) -> dict[str, Description]:
    """Describe the arrays of a file by name, without reading them and without axes that have no coordinate."""
    with open_file(path) as file:
        return {
            name: Description(
                _axes(array), array.attrs.get("dtype", str(array.dtype)), array.attrs["long_name"], array.attrs["units"]
            )
            for name, array in file.items()
            if array.attrs["long_name"] != _index_of(name)
        }


def read_variables(path: FilePath, names: Sequence[str]) -> dict[str, Variable]:
    """Read the named arrays of a file with their axes, long names and units.

    Raises:
        UserError: the file cannot be read, or lacks one of them.
    """
    described = describe(path)
    return {
        name: Variable(described[name].dims, array, described[name].long_name, described[name].units)
        for name, array in read(path, names).items()
    }


def read_attributes(path: FilePath, checked: bool = True) -> dict[str, Any]:
    """Read a file's attributes, decoded where they are stored as JSON. ``checked``: see ``open_file``."""
    with open_file(path, checked) as file:
        return {
            key: json.loads(value) if isinstance(value, str) and value.startswith(("[", "{")) else value
            for key, value in file.attrs.items()
        }
