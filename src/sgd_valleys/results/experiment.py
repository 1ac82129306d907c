"""Access to a finished experiment in Python: all cells of its sweep."""

import os
import re
from pathlib import Path

from sgd_valleys.errors import UserError
from sgd_valleys.results.cell import Cell

_STACK = re.compile(r"eta([0-9.]+)_B(\d+)_r\d+-\d+")


class Experiment:
    """The results of one experiment.

    Args:
        folder: folder of the experiment, such as ``results/mnist``.

    Raises:
        UserError: the folder has no trained cell.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        if not self.cells():
            raise UserError(
                f"folder = {folder}: no trained cell in {self.folder / 'train'}; allowed are folders of one "
                "experiment, such as results/mnist; change the folder, or run the workflow first."
            )

    def cells(self) -> list[Cell]:
        """Return the trained cells, in ascending order of ``eta`` and then ``B``."""
        stacks = (_STACK.fullmatch(path.stem) for path in (self.folder / "train").glob("*.h5"))
        found = {(float(stack[1]), int(stack[2])) for stack in stacks if stack}
        return [Cell(self.folder, eta, B) for eta, B in sorted(found)]

    def cell(self, eta: float, B: int) -> Cell:
        """Return the cell of a learning rate and a batch size.

        Raises:
            UserError: the sweep has no such cell, or the cell has not been trained.
        """
        return Cell(self.folder, eta, B)
