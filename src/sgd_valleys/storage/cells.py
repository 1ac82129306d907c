"""The cells of a sweep in its files: the stacks of a cell joined, and a cell's position on the axes of a file."""

from collections.abc import Iterable, Sequence

import numpy as np

from sgd_valleys.storage import hdf5

Cell = tuple[float, int]  # (eta, B)


def files_by_cell(paths: Sequence[str]) -> dict[Cell, list[str]]:
    """Group files by their attributes eta and B, in ascending order of both."""
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
        paths: files of training or curvature, in any order, with the attributes eta and B.
        names: of arrays with a leading realization axis; ``realization`` is always read.
        shared: of arrays without a realization axis, the same in all stacks of a cell.

    Returns:
        by cell, then by name, arrays (realization, ...) in the order of the realizations.
    """
    joined = {}
    for cell, files in files_by_cell(paths).items():
        parts = [hdf5.read(path, ["realization", *names, *shared]) for path in files]
        parts.sort(key=lambda part: part["realization"][0])
        joined[cell] = {name: np.concatenate([part[name] for part in parts]) for name in ("realization", *names)}
        joined[cell] |= {name: parts[0][name] for name in shared}
    return joined


def grid(cells: Iterable[Cell]) -> tuple[list[float], list[int]]:
    """Return the learning rates and the batch sizes of cells, each in ascending order."""
    etas, Bs = map(set, zip(*cells, strict=True))
    return sorted(etas), sorted(Bs)


def index_of(axis: np.ndarray, value: float) -> int | None:
    """Return the index of a value on an axis, compared exactly; None where the axis lacks the value."""
    found = np.flatnonzero(np.asarray(axis) == value)
    return int(found[0]) if found.size else None


def find_cell(eta_axis: np.ndarray, B_axis: np.ndarray, eta: float, B: int) -> tuple[int, int] | None:
    """Return the position (i, j) of a cell on the axes of a file; None where an axis lacks eta or B.

    Every file stores eta as the float64 of the same decimal, so that the comparison is exact.
    """
    i, j = index_of(eta_axis, eta), index_of(B_axis, B)
    return None if i is None or j is None else (i, j)
