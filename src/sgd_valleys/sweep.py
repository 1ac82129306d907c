"""The cells of a sweep: how they are named, split into jobs, and read back."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from sgd_valleys import storage

Cell = tuple[str, int]  # (eta as canonical text, B)


def canonical(rate: float) -> str:
    """The one way a rate is written in file names and keys: its shortest plain decimal, 1e-05 as "0.00001"."""
    return np.format_float_positional(rate, trim="-")


def log_grid(grid: Mapping[str, Any] | Sequence[float]) -> list[float]:
    """Values {first, last, points} evenly spaced in their logarithm, to the 6 digits that a file's name can bear.

    A list of values stands for itself, in ascending order.
    """
    if not isinstance(grid, Mapping):
        return sorted(float(value) for value in grid)
    values = np.geomspace(grid["first"], grid["last"], grid["points"])
    return [float(f"{value:.6g}") for value in values]


def cells(sweep: Mapping[str, Any]) -> list[Cell]:
    """Every (eta, B) of a sweep, rates first."""
    return [(canonical(eta), B) for eta in sweep["eta"] for B in sweep["B"]]


def iterations(sweep: Mapping[str, Any], eta: str) -> Decimal:
    """T = eta_T / eta, exactly; a whole number in a valid sweep."""
    return Decimal(str(sweep["eta_T"])) / Decimal(eta)


def realizations(sweep: Mapping[str, Any], B: int, M: int) -> int:
    """Runs in a cell: gradient descent (B = M) is deterministic, so one run serves for all."""
    return 1 if B == M else sweep["realizations"]


def stacks(sweep: Mapping[str, Any], eta: str, B: int, M: int) -> list[tuple[int, int]]:
    """First and last realization of each of a cell's jobs.

    Their size depends on nothing but (eta, B), so that more realizations leave the full stacks as they are.
    """
    per_run = int(iterations(sweep, eta)) * B
    size = min(sweep["stack"], max(1, sweep["job_samples"] // per_run))
    count = realizations(sweep, B, M)
    return [(first, min(first + size, count) - 1) for first in range(0, count, size)]


def selected(selection: Mapping[str, Any], eta: str, B: int, candidates: Iterable[int]) -> list[int]:
    """Those of a cell's realizations that a selection {eta, B, realizations} names (each a list or "all")."""
    if selection["eta"] != "all" and eta not in map(canonical, selection["eta"]):
        return []
    if selection["B"] != "all" and B not in selection["B"]:
        return []
    chosen = selection["realizations"]
    return [r for r in candidates if chosen == "all" or r in chosen]


def selected_by_any(selections: Sequence[Mapping[str, Any]], eta: str, B: int, candidates: Iterable[int]) -> list[int]:
    """The realizations that at least one of the selections names, in order."""
    candidates = list(candidates)
    return sorted({r for selection in selections for r in selected(selection, eta, B, candidates)})


def files_by_cell(paths: Sequence[str]) -> dict[Cell, list[str]]:
    """The files of each cell, told by the attributes eta and B that they carry; in ascending order of both."""
    found: dict[Cell, list[str]] = {}
    for path in paths:
        attributes = storage.read_attributes(path)
        found.setdefault((canonical(attributes["eta"]), int(attributes["B"])), []).append(path)
    return {cell: found[cell] for cell in sorted(found, key=lambda cell: (float(cell[0]), cell[1]))}


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
        parts = [storage.read(path, ["realization", *names, *shared]) for path in files]
        parts.sort(key=lambda part: part["realization"][0])
        joined[cell] = {
            name: parts[0][name] if name in shared else np.concatenate([part[name] for part in parts])
            for name in parts[0]
        }
    return joined


def grid(cells_found: Iterable[Cell]) -> tuple[list[str], list[int]]:
    """The rates and batch sizes of a set of cells, each in ascending order."""
    found = list(cells_found)
    return sorted({eta for eta, _ in found}, key=float), sorted({B for _, B in found})
