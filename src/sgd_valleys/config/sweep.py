"""The cells of a sweep: how they are named, and split into jobs."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

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


def job_chunks(sweep: Mapping[str, Any], eta: str, B: int, M: int) -> list[tuple[int, int]]:
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
