"""The cells of a sweep in its files: the stacks of a cell joined, and a cell's place on the axes of a file."""

from collections.abc import Iterable, Sequence

import numpy as np

from sgd_valleys.storage import hdf5

Cell = tuple[float, int]  # (eta, B)


def files_by_cell(paths: Sequence[str]) -> dict[Cell, list[str]]:
    """The files of each cell, told by the attributes eta and B that they carry; in ascending order of both."""
    found: dict[Cell, list[str]] = {}
    for path in paths:
        attributes = hdf5.read_attributes(path)
        found.setdefault((float(attributes["eta"]), int(attributes["B"])), []).append(path)
    return {cell: found[cell] for cell in sorted(found)}


def read_cells(
    paths: Sequence[str], names: Sequence[str], shared: Sequence[str] = ()
) -> dict[Cell, dict[str, np.ndarray]]:
    """Read arrays of many files, the stacks of a cell joined.

    Args:
        paths: files of training or curvature, in any order, that carry the attributes eta and B.
        names: of arrays with a leading realization axis; ``realization`` always comes along.
        shared: of arrays without one, the same in all of a cell's stacks.

    Returns:
        by cell, then by name, arrays, (realization, ...) in the realizations' order.
    """
    joined = {}
    for cell, files in files_by_cell(paths).items():
        parts = [hdf5.read(path, ["realization", *names, *shared]) for path in files]
        parts.sort(key=lambda part: part["realization"][0])
        joined[cell] = {
            name: parts[0][name] if name in shared else np.concatenate([part[name] for part in parts])
            for name in parts[0]
        }
    return joined


def grid(cells_found: Iterable[Cell]) -> tuple[list[float], list[int]]:
    """The rates and batch sizes of a set of cells, each in ascending order."""
    found = list(cells_found)
    return sorted({eta for eta, _ in found}), sorted({B for _, B in found})


def index_of(axis: Iterable[float], value: float) -> int | None:
    """Return the position of ``value`` on an axis of a file, compared as float64; None where it is not there."""
    found = np.flatnonzero(np.asarray(axis, dtype=np.float64) == np.float64(value))
    return int(found[0]) if found.size else None


def find_cell(eta_axis: Iterable[float], B_axis: Iterable[int], eta: float, B: int) -> tuple[int, int] | None:
    """Return the position of a cell on the axes eta and B of a file; None where the file lacks it."""
    row, column = index_of(eta_axis, eta), index_of(B_axis, B)
    return None if row is None or column is None else (row, column)
