"""Arrays of cells side by side, for the axes (eta, B, realization) of a file."""

from collections.abc import Mapping, Sequence

import numpy as np

from sgd_valleys.storage.cells import Cell, grid


def stack_cells(cells: Sequence[np.ndarray]) -> np.ndarray:
    """Stack arrays (run, ...) of cells with different numbers of runs; gradient descent has one.

    Args:
        cells: (run, ...) array of each cell, or one number a cell.

    Returns:
        (cell, run, ...). The runs that a cell lacks are NaN in floats (float64), and 0 or False in others.
    """
    first = np.asarray(cells[0])
    lengths = [max(len(cell) for cell in cells), *first.shape[1:]] if first.ndim else []
    shape = len(cells), *lengths
    stacked = np.full(shape, np.nan) if first.dtype.kind == "f" else np.zeros(shape, first.dtype)
    for k, cell in enumerate(cells):
        stacked[(k, slice(len(cell))) if first.ndim else k] = cell
    return stacked


def on_grid(cells: Mapping[Cell, np.ndarray]) -> np.ndarray:
    """Arrange the arrays (run, ...), or numbers, of all cells of a sweep on the grid: (eta, B, run, ...) or (eta, B).

    Raises:
        ValueError: a combination of eta and B is missing.
    """
    etas, Bs = grid(cells)
    stacked = stack_cells([cells[cell] for cell in sorted(cells)])
    return stacked.reshape(len(etas), len(Bs), *stacked.shape[1:])
