"""The cells and runs of a sweep: how they are named, selected, and divided into jobs."""

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
        realization: number of the minibatch order, from 0.
    """

    eta: str
    B: int
    realization: int

    @property
    def cell(self) -> Cell:
        """The cell that the run belongs to."""
        return Cell(self.eta, self.B)


def canonical(number: float) -> str:
    """Return the one spelling of a number in file names and keys: its shortest plain decimal, "0.00001" for 1e-05."""
    return np.format_float_positional(number, trim="-")


def log_grid(grid: Mapping[str, Any] | Sequence[float]) -> list[float]:
    """Return the values of a grid, ascending.

    Args:
        grid: {first, last, points}, evenly spaced in the logarithm and rounded to the 6 digits of a file name; or a
            list of values.
    """
    if not isinstance(grid, Mapping):
        return sorted(float(value) for value in grid)
    values = np.geomspace(grid["first"], grid["last"], grid["points"])
    return [float(f"{value:.6g}") for value in values]


@dataclass(frozen=True)
class Selection:
    """Some runs of a sweep; None stands for all.

    Attributes:
        eta: learning rates as canonical text.
        B: batch sizes.
        realizations: numbers of the minibatch orders; a range is as many of the first ones as there are.
    """

    eta: tuple[str, ...] | None
    B: tuple[int, ...] | None
    realizations: tuple[int, ...] | range | None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Selection":
        """Build a selection from {eta, B, realizations}, each a list or "all"; realizations may be {first: 2}."""
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
    """Return those realizations of a cell that at least one of the selections names, in their order."""
    selections = list(selections)
    return [r for r in realizations if any(Run(*cell, r) in selection for selection in selections)]


def samples_per_step(recipe: Recipe, M: int) -> int:
    """Return the samples that a step passes through the network, at most: a minibatch, or all M for other noise."""
    return max(phase.B if phase.noise == "minibatch" else M for phase in recipe.phases)


@dataclass(frozen=True)
class Sweep:
    """A grid of cells (eta, B), each run several times.

    Attributes:
        eta: learning rates as canonical text.
        B: batch sizes.
        realizations: runs of a cell of SGD.
        counts: cells with numbers of runs of their own; the last that names a cell is valid.
        eta_T: eta times the iterations of a run, the same in every cell.
        stack: realizations that one job trains together, at most.
        job_samples: samples that one job passes through the network, about at most.
        M: training samples; B = M is full-batch gradient descent.
        training: section ``training`` of the experiment; empty for that of the paper.
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
        """Every cell, rates first."""
        return [Cell(eta, B) for eta in self.eta for B in self.B]

    def duration(self, eta: str) -> Decimal:
        """Return T = eta_T / eta, exactly; a whole number in a valid sweep."""
        return self.eta_T / Decimal(eta)

    def iterations(self, eta: str) -> int:
        """Return T as a whole number."""
        return int(self.duration(eta))

    @property
    def initializations(self) -> int:
        """Number of initializations; realization r starts from number r modulo this one."""
        return self.training.get("initializations", 1)

    def recipe(self, cell: Cell) -> Recipe:
        """Return how the runs of a cell are trained."""
        return Recipe.from_settings(float(cell.eta), cell.B, self.iterations(cell.eta), self.training)

    def is_deterministic(self, cell: Cell) -> bool:
        """Whether the runs of a cell have no noise, and differ in their initialization alone."""
        return self.recipe(cell).is_deterministic(self.M)

    @property
    def deterministic_B(self) -> list[int]:
        """The batch sizes at which training is deterministic."""
        return [B for B in self.B if self.is_deterministic(Cell(self.eta[0], B))]

    def count(self, cell: Cell) -> int:
        """Return the number of runs of a cell: where training is deterministic, one for each initialization."""
        if self.is_deterministic(cell):
            return self.initializations
        own = [count for selection, count in self.counts if Run(*cell, 0) in selection]
        return own[-1] if own else self.realizations

    def job_chunks(self, cell: Cell) -> list[tuple[int, int]]:
        """Return the first and the last realization of each training job of a cell.

        The size of a chunk depends on the cell alone, so that more realizations leave the full chunks as they are.
        """
        per_run = self.iterations(cell.eta) * samples_per_step(self.recipe(cell), self.M)
        size = min(self.stack, max(1, self.job_samples // per_run))
        count = self.count(cell)
        return [(first, min(first + size, count) - 1) for first in range(0, count, size)]

    def chunk_of(self, run: Run) -> tuple[int, int]:
        """Return the first and the last realization of the training job that a run belongs to."""
        (chunk,) = ((first, last) for first, last in self.job_chunks(run.cell) if first <= run.realization <= last)
        return chunk
