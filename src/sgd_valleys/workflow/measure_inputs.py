"""Files of the optional measures, and the training files that these measures read."""

from collections.abc import Iterable
from typing import Any

from snakemake.exceptions import WorkflowError

from sgd_valleys.config.sweep import Cell, Run, Selection, select
from sgd_valleys.workflow.paths import LocatedConfiguration

Files = dict[str, str | list[str]]


class MeasureInputs(LocatedConfiguration):
    """Input and output files of the jobs of measures."""

    def chunks(self, pattern: str, experiment: str, cells: Iterable[Cell] | None = None) -> list[str]:
        """Return one file for each training job of some cells.

        Args:
            pattern: of files with the wildcards of a training job, such as ``paths.TRAIN``.
            experiment: name of the experiment.
            cells: the cells; all cells of the sweep by default.
        """
        sweep = self.experiments[experiment].sweep
        return [
            pattern.format(experiment=experiment, eta=cell.eta, B=cell.B, first=first, last=last)
            for cell in (sweep.cells if cells is None else cells)
            for first, last in sweep.job_chunks(cell)
        ]

    def chunk(self, pattern: str, experiment: str, run: Run) -> str:
        """Return the file of the training job that contains a run.

        Raises:
            WorkflowError: the sweep has no such run.
        """
        sweep = self.experiments[experiment].sweep
        if run.cell not in sweep.cells or run.realization >= sweep.count(run.cell):
            raise WorkflowError(
                f"experiments.{experiment}.sweep: no run of eta = {run.eta}, B = {run.B}, realization "
                f"{run.realization}; allowed are runs of the sweep; choose one of these, or extend the sweep."
            )
        first, last = sweep.chunk_of(run)
        return pattern.format(experiment=experiment, eta=run.eta, B=run.B, first=first, last=last)

    def train(self, w: Any) -> list[str]:
        """Return all training files of an experiment."""
        return self.chunks(self.paths.TRAIN, w.experiment)

    def path_ends(self, w: Any) -> Files:
        """Return the input files of rule ``paths``: ``train``, and if needed ``barriers`` and ``reference``."""
        experiment = self.experiments[w.experiment]
        found: Files = {"train": self.train(w)}
        if "barriers" in experiment:
            found["barriers"] = self.paths.BARRIERS.format(experiment=w.experiment)
        if "slice" in experiment.path_settings:
            found["reference"] = self.chunk(self.paths.TRAIN, w.experiment, experiment.reference_run)
        return found

    def measures(self, name: str) -> list[str]:
        """Return the files of the optional measures of an experiment."""
        experiment, found = self.experiments[name], []
        for layers in experiment.curvature_layers:
            pattern = self.paths.LAYER_CURVATURE.replace("{layers}", layers)
            found += self.chunks(pattern, name)
        if "flatness" in experiment:
            found += self.chunks(self.paths.FLATNESS, name)
        found += self._chunks_of(self.paths.EDGE_OF_STABILITY, name, experiment.edge_selections)
        found += self._chunks_of(self.paths.GRADIENT_NOISE, name, experiment.noise_selections)
        found += self._chunks_of(self.paths.CONTINUATIONS, name, experiment.continuation_selections)
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
        """Return one file for each training job that contains a selected run."""
        sweep, selections = self.experiments[name].sweep, list(selections)
        return [
            pattern.format(experiment=name, eta=cell.eta, B=cell.B, first=first, last=last)
            for cell in sweep.cells
            for first, last in sweep.job_chunks(cell)
            if select(selections, cell, range(first, last + 1))
        ]
