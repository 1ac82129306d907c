"""Input files of all jobs, and target files of a complete run.

Methods take the wildcards ``w`` of a job, or the name of an experiment or a figure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sgd_valleys.config.figures import STYLE
from sgd_valleys.config.shown import branches_are_descents
from sgd_valleys.config.sweep import Cell, Run, canonical, log_grid
from sgd_valleys.data.files import expand_path
from sgd_valleys.workflow.arms import only_arms
from sgd_valleys.workflow.control_inputs import CONTROLS, ControlInputs
from sgd_valleys.workflow.measure_inputs import Files

# parts of the paper whose claims are judged together; each needs at least one of its figures in the configuration
CLAIMED = {
    "barriers": ("fig1",),
    "spectra": ("figS1",),
    "valleys": ("figC5",),
    "noise": ("fig2",),
    "learning_rate": ("figC1",),
    "noise_shape": ("figC2",),
    "arms": ("figC3",),
    "senses": ("figC4",),
    "freezing": ("fig3",),
    "basin_times": ("figC6",),
    "branches": ("fig4X",),
    "diagrams": ("fig5", "figS6"),
    "theory": ("fig5", "fig6", "fig6X"),
    "other": ("figS5",),
    "starts": ("figC7",),
}


def judged_parts(figures: Mapping[str, Any]) -> list[str]:
    """Return the parts of the paper whose claims are judged: those with a figure in ``figures``.

    Part "other" (Fig. S5) is judged only if Fig. S5 and Fig. 2 show different experiments.

    Args:
        figures: settings of the figures of the configuration by name.
    """
    shown = {name: figures[name].get("experiment") for name in ("fig2", "figS5") if name in figures}
    same = shown.get("fig2") == shown.get("figS5")
    return [
        part
        for part, names in CLAIMED.items()
        if any(name in figures for name in names) and not (part == "other" and same)
    ]


class Inputs(ControlInputs):
    """The input files of all rules."""

    def own_file(self, w: Any) -> list[str]:
        """Return the user's data file of an experiment; empty for a built-in data set."""
        dataset = self.experiments[w.experiment]["dataset"]
        return [str(expand_path(dataset["path"]))] if "path" in dataset else []

    def same_data(self, w: Any) -> list[str]:
        """Return the data file of the first experiment with the same images and labels; empty for the first."""
        return self._same(self.paths.DATA, w)

    def same_test_file(self, w: Any) -> list[str]:
        """Return the test file of the first experiment with the same images and labels; empty for the first."""
        return self._same(self.paths.TEST_FILE, w)

    def _same(self, pattern: str, w: Any) -> list[str]:
        own = self.experiments[w.experiment]
        alike = (
            name
            for name, each in self.experiments.items()
            if each["dataset"] == own["dataset"] and each.label_noise == own.label_noise
        )
        first = next(alike)
        return [] if first == own.name else [pattern.format(experiment=first)]

    def run_train(self, w: Any) -> str:
        """Return the training file that contains a run."""
        return self.chunk(self.paths.TRAIN, w.experiment, Run(w.eta, int(w.B), int(w.realization)))

    def curvature(self, w: Any) -> list[str]:
        """Return all curvature files of an experiment."""
        return self.chunks(self.paths.CURVATURE, w.experiment)

    def projected(self, w: Any) -> list[str]:
        """Return the training files of the cells whose runs are projected."""
        experiment = self.experiments[w.experiment]
        cells = [run.cell for run in experiment.block_runs] + experiment.projected_cells
        return self.chunks(self.paths.TRAIN, w.experiment, dict.fromkeys(cells))

    def branched(self, w: Any) -> list[str]:
        """Return the files with the endpoints of the branches of all branched runs of a cell."""
        branching = self.experiments[w.experiment].branching(w)
        return [
            self.paths.BRANCH_ENDPOINTS.format(experiment=w.experiment, eta=w.eta, B=w.B, realization=realization)
            for realization in branching.realizations
        ]

    def phase_rows(self, w: Any) -> list[str]:
        """Return the file of each learning rate of a phase diagram."""
        rates = log_grid(self.config["two_valley"]["phase_diagrams"][w.diagram]["eta"])
        return [self.paths.PHASE_ROW.format(diagram=w.diagram, eta=canonical(eta)) for eta in rates]

    def small_eta_limits(self) -> list[str]:
        """Return the file of each Delta_S at which the limit of small learning rates is simulated."""
        values = self.config["two_valley"]["continuous_time"]["small_eta_limit"]["delta_S"]
        return [self.paths.SMALL_ETA_LIMIT.format(delta_S=canonical(delta_S)) for delta_S in values]

    def reference(self, experiment: str, **patterns: str) -> Files:
        """Return a file of an experiment's reference run for each named pattern.

        Raises:
            WorkflowError: the sweep has no such run.
        """
        run = self.experiments[experiment].reference_run
        return {
            key: self.chunk(pattern, experiment, run)
            if "{first}" in pattern
            else pattern.format(experiment=experiment, **run._asdict())
            for key, pattern in patterns.items()
        }

    def _row(self, pattern: str, figure: str, rates: Iterable[str] = ("eta",), also: Iterable[Cell] = ()) -> list[str]:
        """Return the files of all batch sizes at the learning rates of a figure.

        Args:
            pattern: such as ``paths.TRAIN``.
            figure: name of the figure in the configuration.
            rates: names of the figure's settings that are learning rates.
            also: additional cells.
        """
        settings = self.config["figures"][figure]
        experiment = self.experiments[settings["experiment"]]
        cells = [Cell(canonical(settings[rate]), B) for rate in rates for B in experiment.sweep.B]
        return self.chunks(pattern, experiment.name, dict.fromkeys([*cells, *also]))

    def _analyses(self, figure: str, *patterns: str) -> Files:
        """Return analyses of the experiment of a figure, by the names of their rules."""
        return self._analyses_of(self.config["figures"][figure]["experiment"], *patterns)

    @staticmethod
    def _analyses_of(experiment: str, *patterns: str) -> Files:
        found = (pattern.format(experiment=experiment) for pattern in patterns)
        return {path.rsplit("/", 1)[1].removesuffix(".h5"): path for path in found}

    def _diagram(self, figure: str) -> str:
        return self.paths.PHASE_DIAGRAM.format(diagram=self.config["figures"][figure]["diagram"])

    @property
    def drawn(self) -> dict[str, str]:
        """The drawn figure of the paper by the names of the figures of the configuration."""
        return {name: figure["draw"] for name, figure in self.config["figures"].items() if name != STYLE}

    @property
    def control_figures(self) -> list[str]:
        """Names of the figures of the configuration that draw a control (Figs. C1 to C9)."""
        return [name for name, drawn in self.drawn.items() if drawn in (*CONTROLS, "figC9")]

    def figure(self, name: str) -> Files:
        """Return the input files of a figure.

        Raises:
            ValueError: ``draw`` names no figure of the workflow.
        """
        settings = self.config["figures"][name]
        experiment = settings.get("experiment")
        branches = {
            "train": self.paths.BRANCH_TRAIN,
            "curvature": self.paths.BRANCH_CURVATURE,
            "endpoints": self.paths.BRANCH_ENDPOINTS,
            "projection": self.paths.BRANCH_PROJECTION,
        }
        model = {"occupancy": self.paths.OCCUPANCY, "theory": self.paths.THEORY}
        if settings["draw"] in CONTROLS:
            return {"control": self.paths.CONTROL.format(figure=name)}
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
                return self.reference(experiment, **run, **branches, statistics=self.paths.BRANCH_STATISTICS)
            case "fig4X":
                return self.reference(experiment, statistics=self.paths.BRANCH_STATISTICS)
            case "fig5":
                return {"diagram": self._diagram(name), **model}
            case "fig6":
                return {**model}
            case "fig6X":
                compared = self.config["two_valley"]["continuous_time"]["diagram"]
                return {
                    "diagram": self.paths.PHASE_DIAGRAM.format(diagram=compared),
                    **model,
                    "small_eta_limit": self.small_eta_limits(),
                    "ito": self.paths.FOKKER_PLANCK.format(convention="ito"),
                    "printed": self.paths.FOKKER_PLANCK.format(convention="hanggi-klimontovich"),
                }
            case "figC9":
                arms = self.config["two_valley"]["controls"]["arms"]
                controls = {name: self.paths.MODEL_CONTROL.format(control=name) for name in arms}
                return {"theory": self.paths.THEORY, **controls}
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

    @property
    def theory_tables(self) -> Files:
        """The input files of the tables of docs/theory.md, those of Fig. 6X; empty without this figure."""
        return self.figure("fig6X") if "fig6X" in self.drawn else {}

    def spectra(self, figure: str) -> list[str]:
        """Return the curvature files with whole spectra of the experiment of a figure."""
        experiment = self.experiments[self.config["figures"][figure]["experiment"]]
        return self._chunks_of(self.paths.CURVATURE, experiment.name, experiment.spectrum_selections)

    def claims(self) -> Files:
        """Return the input files of the claims, named by part and input, such as ``noise/endpoints``."""
        parts = {part: self._judged_by(part) for part in judged_parts(self.config["figures"])}
        return {f"{part}/{name}": found for part, files in parts.items() for name, found in files.items()}

    def _judged_by(self, part: str) -> Files:
        """Return the input files of the claims of a part of the paper.

        Raises:
            ValueError: the part is unknown.
        """
        figure, sweep = CLAIMED[part][0], (self.paths.ENDPOINTS, self.paths.FREEZING, self.paths.CELL_MAPS)
        if figure in CONTROLS:
            paths = {"paths": self.control(figure)["paths"]} if part == "valleys" else {}
            return {"control": self.paths.CONTROL.format(figure=figure)} | paths
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
                return self.figure(figure) | self._branch_ends(figure)
            case "diagrams":
                return {"diagrams": [self._diagram(name) for name in CLAIMED[part] if name in self.config["figures"]]}
            case "theory":
                arms = self.figure("figC9") if "figC9" in self.config["figures"] else {}
                own = {"occupancy": self.paths.OCCUPANCY, "theory": self.paths.THEORY}
                return own | {name: arms[name] for name in ("noise", "gamma") if name in arms}
            case "other":
                return self._analyses(figure, *sweep) | {"spectra": self.spectra(figure)}
        raise ValueError(f"{part} is no part of the claims")

    def _branch_ends(self, figure: str) -> Files:
        """Return files of branches: their endpoints and, if Fig. C1 has them, descents from displaced starts.

        The files include the similarities (Jaccard) of the runs.
        """
        experiment = self.experiments[self.config["figures"][figure]["experiment"]]
        cell = experiment.reference_run.cell
        runs = [Run(*cell, realization) for realization in experiment.branchings[cell].realizations]
        found = self._analyses(figure, self.paths.JACCARD)
        found["endpoints"] = [
            self.paths.BRANCH_ENDPOINTS.format(experiment=experiment.name, **run._asdict()) for run in runs
        ]
        displaced = self.control("figC1") if "figC1" in self.config["figures"] else {}
        return found | {name: displaced[name] for name in ("starts", "start_endpoints") if displaced.get(name)}

    def _along_training(self, figure: str) -> Files:
        """Return the files with loss and flatness along the runs at the learning rate of a figure."""
        return {"train": self._row(self.paths.TRAIN, figure), "curvature": self._row(self.paths.CURVATURE, figure)}

    def explorer(self) -> Files:
        """Return the input files of the explorer, under names such as ``mnist/endpoints``."""
        found: Files = {f"two_valley/{name}": self.paths.PHASE_DIAGRAM.format(diagram=name) for name in self.diagrams}
        compared = (self.paths.ENDPOINTS, self.paths.FREEZING, self.paths.JACCARD)
        analyses = (*compared, self.paths.CELL_MAPS, self.paths.PROJECTION)
        arms = only_arms(self.experiments)
        for name, experiment in self.experiments.items():
            own = self._analyses_of(name, *(compared if name in arms else analyses))
            if name in arms:
                found |= {f"{name}/{key}": path for key, path in own.items()}
                continue
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
        """Return the files of all figures in some formats, such as "png"."""
        return [self.paths.FIGURE.format(figure=name, format=each) for name in self.drawn for each in formats]

    def targets(self) -> list[str]:
        """Return the target files of a complete run.

        These are figures, claims, the explorer, maps of cells, measures, branched cells and phase diagrams. Single-cell
        arms (``only_arms``) have no maps of cells; their endpoints are inputs of the explorer.
        """
        arms = only_arms(self.experiments)
        maps = [self.paths.CELL_MAPS.format(experiment=name) for name in self.experiments if name not in arms]
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
