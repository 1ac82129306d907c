"""The settings of the rules at the end of a run: figures, claims, and the explorer."""

from typing import Any

from sgd_valleys.config.experiment import Configuration
from sgd_valleys.config.shown import branches_are_descents
from sgd_valleys.workflow.inputs import CLAIMED, judged_parts

Settings = dict[str, Any]
DEFAULT_COLORS = {  # of the explorer, without a figure that has the setting
    **dict.fromkeys(("time_colormap", "colormap", "p_flat_colormap", "freezing_colormap"), "viridis"),
    "t_c_colormap": "plasma",
    "eta_colors": ["#0072B2", "#009E73", "#E69F00", "#D55E00"],
    "run_color": "#0072B2",
    "loss_color": "#CC79A7",
}


class PageJobs(Configuration):
    """The settings of these rules' jobs: a method with the name of a rule returns them."""

    def figure(self, name: str) -> Settings:
        """Return the settings of one figure: its own, and the style that all share."""
        figures = self.config["figures"]
        own = {key: value for key, value in figures[name].items() if key != "draw"}
        return {"name": figures[name]["draw"], "figure": own, "style": figures["style"]}

    def claims(self, w: Any = None) -> Settings:
        parts = {part: self._part(part) for part in judged_parts(self.config["figures"])}
        return {"seed": self.config["seed"], **self.config["claims"], "parts": parts}

    def _part(self, part: str) -> Settings:
        """Return the settings with which the claims of a part of the paper are judged."""
        if part in ("diagrams", "theory"):
            return {}
        figure = self.config["figures"][CLAIMED[part][0]]
        experiment = self.experiments[figure["experiment"]]
        found = {"experiment": experiment.name}
        match part:
            case "barriers":
                found |= {"similarity": experiment["barriers"]["similarity"]}
            case "noise":
                cells = [[float(eta), B] for eta, B in experiment.projected_cells]
                images = experiment.samples("test")
                found |= {"eta": figure["violin_eta"], "quiet": cells[0], "noisy": cells[-1], "images": images}
            case "freezing":
                run, L_c = figure["run"], experiment["freezing"]["L_c"]
                found |= {"eta": figure["eta"], "reference": [run["eta"], run["B"]], "L_c": L_c}
            case "branches":
                found |= {"same_basin": experiment["branches"]["same_basin"]}
            case "spectra":
                found |= {"N": experiment["curvature"]["N"]}
            case "other":
                found |= {"N": experiment["curvature"]["N"], "L_c": experiment["freezing"]["L_c"]}
        return found

    def explorer(self, w: Any = None) -> Settings:
        """Return the settings of rule ``explorer``: what the page shows, with the appearance of the figures."""
        curves = ("eta_colors", "time_colormap", "colormap", "t_c_colormap", "run_color", "loss_color")
        experiments = {
            name: {
                "reference": list(experiment.reference_run) if branches_are_descents(experiment) else None,
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
        return {"experiments": experiments, "diagrams": diagrams}

    def _appearance(self, *keys: str, **shown: str) -> Settings:
        """Return appearance settings by figure: of each key in the first figure that has it and shows what is named.

        Where no figure shows it, the first figure that has the key decides; where none has it, ``DEFAULT_COLORS`` does.
        """
        found: Settings = {}
        for key in keys:
            having = [name for name, figure in self.config["figures"].items() if key in figure]
            showing = [name for name in having if self.config["figures"][name].items() >= shown.items()]
            figure = next(iter((*showing, *having)), "")
            found.setdefault(figure, {})[key] = self.config["figures"].get(figure, DEFAULT_COLORS)[key]
        return found
