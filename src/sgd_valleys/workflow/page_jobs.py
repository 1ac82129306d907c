"""Settings of the last jobs: figures, controls, claims and the explorer."""

from typing import Any

from sgd_valleys.config.experiment import Configuration
from sgd_valleys.config.figures import APPEARANCE, PALETTE, STYLE, with_palette
from sgd_valleys.config.shown import branches_are_descents
from sgd_valleys.config.training import changed_settings
from sgd_valleys.workflow.arms import arms_of, compared_cells, only_arms
from sgd_valleys.workflow.control_inputs import CONTROLS, shown_experiments
from sgd_valleys.workflow.inputs import CLAIMED, judged_parts

Settings = dict[str, Any]
DEFAULT_COLORS = {  # colours of the explorer if no figure has the setting
    **dict.fromkeys(("time_colormap", "colormap", "p_flat_colormap", "freezing_colormap"), "sequential"),
    "t_c_colormap": "ordered",
    "eta_colors": ["primary", "third", "fourth", "secondary"],
    "run_color": "primary",
    "loss_color": "fifth",
}
OF_THE_PLOT = ("draw", "experiment", "beside")


class PageJobs(Configuration):
    """Settings of these jobs: one method for each kind of job."""

    def figure(self, name: str) -> Settings:
        """Return the settings of a figure, and the style that all figures share."""
        figures = self.config["figures"]
        own = {key: value for key, value in figures[name].items() if key != "draw"}
        style = {key: value for key, value in figures[STYLE].items() if key != PALETTE}
        return {"name": figures[name]["draw"], "figure": own, "style": style}

    def control(self, name: str) -> Settings:
        """Return the settings of the control of a figure, without colours and colour maps."""
        figure = self.config["figures"][name]
        experiment = self.experiments[figure["experiment"]]
        own = {key: value for key, value in figure.items() if key not in OF_THE_PLOT and not key.endswith(APPEARANCE)}
        return {
            "control": CONTROLS[figure["draw"]],
            **{key: value for key, value in experiment.training.items() if key == "loss"},
            "seed": self.config["seed"],
            "resamples": experiment["trends"]["resamples"],
            "layer": experiment.layer,
            "L_c": experiment["freezing"]["L_c"],
            **own,
            "experiments": shown_experiments(figure),
            "training": {name: changed_settings(self.experiments[name].training) for name in shown_experiments(figure)},
        }

    def claims(self, w: Any = None) -> Settings:
        parts = {part: self._part(part) for part in judged_parts(self.config["figures"])}
        return {"seed": self.config["seed"], **self.config["claims"], "parts": parts}

    def _part(self, part: str) -> Settings:
        """Return the settings of the claims of a part of the paper; see ``inputs.CLAIMED``."""
        if part in ("diagrams", "theory"):
            return {}
        name = CLAIMED[part][0]
        if name in CONTROLS:
            return {"training": self.control(name)["training"]} if part == "arms" else {}
        figure = self.config["figures"][name]
        experiment = self.experiments[figure["experiment"]]
        found: dict[str, Any] = {"experiment": experiment.name}
        match part:
            case "barriers":
                found |= {"similarity": experiment["barriers"]["similarity"]}
            case "noise":
                cells = [[float(eta), B] for eta, B in experiment.projected_cells]
                found |= {"eta": figure["violin_eta"], "quiet": cells[0], "noisy": cells[-1]}
            case "freezing":
                run, L_c = figure["run"], experiment["freezing"]["L_c"]
                found |= {"eta": figure["eta"], "reference": [run["eta"], run["B"]], "L_c": L_c}
            case "branches":
                eta, B = experiment.reference_run.cell
                found |= {"same_basin": experiment["branches"]["same_basin"], "cell": [float(eta), B]}
            case "spectra" | "other":
                found |= {"N": experiment["curvature"]["N"]}
        return found

    def explorer(self, w: Any = None) -> Settings:
        """Return the settings of rule ``explorer``, with the colours of the figures."""
        arms = arms_of(self.experiments)
        curves = ("eta_colors", "time_colormap", "colormap", "t_c_colormap", "run_color", "loss_color")
        alone = only_arms(self.experiments)
        groups = {name: [self.experiments[arm] for arm in group] for group in arms for name in group}
        experiments = {
            name: {
                "reference": list(experiment.reference_run) if branches_are_descents(experiment) else None,
                "training": changed_settings(experiment.training),
                "arm": name in alone,
                "compared": compared_cells(experiment, groups.get(name, [])),
                "resamples": experiment["trends"]["resamples"],
                "colors": self._appearance(*curves, experiment=name),
            }
            for name, experiment in self.experiments.items()
        }
        diagrams = {
            name: {
                **{key: diagram[key] for key in ("noise", "runs", "iterations")},
                "colors": self._appearance("p_flat_colormap", "freezing_colormap", diagram=name),
            }
            for name, diagram in self.diagrams.items()
        }
        return {
            "seed": self.config["seed"],
            "experiments": experiments,
            "arms": arms,
            "diagrams": diagrams,
            "landscape": self.config["two_valley"]["landscape"] if "two_valley" in self.config else {},
        }

    def _appearance(self, *keys: str, **shown: str) -> Settings:
        """Return colours and colour maps of the explorer, grouped by the figure that they are taken from.

        Each key is taken from the first figure with this key and the settings ``shown``. Without such a figure,
        the first figure with this key is used, or else ``DEFAULT_COLORS`` under the figure name "".

        Args:
            keys: names of settings.
            shown: the experiment or the phase diagram.
        """
        found: Settings = {}
        figures = self.config["figures"]
        default = with_palette(DEFAULT_COLORS, figures[STYLE][PALETTE])
        for key in keys:
            having = [name for name, figure in figures.items() if key in figure]
            showing = [name for name in having if figures[name].items() >= shown.items()]
            figure = next(iter((*showing, *having)), "")
            found.setdefault(figure, {})[key] = figures.get(figure, default)[key]
        return found
