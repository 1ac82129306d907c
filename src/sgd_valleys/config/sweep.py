"""Name and select the cells and runs of a sweep, and divide them into jobs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from sgd_valleys.recipe import Recipe


class Cell(NamedTuple):
    """One learning rate with one batch size.

    Attributes:
        eta: learning rate as canonical text.
        B: batch size.
    """

    eta: str
    B: int


class Run(NamedTuple):
    """One realization of a cell.

    Attributes:
        eta: learning rate as canonical text.
        B: batch size.
        realization: number of the random stream, from 0; also selects the initialization (``Sweep.initializations``).
    """

    eta: str
    B: int
    realization: int

    @property
    def cell(self) -> Cell:
        """The cell that the run belongs to."""
        return Cell(self.eta, self.B)


def canonical(number: float) -> str:
    """Return a number as canonical text for file names and keys: the shortest plain decimal, "0.00001" for 1e-05."""
    return np.format_float_positional(number, trim="-")


def log_grid(grid: Mapping[str, Any] | Sequence[float]) -> list[float]:
    """Return the values of a grid, ascending.

    Args:
        grid: a list of values, or {first, last, points} for values that are evenly spaced in the logarithm. Evenly
            spaced values are rounded to 6 significant digits, because file names contain these values.
    """
    if not isinstance(grid, Mapping):
        return sorted(float(value) for value in grid)
    values = np.geomspace(grid["first"], grid["last"], grid["points"])
    return [float(f"{value:.6g}") for value in values]


@dataclass(frozen=True)
class Selection:
    """Some runs of a sweep; None selects all values.

    Attributes:
        eta: learning rates as canonical text.
        B: batch sizes.
        realizations: numbers of realizations; a range may exceed the number of runs of a cell.
    """

    eta: tuple[str, ...] | None
    B: tuple[int, ...] | None
    realizations: tuple[int, ...] | range | None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Selection":
        """Build a selection from {eta, B, realizations}: lists or "all", and for realizations also {first: number}."""
        eta, B, realizations = (settings[name] for name in ("eta", "B", "realizations"))
        if isinstance(realizations, Mapping):
            realizations = range(realizations["first"])
        return cls(
            None if eta == "all" else tuple(map(canonical, eta)),
            None if B == "all" else tuple(B),
            realizations if isinstance(realizations, range) else None if realizations == "all" else tuple(realizations),
        )

    @classmethod
    def of(cls, run: Run) -> "Selection":
        """Build the selection of one run."""
        return cls((run.eta,), (run.B,), (run.realization,))

    def __contains__(self, run: Run) -> bool:
        """Whether the selection names a run."""
        chosen = ((self.eta, run.eta), (self.B, run.B), (self.realizations, run.realization))
        return all(values is None or value in values for values, value in chosen)


def select(selections: Iterable[Selection], cell: Cell, realizations: Iterable[int]) -> list[int]:
    """Return the realizations of a cell that at least one selection contains, in the given order."""
    selections = list(selections)
    return [r for r in realizations if any(Run(*cell, r) in selection for selection in selections)]


@dataclass(frozen=True)
class Sweep:
    """A grid of cells (eta, B), each run several times.

    Attributes:
        eta: learning rates as canonical text.
        B: batch sizes.
        realizations: number of runs of a stochastic cell, unless ``counts`` sets another number.
        eta_T: eta times the number of iterations T of a run, the same in every cell.
        stack: largest number of realizations that one job trains together.
        job_samples: largest number of samples that one job passes through the network. One run may exceed this number.
        M: number of training samples; B = M is full-batch gradient descent.
        counts: numbers of runs of selected cells; the last entry that selects a cell applies.
        training: section ``training`` of the experiment; empty for the training of the paper.
    """

    eta: tuple[str, ...]
    B: tuple[int, ...]
    realizations: int
    eta_T: Decimal
    stack: int
    job_samples: int
    M: int
    counts: tuple[tuple[Selection, int], ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], M: int, training: Mapping[str, Any] | None = None) -> "Sweep":
        """Build a sweep from the sections ``sweep`` and ``training`` of an experiment with M training samples."""
        return cls(
            eta=tuple(map(canonical, settings["eta"])),
            B=tuple(settings["B"]),
            eta_T=Decimal(str(settings["eta_T"])),
            M=M,
            training=training or {},
            counts=tuple(
                (Selection.from_settings({**entry, "realizations": "all"}), entry["realizations"])
                for entry in settings.get("counts", ())
            ),
            **{name: settings[name] for name in ("realizations", "stack", "job_samples")},
        )

    @property
    def cells(self) -> list[Cell]:
        """All cells: all batch sizes of the first learning rate, then those of the next."""
        return [Cell(eta, B) for eta in self.eta for B in self.B]

    def duration(self, eta: str) -> Decimal:
        """Return T = eta_T / eta, exactly; a whole number in a valid sweep."""
        return self.eta_T / Decimal(eta)

    def iterations(self, eta: str) -> int:
        """Return T as a whole number."""
        return int(self.duration(eta))

    @property
    def initializations(self) -> int:
        """Number n of initializations; realization r starts from initialization r mod n."""
        return self.training.get("initializations", 1)

    def recipe(self, cell: Cell) -> Recipe:
        """Return the recipe of the runs of a cell."""
        return Recipe.from_settings(float(cell.eta), cell.B, self.iterations(cell.eta), self.training)

    def is_deterministic(self, cell: Cell) -> bool:
        """Whether the training of a cell has no noise; its runs then differ only in their initialization."""
        return self.recipe(cell).is_deterministic(self.M)

    @property
    def deterministic_B(self) -> list[int]:
        """The batch sizes at which training is deterministic."""
        return [B for B in self.B if self.is_deterministic(Cell(self.eta[0], B))]

    def count(self, cell: Cell) -> int:
        """Return the number of runs of a cell; a deterministic cell has one run for each initialization."""
        if self.is_deterministic(cell):
            return self.initializations
        own = [count for selection, count in self.counts if Run(*cell, 0) in selection]
        return own[-1] if own else self.realizations

    @property
    def runs(self) -> int:
        """Number of runs of all cells."""
        return sum(map(self.count, self.cells))

    def job_chunks(self, cell: Cell) -> list[tuple[int, int]]:
        """Return the first and the last realization of each training job of a cell.

        The size of a chunk is independent of the number of realizations. Additional realizations therefore do not
        change the full chunks.
        """
        per_run = self.iterations(cell.eta) * self.recipe(cell).most_samples_per_step(self.M)
        size = min(self.stack, max(1, self.job_samples // per_run))
        count = self.count(cell)
        return [(first, min(first + size, count) - 1) for first in range(0, count, size)]

    def chunk_of(self, run: Run) -> tuple[int, int]:
        """Return the first and the last realization of the training job of a run.

        Raises:
            ValueError: the sweep has no such run.
        """
        (chunk,) = ((first, last) for first, last in self.job_chunks(run.cell) if first <= run.realization <= last)
        return chunk
