"""The files of measures that no figure shows, and the training files that they read."""

from collections.abc import Iterable
from typing import Any

from snakemake.exceptions import WorkflowError

from sgd_valleys.config.sweep import Cell, Run, Selection, select
from sgd_valleys.workflow.paths import LocatedConfiguration

Files = dict[str, str | list[str]]


class MeasureInputs(LocatedConfiguration):
    """The files that the jobs of these measures read, and those that they write."""

    def chunks(self, pattern: str, experiment: str, cells: Iterable[Cell] | None = None) -> list[str]:
        """Return the files of all training jobs of some cells, or of the whole sweep.

        Args:
            pattern: ``paths.TRAIN``, ``paths.CURVATURE`` or ``paths.FLATNESS``.
            experiment: its name.
            cells: which; all by default.
        """
        sweep = self.experiments[experiment].sweep
        return [
            pattern.format(experiment=experiment, eta=cell.eta, B=cell.B, first=first, last=last)
            for cell in (sweep.cells if cells is None else cells)
            for first, last in sweep.job_chunks(cell)
        ]

    def chunk(self, pattern: str, experiment: str, run: Run) -> str:
        """Return the file of the training job that a run belongs to.

        Raises:
            WorkflowError: the sweep has no such run.
        """
        sweep = self.experiments[experiment].sweep
        if run.cell not in sweep.cells or run.realization >= sweep.count(run.cell):
            raise WorkflowError(
                f"The sweep of {experiment} has no run of eta = {run.eta}, B = {run.B}, realization {run.realization}."
            )
        first, last = sweep.chunk_of(run)
        return pattern.format(experiment=experiment, eta=run.eta, B=run.B, first=first, last=last)

    def train(self, w: Any) -> list[str]:
        """Return the training files of a sweep."""
        return self.chunks(self.paths.TRAIN, w.experiment)

    def path_ends(self, w: Any) -> Files:
        """Return the files that rule ``paths`` reads: ``train``, and where the settings ask for them two others."""
        experiment = self.experiments[w.experiment]
        found: Files = {"train": self.train(w)}
        if "barriers" in experiment:
            found["barriers"] = self.paths.BARRIERS.format(experiment=w.experiment)
        if "slice" in experiment.path_settings:
            found["reference"] = self.chunk(self.paths.TRAIN, w.experiment, experiment.reference_run)
        return found

    def measures(self, name: str) -> list[str]:
        """Return the files of the measures that an experiment asks for, beyond those that figures read."""
        experiment, found = self.experiments[name], []
        for layers in experiment.curvature_layers:
            pattern = self.paths.LAYER_CURVATURE.replace("{layers}", layers)
            found += self.chunks(pattern, name)
        if "flatness" in experiment:
            found += self.chunks(self.paths.FLATNESS, name)
        found += self._chunks_of(self.paths.EDGE_OF_STABILITY, name, experiment.edge_selections)
        found += self._chunks_of(self.paths.GRADIENT_NOISE, name, experiment.noise_selections)
        if "paths" in experiment:
            found.append(self.paths.PATHS.format(experiment=name))
        if "basins" in experiment.settings.get("branches", {}):
            found += [
                self.paths.BRANCH_BASINS.format(experiment=name, eta=cell.eta, B=cell.B, realization=realization)
                for cell, branching in experiment.branchings.items()
                for realization in branching.realizations
            ]
        return found

    def _chunks_of(self, pattern: str, name: str, selections: Iterable[Selection]) -> list[str]:
        """Return the files of the training jobs in which there are selected runs."""
        sweep, selections = self.experiments[name].sweep, list(selections)
        return [
            pattern.format(experiment=name, eta=cell.eta, B=cell.B, first=first, last=last)
            for cell in sweep.cells
            for first, last in sweep.job_chunks(cell)
            if select(selections, cell, range(first, last + 1))
        ]
