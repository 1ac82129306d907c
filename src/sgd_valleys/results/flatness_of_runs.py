"""Measures of flatness of the runs of a cell, in Python; see :class:`sgd_valleys.results.cell.Cell`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.measures.flatness_measures import evaluate
from sgd_valleys.measures.perturbation import Perturbation
from sgd_valleys.measures.point import Point, load_points
from sgd_valleys.storage import hdf5


class FlatnessOfRuns:
    """Points of parameter space where the runs of a cell are, and measures of flatness there."""

    folder: Path
    realizations: Sequence[int]
    parameters: Callable[..., dict[str, np.ndarray]]
    read: Callable[..., dict[str, np.ndarray]]
    _stacks: Callable[[str], list[Path]]
    _curvature_settings: dict[str, Any]

    def point(self, realization: int, t: int | None = None, perturbation: Perturbation | None = None) -> Point:
        """Return where a run is at iteration ``t`` (None is its end), as the measures of flatness take it.

        The loss is over the images of the Hessian. Stored eigenvalues are not computed again.

        Args:
            realization: the run.
            t: iteration; only the runs that ``kept`` names have others than the end.
            perturbation: how parameters are displaced; by default as in the stored measures, if there are any.

        Raises:
            UserError: the cell has no such realization, or its parameters are not stored at this iteration.
        """
        parameters = self.parameters(realization, t)
        stored = self.read("eigenvalue")
        time = -1 if t is None else stored["iteration"].tolist().index(t)
        eigenvalue = stored["eigenvalue"][self.realizations.index(realization), time]
        files = self._stacks("flatness")
        recorded = hdf5.read_attributes(files[0])["parameters"] if files else {}
        displaced = recorded if perturbation is None else asdict(perturbation)
        return load_points(self.folder / "data.h5", displaced | self._curvature_settings)(parameters, eigenvalue)

    def flatness_measures(
        self,
        realization: int,
        measures: str | Sequence[str] = "all",
        t: int | None = None,
        perturbation: Perturbation | None = None,
    ) -> dict[str, float]:
        """Compute measures of flatness of a run by name, as the workflow does at its end; docs/measures.md lists them.

        Args:
            realization: the run.
            measures: names in ``measures.flatness_measures.MEASURES``, or "all".
            t: see ``point``, as for ``perturbation``.
            perturbation: how parameters are displaced.

        Returns:
            values by name; an estimate from random displacements has its ``<name>_standard_error`` as well.

        Raises:
            UserError: there is no such measure, or as in ``point``.
        """
        return evaluate(self.point(realization, t, perturbation), measures)
