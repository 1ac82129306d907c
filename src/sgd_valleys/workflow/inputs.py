"""The files that every job reads, and those with which a complete run ends.

Functions take a job's wildcards, or the name of an experiment or a figure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from snakemake.exceptions import WorkflowError

from sgd_valleys.config.figures import STYLE
from sgd_valleys.config.shown import branches_are_descents
from sgd_valleys.config.sweep import Cell, Run, Selection, canonical, log_grid, select
from sgd_valleys.data.files import expand_path
from sgd_valleys.workflow.paths import LocatedConfiguration

Files = dict[str, str | list[str]]
# what every figure shows, for the menu of the report
FIGURES = {
    "fig1": "valleys, and the barriers between them",
    "fig2": "diversity, accuracy and flatness against noise",
    "fig2X": "accuracy against noise on the whole test file (ours)",
    "fig3": "freezing times, and flatness along training",
    "fig4": "which valleys one SGD run passes through",
    "fig4X": "Fig. 4 over all realizations (ours)",
    "fig5": "the two-valley model",
    "fig6": "its theory: effective loss, and freezing",
    "fig6X": "how far theory is from simulation (ours)",
    "figS1": "Hessian spectra of the solutions",
    "figS2": "displacement, convergence, accuracy, losses",
    "figS3": "freezing times at other thresholds",
    "figS4": "losses and accuracies of the branches",
    "figS5": "another network and data set",
    "figS6": "the two-valley model under another noise",
}


# parts of the paper whose claims are judged together, and the figures of which one has to be drawn
CLAIMED = {
    "barriers": ("fig1",),
    "spectra": ("figS1",),
    "noise": ("fig2",),
    "freezing": ("fig3",),
    "branches": ("fig4X",),
    "diagrams": ("fig5", "figS6"),
    "theory": ("fig5", "fig6", "fig6X"),
    "other": ("figS5",),
}


def judged_parts(figures: Mapping[str, Any]) -> list[str]:
    """Return the parts of the paper whose claims are judged: those with a figure in the configuration's ``figures``.

    Fig. S5 is a part of its own only if it shows another experiment than Fig. 2.
    """
    shown = {name: figures[name].get("experiment") for name in ("fig2", "figS5") if name in figures}
    same = shown.get("fig2") == shown.get("figS5")
    return [
        part
        for part, names in CLAIMED.items()
        if any(name in figures for name in names) and not (part == "other" and same)
    ]


class Inputs(LocatedConfiguration):
    """The files that every rule's jobs read."""

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

    def own_file(self, w: Any) -> list[str]:
        """Return the file of an experiment with a data set of the user's own; none for another data set."""
        dataset = self.experiments[w.experiment]["dataset"]
        return [str(expand_path(dataset["path"]))] if "path" in dataset else []

    def run_train(self, w: Any) -> str:
        """Return the training file of a run."""
        return self.chunk(self.paths.TRAIN, w.experiment, Run(w.eta, int(w.B), int(w.realization)))

    def train(self, w: Any) -> list[str]:
        """Return the training files of a sweep."""
        return self.chunks(self.paths.TRAIN, w.experiment)

    def curvature(self, w: Any) -> list[str]:
        """Return the curvature files of a sweep."""
        return self.chunks(self.paths.CURVATURE, w.experiment)

    def projected(self, w: Any) -> list[str]:
        """Return the training files of the cells whose runs are projected."""
        experiment = self.experiments[w.experiment]
        cells = [run.cell for run in experiment.block_runs] + experiment.projected_cells
        return self.chunks(self.paths.TRAIN, w.experiment, dict.fromkeys(cells))

    def branched(self, w: Any) -> list[str]:
        """Return the endpoints of all branched runs of a cell."""
        branching = self.experiments[w.experiment].branchings[w.eta, int(w.B)]
        return [
            self.paths.BRANCH_ENDPOINTS.format(experiment=w.experiment, eta=w.eta, B=w.B, realization=realization)
            for realization in branching.realizations
        ]

    def phase_rows(self, w: Any) -> list[str]:
        """Return one file for each learning rate of a phase diagram."""
        rates = log_grid(self.config["two_valley"]["phase_diagrams"][w.diagram]["eta"])
        return [self.paths.PHASE_ROW.format(diagram=w.diagram, eta=canonical(eta)) for eta in rates]

    def small_eta_limits(self) -> list[str]:
        """Return one file for each Delta_S at which the learning rate is made smaller."""
        values = self.config["two_valley"]["continuous_time"]["small_eta_limit"]["delta_S"]
        return [self.paths.SMALL_ETA_LIMIT.format(delta_S=canonical(delta_S)) for delta_S in values]

    def reference(self, experiment: str, **patterns: str) -> Files:
        """Return the files of the reference run of an experiment, under the names of their patterns."""
        run = self.experiments[experiment].reference_run
        return {
            key: self.chunk(pattern, experiment, run)
            if "{first}" in pattern
            else pattern.format(experiment=experiment, **run._asdict())
            for key, pattern in patterns.items()
        }

    def _row(self, pattern: str, figure: str, rates: Iterable[str] = ("eta",), also: Iterable[Cell] = ()) -> list[str]:
        """Return the files of all batch sizes at a figure's learning rates, and of some cells more."""
        settings = self.config["figures"][figure]
        experiment = self.experiments[settings["experiment"]]
        cells = [Cell(canonical(settings[rate]), B) for rate in rates for B in experiment.sweep.B]
        return self.chunks(pattern, experiment.name, dict.fromkeys([*cells, *also]))

    def _analyses(self, figure: str, *patterns: str) -> Files:
        """Return analyses of the experiment that a figure shows, under the names of their rules."""
        return self._analyses_of(self.config["figures"][figure]["experiment"], *patterns)

    @staticmethod
    def _analyses_of(experiment: str, *patterns: str) -> Files:
        found = (pattern.format(experiment=experiment) for pattern in patterns)
        return {path.rsplit("/", 1)[1].removesuffix(".h5"): path for path in found}

    def _diagram(self, figure: str) -> str:
        return self.paths.PHASE_DIAGRAM.format(diagram=self.config["figures"][figure]["diagram"])

    @property
    def drawn(self) -> dict[str, str]:
        """The figure of the paper that each figure of the configuration draws, by name."""
        return {name: figure["draw"] for name, figure in self.config["figures"].items() if name != STYLE}

    def figure(self, name: str) -> Files:
        """Return the files that a figure shows."""
        settings = self.config["figures"][name]
        experiment = settings.get("experiment")
        branches = {
            "train": self.paths.BRANCH_TRAIN,
            "curvature": self.paths.BRANCH_CURVATURE,
            "endpoints": self.paths.BRANCH_ENDPOINTS,
            "projection": self.paths.BRANCH_PROJECTION,
        }
        model = {"occupancy": self.paths.OCCUPANCY, "theory": self.paths.THEORY}
        match settings["draw"]:
            case "fig1":
                return self._analyses(name, self.paths.PROJECTION, self.paths.JACCARD, self.paths.BARRIERS)
            case "fig2":
                return self._analyses(name, self.paths.CELL_MAPS, self.paths.ENDPOINTS, self.paths.PROJECTION)
            case "fig2X":
                return self._analyses(name, self.paths.CELL_MAPS, self.paths.ENDPOINTS)
            case "fig3":
                run = settings["run"]
                return {
                    **self._analyses(name, self.paths.CELL_MAPS, self.paths.FREEZING),
                    "train": self._row(self.paths.TRAIN, name, also=[Cell(canonical(run["eta"]), run["B"])]),
                    "curvature": self._row(self.paths.CURVATURE, name),
                }
            case "fig4":
                run = {"run": self.paths.TRAIN, "run_curvature": self.paths.CURVATURE}
                return self.reference(experiment, **run, **branches)
            case "fig4X":
                return self.reference(experiment, statistics=self.paths.BRANCH_STATISTICS)
            case "fig5":
                return {"diagram": self._diagram(name), **model}
            case "fig6":
                return model
            case "fig6X":
                compared = self.config["two_valley"]["continuous_time"]["diagram"]
                return {
                    "diagram": self.paths.PHASE_DIAGRAM.format(diagram=compared),
                    **model,
                    "small_eta_limit": self.small_eta_limits(),
                    "ito": self.paths.FOKKER_PLANCK.format(convention="ito"),
                    "printed": self.paths.FOKKER_PLANCK.format(convention="hanggi-klimontovich"),
                }
            case "figS1":
                files = self._analyses(name, self.paths.CELL_MAPS, self.paths.ENDPOINTS)
                return files | {"curvature": self._row(self.paths.CURVATURE, name)}
            case "figS2" | "figS3":
                return self._analyses(name, self.paths.CELL_MAPS)
            case "figS4":
                chosen = {key: branches[key] for key in ("train", "endpoints")}
                return self.reference(experiment, run=self.paths.TRAIN, **chosen)
            case "figS5":
                return {
                    **self._analyses(name, self.paths.CELL_MAPS, self.paths.JACCARD, self.paths.PROJECTION),
                    "train": self._row(self.paths.TRAIN, name),
                    "curvature": self._row(self.paths.CURVATURE, name, rates=("eta", "spectrum_eta")),
                }
            case "figS6":
                return {"diagram": self._diagram(name)}
        raise ValueError(f"{settings['draw']} is no figure of the workflow")

    def spectra(self, figure: str) -> list[str]:
        """Return the curvature files of a figure's experiment that hold whole spectra."""
        experiment = self.experiments[self.config["figures"][figure]["experiment"]]
        return self._chunks_of(self.paths.CURVATURE, experiment.name, experiment.spectrum_selections)

    def measures(self, name: str) -> list[str]:
        """Return the files of the measures that an experiment asks for, beyond those that figures read."""
        experiment, found = self.experiments[name], []
        for layers in experiment.curvature_layers:
            pattern = self.paths.LAYER_CURVATURE.replace("{layers}", layers)
            found += self.chunks(pattern, name)
        if "flatness" in experiment:
            found += self.chunks(self.paths.FLATNESS, name)
        return found + self._chunks_of(self.paths.EDGE_OF_STABILITY, name, experiment.edge_selections)

    def _chunks_of(self, pattern: str, name: str, selections: Iterable[Selection]) -> list[str]:
        """Return the files of the training jobs in which there are selected runs."""
        sweep, selections = self.experiments[name].sweep, list(selections)
        return [
            pattern.format(experiment=name, eta=cell.eta, B=cell.B, first=first, last=last)
            for cell in sweep.cells
            for first, last in sweep.job_chunks(cell)
            if select(selections, cell, range(first, last + 1))
        ]

    def claims(self) -> Files:
        """Return the files that the claims are judged by, named by part and input, as ``noise/endpoints``."""
        parts = {part: self._judged_by(part) for part in judged_parts(self.config["figures"])}
        return {f"{part}/{name}": found for part, files in parts.items() for name, found in files.items()}

    def _judged_by(self, part: str) -> Files:
        """Return the files that the claims of a part of the paper are judged by."""
        figure, sweep = CLAIMED[part][0], (self.paths.ENDPOINTS, self.paths.FREEZING, self.paths.CELL_MAPS)
        match part:
            case "barriers":
                return self._analyses(figure, self.paths.BARRIERS, self.paths.JACCARD, self.paths.ENDPOINTS)
            case "spectra":
                return self._analyses(figure, self.paths.ENDPOINTS) | {"spectra": self.spectra(figure)}
            case "noise":
                return self._analyses(figure, *sweep, self.paths.JACCARD)
            case "freezing":
                return self._analyses(figure, *sweep) | self._along_training(figure)
            case "branches":
                return self.figure(figure)
            case "diagrams":
                return {"diagrams": [self._diagram(name) for name in CLAIMED[part] if name in self.config["figures"]]}
            case "theory":
                return {"occupancy": self.paths.OCCUPANCY, "theory": self.paths.THEORY}
            case "other":
                along = self._along_training(figure)
                return self._analyses(figure, *sweep) | along | {"spectra": self.spectra(figure)}
        raise ValueError(f"{part} is no part of the claims")

    def _along_training(self, figure: str) -> Files:
        """Return the files with loss and flatness along the runs at the learning rate of a figure."""
        return {"train": self._row(self.paths.TRAIN, figure), "curvature": self._row(self.paths.CURVATURE, figure)}

    def explorer(self) -> Files:
        """Return all files that the explorer shows, under names such as ``mnist/endpoints``."""
        found: Files = {f"two_valley/{name}": self.paths.PHASE_DIAGRAM.format(diagram=name) for name in self.diagrams}
        analyses = (self.paths.CELL_MAPS, self.paths.ENDPOINTS, self.paths.FREEZING, self.paths.PROJECTION)
        for name, experiment in self.experiments.items():
            own = self._analyses_of(name, *analyses)
            own |= {"train": self.chunks(self.paths.TRAIN, name), "curvature": self.chunks(self.paths.CURVATURE, name)}
            if branches_are_descents(experiment):
                own |= self.reference(
                    name,
                    branch_run=self.paths.TRAIN,
                    branch_train=self.paths.BRANCH_TRAIN,
                    branch_projection=self.paths.BRANCH_PROJECTION,
                    branch_endpoints=self.paths.BRANCH_ENDPOINTS,
                )
            found |= {f"{name}/{key}": path for key, path in own.items()}
        return found

    def figures(self, *formats: str) -> list[str]:
        """Return the files of all figures in some formats."""
        return [self.paths.FIGURE.format(figure=name, format=each) for name in self.drawn for each in formats]

    def targets(self) -> list[str]:
        """Return the files with which a complete run ends.

        Beyond the figures, these are every experiment's maps and measures, every branched cell and every phase diagram.
        """
        maps = [self.paths.CELL_MAPS.format(experiment=name) for name in self.experiments]
        cells = [
            self.paths.BRANCH_STATISTICS.format(experiment=name, eta=cell.eta, B=cell.B)
            for name, experiment in self.experiments.items()
            for cell in experiment.branchings
        ]
        diagrams = [self.paths.PHASE_DIAGRAM.format(diagram=name) for name in self.diagrams]
        claims = [self.paths.CLAIMS, *self.paths.CLAIMS_TABLES.values()]
        ends = [self.paths.EXPLORER, self.paths.CONFIGURATION, self.paths.VERSIONS]
        measures = [path for name in self.experiments for path in self.measures(name)]
        return [*self.figures("png", "pdf"), *maps, *cells, *diagrams, *measures, *claims, *ends]
