"""Input files of the controls, Figs. C1 to C8."""

from collections.abc import Mapping
from typing import Any

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.sweep import Cell, Run, canonical, select
from sgd_valleys.workflow.measure_inputs import Files, MeasureInputs

# modules of sgd_valleys.controls by the figures that show their results
CONTROLS = {
    "figC1": "learning_rate",
    "figC2": "noise_shape",
    "figC3": "arms",
    "figC4": "flatness_senses",
    "figC5": "valleys",
    "figC6": "basin_times",
    "figC7": "starts",
    "figC8": "schedules",
}


def shown_experiments(figure: Mapping[str, Any]) -> list[str]:
    """Return the names of the experiments of a figure: ``experiment``, then those of ``beside``."""
    return [figure["experiment"], *figure.get("beside", ())]


class ControlInputs(MeasureInputs):
    """The input files of the rules ``control_*``.

    Files are named by their kind, or by experiment and kind, such as ``mnist/endpoints``.
    """

    @property
    def controls(self) -> dict[str, str]:
        """The drawn control (a key of ``CONTROLS``) by the names of the figures of the configuration."""
        figures = self.config["figures"].items()
        return {name: figure["draw"] for name, figure in figures if figure.get("draw") in CONTROLS}

    def control(self, name: str) -> Files:
        """Return the input files of the control of a figure.

        Raises:
            ValueError: the figure draws no control.
        """
        figure, paths = self.config["figures"][name], self.paths
        shown = [self.experiments[each] for each in shown_experiments(figure)]
        match figure["draw"]:
            case "figC1":
                measured = shown[0].edge_selections
                return {
                    **self._of(shown[0], data=paths.DATA, endpoints=paths.ENDPOINTS, freezing=paths.FREEZING),
                    "edge_of_stability": self._chunks_of(paths.EDGE_OF_STABILITY, shown[0].name, measured),
                    "starts": self._branches(paths.BRANCH_TRAIN, shown[1:]),
                    "start_endpoints": self._branches(paths.BRANCH_ENDPOINTS, shown[1:]),
                }
            case "figC2":
                measured = shown[0].noise_selections
                noise = self._chunks_of(paths.GRADIENT_NOISE, shown[0].name, measured)
                return {"gradient_noise": noise, **self._of(shown[0], freezing=paths.FREEZING)}
            case "figC3":
                noise = self._chunks_of(self.paths.GRADIENT_NOISE, shown[0].name, shown[0].noise_selections)
                return {f"{shown[0].name}/gradient_noise": noise, **self._ends(shown)}
            case "figC4":
                return self._senses(shown[0], canonical(figure["eta"]))
            case "figC5":
                return self._valleys(shown)
            case "figC6":
                return self._continued(shown[0])
            case "figC7":
                return self._ends(shown)
            case "figC8":
                along = {"train": self.paths.TRAIN, "curvature": self.paths.CURVATURE}
                curves = {
                    f"{each.name}/{key}": self.chunks(pattern, each.name)
                    for each in shown
                    for key, pattern in along.items()
                }
                return self._ends(shown) | curves
        raise ValueError(f"{figure['draw']} is no control of the workflow")

    @staticmethod
    def _of(experiment: Experiment, **patterns: str) -> Files:
        """Return a file of an experiment for each named pattern."""
        return {key: pattern.format(experiment=experiment.name) for key, pattern in patterns.items()}

    @staticmethod
    def _branches(pattern: str, experiments: list[Experiment]) -> list[str]:
        """Return the files of all branched runs of some experiments."""
        return [
            pattern.format(experiment=each.name, eta=cell.eta, B=cell.B, realization=realization)
            for each in experiments
            for cell, branching in each.branchings.items()
            for realization in branching.realizations
        ]

    def _senses(self, experiment: Experiment, eta: str) -> Files:
        """Return the files with flatness at all endpoints, and with loss and flatness along the runs of one eta.

        Args:
            experiment: the experiment of the figure.
            eta: learning rate as canonical text.
        """
        row, name = [Cell(eta, B) for B in experiment.sweep.B], experiment.name
        whole = self.paths.LAYER_CURVATURE.replace("{layers}", "all")
        return {
            **self._of(experiment, endpoints=self.paths.ENDPOINTS),
            "train": self.chunks(self.paths.TRAIN, name, row),
            "along": self.chunks(self.paths.CURVATURE, name, row),
            "curvature": self.chunks(self.paths.CURVATURE, name),
            "flatness": self.chunks(self.paths.FLATNESS, name),
            "layer_curvature": self.chunks(whole, name) if "all" in experiment.curvature_layers else [],
        }

    def _valleys(self, shown: list[Experiment]) -> Files:
        """Return the files with paths, with barriers, and with the basins of branches.

        Args:
            shown: the experiment of the figure, then the experiments of ``beside``. Experiments of ``beside`` are
                used only if they have several initializations.
        """
        first, *beside = shown
        found: Files = self._of(first, paths=self.paths.PATHS)
        if "barriers" in first:
            found |= self._of(first, barriers=self.paths.BARRIERS)
        for each in beside:
            if "paths" in each and each.initializations > 1:
                found |= self._of(each, independent=self.paths.PATHS)
        if "basins" in first.settings.get("branches", {}):
            cell, patterns = first.reference_run.cell, ("basins", "branches")
            runs = [Run(*cell, realization) for realization in first.branchings[cell].realizations]
            for key, pattern in zip(patterns, (self.paths.BRANCH_BASINS, self.paths.BRANCH_ENDPOINTS), strict=True):
                found[key] = [pattern.format(experiment=first.name, **run._asdict()) for run in runs]
        return found

    def _ends(self, experiments: list[Experiment]) -> Files:
        """Return the files with endpoints, freezing times and similarities (Jaccard) of some experiments."""
        patterns = {"endpoints": self.paths.ENDPOINTS, "freezing": self.paths.FREEZING, "jaccard": self.paths.JACCARD}
        return {
            f"{each.name}/{key}": pattern.format(experiment=each.name)
            for each in experiments
            for key, pattern in patterns.items()
        }

    def _continued(self, experiment: Experiment) -> Files:
        """Return the files with continuations, endpoints, freezing times, and the runs of the continued cells."""
        name, sweep, selections = experiment.name, experiment.sweep, experiment.continuation_selections
        cells = [cell for cell in sweep.cells if select(selections, cell, range(sweep.count(cell)))]
        return {
            f"{name}/continuations": self._chunks_of(self.paths.CONTINUATIONS, name, selections),
            f"{name}/train": self.chunks(self.paths.TRAIN, name, cells),
            f"{name}/endpoints": self.paths.ENDPOINTS.format(experiment=name),
            f"{name}/freezing": self.paths.FREEZING.format(experiment=name),
        }
