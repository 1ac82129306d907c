"""Arrangement of the arrays of cells on the axes (eta, B, realization) of a file."""

from collections.abc import Mapping, Sequence

import numpy as np

from sgd_valleys.storage.cells import Cell, grid


def stack_cells(cells: Sequence[np.ndarray]) -> np.ndarray:
    """Stack arrays (run, ...) of cells with different numbers of runs; gradient descent may have a single run.

    Args:
        cells: (run, ...) array of each cell, or one number per cell.

    Returns:
        (cell, run, ...), or (cell). Missing runs are NaN in float arrays (float64), and 0 or False in other arrays.
    """
    first = np.asarray(cells[0])
    lengths = [max(len(cell) for cell in cells), *first.shape[1:]] if first.ndim else []
    shape = len(cells), *lengths
    stacked = np.full(shape, np.nan) if first.dtype.kind == "f" else np.zeros(shape, first.dtype)
    for k, cell in enumerate(cells):
        stacked[(k, slice(len(cell))) if first.ndim else k] = cell
    return stacked


def on_grid(cells: Mapping[Cell, np.ndarray]) -> np.ndarray:
    """Arrange the arrays (run, ...) or numbers of all cells on the grid: (eta, B, run, ...) or (eta, B), ascending.

    Raises:
        ValueError: a combination of eta and B is missing.
    """
    etas, Bs = grid(cells)
    stacked = stack_cells([cells[cell] for cell in sorted(cells)])
    return stacked.reshape(len(etas), len(Bs), *stacked.shape[1:])
