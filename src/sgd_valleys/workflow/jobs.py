"""Settings of all jobs: one method for each rule.

A script gets its settings as one dict of plain types, because Snakemake compares settings by their repr. Methods take
the wildcards ``w`` of a job.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sgd_valleys.config.model import continuous_diagram
from sgd_valleys.config.sweep import Cell, Run, Selection, log_grid, select
from sgd_valleys.config.training import changed_settings
from sgd_valleys.measures.flatness_measures import flatness_settings
from sgd_valleys.statistics.thinning import select_curves
from sgd_valleys.workflow.continuation_jobs import continuation_settings
from sgd_valleys.workflow.page_jobs import PageJobs, Settings

BRANCH_DEFAULTS = {"B": "same", "copies": 1, "order": "new", "perturbation": 0}  # of the section ``branches``


class Jobs(PageJobs):
    """Settings of the jobs; the method with the name of a rule returns the settings of this rule."""

    @property
    def model(self) -> Mapping[str, Any]:
        """Settings of the two-valley model."""
        return self.config["two_valley"]

    def network(self, w: Any) -> Settings:
        """Return the network and its loss, without the studied layer, because training is independent of this layer."""
        experiment = self.experiments[w.experiment]
        return {"network": experiment["network"], "classes": experiment.classes, **self._loss(w)}

    def _loss(self, w: Any) -> Settings:
        """Return the setting ``loss``; empty for the default, cross-entropy."""
        changed = changed_settings(self.experiments[w.experiment].training)
        return {key: changed[key] for key in ("loss",) if key in changed}

    def _layer(self, w: Any) -> Settings:
        """Return the setting ``layer``, the studied layer."""
        return {"layer": self.experiments[w.experiment].layer}

    def data(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        share = experiment.label_noise
        noise = {"label_noise": share, "seed": self.config["seed"]} if share else {}
        return {"dataset": experiment["dataset"], **noise}

    def test_file(self, w: Any) -> Settings:
        dataset = self.experiments[w.experiment]["dataset"]
        # without the number of images, because the test file is independent of this number
        return {"dataset": dataset["name"]} | {key: dataset[key] for key in ("path",) if key in dataset}

    def _realizations(self, selections: Iterable[Selection], w: Any) -> list[int]:
        """Return the realizations of a training job that at least one selection contains."""
        return select(selections, Cell(w.eta, int(w.B)), range(int(w.first), int(w.last) + 1))

    def train(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        training = {k: v for k, v in changed_settings(experiment.training).items() if k != "label_noise"}
        return {
            **self.network(w),
            "seed": self.config["seed"],
            "eta": w.eta,
            "B": int(w.B),
            "first": int(w.first),
            "last": int(w.last),
            "iterations": experiment.sweep.iterations(w.eta),
            "points": experiment["recording"]["points"],
            "checkpoints": self._realizations(experiment.checkpoint_selections, w),
            **experiment.recorded_part,
            **({"training": training} if training else {}),
        }

    def _spectra(self, w: Any) -> Settings:
        """Return the settings that all rules of curvature and flatness share."""
        curvature = self.experiments[w.experiment]["curvature"]
        return {
            **self.network(w),
            **self._layer(w),
            "seed": self.config["seed"],
            "N": curvature["N"],
            "tolerance": curvature["tolerance"],
            "per_class": curvature.get("per_class"),
        }

    def curvature(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        return {
            **self._spectra(w),
            "along": self._realizations(experiment.curvature_selections, w),
            "spectrum": self._realizations(experiment.spectrum_selections, w),
        }

    def layer_curvature(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        settings = {name: value for name, value in self._spectra(w).items() if name != "layer"}
        along = self._realizations(experiment.along_selections, w)
        return {
            **settings,
            "layers": w.layers if w.layers == "all" else [int(w.layers)],
            "along": along,
            "spectrum": [],
        }

    def edge_of_stability(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        return {
            **self.network(w),
            "seed": self.config["seed"],
            "eta": w.eta,
            "B": int(w.B),
            "tolerance": experiment["curvature"]["tolerance"],
            **experiment["edge_of_stability"],
            "runs": self._realizations(experiment.edge_selections, w),
        }

    def flatness(self, w: Any) -> Settings:
        section = self.experiments[w.experiment].settings.get("flatness", {"measures": "all"})
        return {**self._spectra(w), **flatness_settings(section)}

    def gradient_noise(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        own = {key: value for key, value in experiment.settings.get("gradient_noise", {}).items() if key != "runs"}
        return {
            **self.network(w),
            "seed": self.config["seed"],
            "tolerance": experiment["curvature"]["tolerance"],
            **own,
            "along": self._realizations(experiment.noise_selections, w),
        }

    def continuations(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        runs = self._realizations(experiment.continuation_selections, w)
        return {**self.network(w), "runs": runs, **continuation_settings(experiment, w.eta)}

    def endpoints(self, w: Any) -> Settings:
        return {**self.network(w), **self._layer(w), **self._deterministic(w)}

    def _deterministic(self, w: Any) -> Settings:
        """Return the deterministic batch sizes; empty if only B = M is deterministic, as in the paper."""
        experiment = self.experiments[w.experiment]
        found = experiment.sweep.deterministic_B
        return {} if found == [B for B in experiment.sweep.B if B == experiment.M] else {"deterministic": found}

    def _block(self, w: Any) -> list[list]:
        return [list(run) for run in self.experiments[w.experiment].block_runs]

    def jaccard(self, w: Any) -> Settings:
        return {"block": self._block(w)}

    def barriers(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        return {
            **self.network(w),
            **experiment["barriers"],
            "seed": self.config["seed"],
            "block": self._block(w),
            **self._deterministic(w),
            **self._starts(w),
        }

    def _starts(self, w: Any) -> Settings:
        """Return the number of initializations; empty for one, as in the paper."""
        count = self.experiments[w.experiment].initializations
        return {"initializations": count} if count > 1 else {}

    def paths(self, w: Any) -> Settings:
        settings = self.experiments[w.experiment].path_settings
        layer = self._layer(w) if "slice" in settings else {}
        return {**self.network(w), **settings, **layer, "seed": self.config["seed"], **self._starts(w)}

    def freezing(self, w: Any) -> Settings:
        return {**self.experiments[w.experiment]["freezing"], **self._loss(w)}

    def cell_maps(self, w: Any) -> Settings:
        return {"seed": self.config["seed"], **self.experiments[w.experiment]["trends"], **self._loss(w)}

    def projection(self, w: Any) -> Settings:
        cells = self.experiments[w.experiment].projected_cells
        return {**self._layer(w), **self._loss(w), "block": self._block(w), "cells": [list(cell) for cell in cells]}

    def is_reference(self, w: Any) -> bool:
        """Whether a run is the reference run, whose branches Fig. 4 shows."""
        return Run(w.eta, int(w.B), int(w.realization)) == self.experiments[w.experiment].reference_run

    def branch(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        branching, points = experiment.branching(w), experiment["branches"]["points"]
        branches, noise = experiment["branches"], {"noise": experiment.branch_training["noise"]}
        training = changed_settings(experiment.branch_training) | noise
        own: dict[str, Any] = {"training": training} if training != {"noise": "none"} else {}
        own |= {key: branches[key] for key, default in BRANCH_DEFAULTS.items() if branches.get(key, default) != default}
        if branching.perturbation or not branching.recipe.is_deterministic(experiment.M):
            own["seed"] = self.config["seed"]
        if "order" in own:
            own["T"] = branching.T
        return {
            **self.network(w),
            "run": [w.eta, int(w.B), int(w.realization)],
            "reference": self.is_reference(w),
            "t_c": list(branching.t_c),
            "eta": branching.recipe.eta,
            "iterations": branching.iterations,
            "points": points,
            "final": branching.final_positions(points),
            **experiment.recorded_part,
            **own,
        }

    def branch_curvature(self, w: Any) -> Settings:
        branching = self.experiments[w.experiment].branching(w)
        drawn = select_curves(np.repeat(branching.t_c, branching.copies)).tolist()
        return {**self._spectra(w), "along": drawn if self.is_reference(w) else []}

    def branch_endpoints(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        return {
            **self.network(w),
            "realization": int(w.realization),
            "L_c": experiment["freezing"]["L_c"],
            "same_basin": experiment["branches"]["same_basin"],
        }

    def branch_basins(self, w: Any) -> Settings:
        branches = self.experiments[w.experiment]["branches"]
        basins = branches["basins"]
        return {
            **self.network(w),
            "realization": int(w.realization),
            "points": basins["points"],
            "thresholds": {
                "similarity": branches["same_basin"],
                "agreement": basins["agreement"],
                "barrier": basins["barrier"],
                "chord_height": basins["barrier"],
            },
        }

    def branch_projection(self, w: Any) -> Settings:
        return {**self._layer(w), "realization": int(w.realization)}

    def branch_statistics(self, w: Any) -> Settings:
        resamples = self.experiments[w.experiment]["branches"]["resamples"]
        return {"seed": self.config["seed"], "resamples": resamples, **self._loss(w)}

    def phase_row(self, w: Any) -> Settings:
        diagram = self.model["phase_diagrams"][w.diagram]
        late = self.model["freezing"]["late"]
        return {**self._simulation(), **diagram, "eta": w.eta, "sigma": log_grid(diagram["sigma"]), "late": late}

    def phase_diagram(self, w: Any) -> Settings:
        return {**self.model["phase_diagrams"][w.diagram], "freezing": self.model["freezing"]}

    def _simulation(self) -> Settings:
        return {"seed": self.config["seed"], "landscape": self.model["landscape"]}

    def occupancy(self, w: Any = None) -> Settings:
        return {**self._simulation(), **self.model["occupancy"]}

    def small_eta_limit(self, w: Any) -> Settings:
        limit = self.model["continuous_time"]["small_eta_limit"]
        start = continuous_diagram(self.model)["start"]
        return {**self._simulation(), "start": start, **limit, "delta_S": w.delta_S}

    def model_control(self, w: Any) -> Settings:
        controls = self.model["controls"]
        changed = {"arms": controls["arms"][w.control], "delta_S": log_grid(controls["delta_S"])}
        return {**self._simulation(), "freezing": self.model["freezing"], **controls, **changed, "control": w.control}

    def fokker_planck(self, w: Any) -> Settings:
        """Return the settings of rule ``fokker_planck``.

        The settings define the time courses of Fig. 6B, and P_flat against Delta_S at two times. The first time is the
        end of the simulations of small eta (``small_eta_limit``). The second is the longest eta T of the phase diagram.
        """
        occupancy, continuous = self.model["occupancy"], self.model["continuous_time"]
        diagram, limit = continuous_diagram(self.model), continuous["small_eta_limit"]
        return {
            "landscape": self.model["landscape"],
            "convention": w.convention,
            "sigma": occupancy["sigma"],
            "eta": occupancy["eta"],
            "steps": continuous["steps"],
            "course_start": occupancy["start"],
            "course_time": occupancy["eta"] * occupancy["iterations"],
            "delta_S": sorted({*log_grid(continuous["delta_S"]), *limit["delta_S"]}),
            "final_start": diagram["start"],
            "small_eta_limit_time": float(limit["time"]),
            "longest_time": max(log_grid(diagram["eta"])) * diagram["iterations"],
        }

    def theory(self, w: Any = None) -> Settings:
        theory, occupancy = self.model["theory"], self.model["occupancy"]
        return {
            "landscape": self.model["landscape"],
            **theory,
            "delta_S": log_grid(theory["delta_S"]),
            "plane": {**theory["plane"], "delta_S": log_grid(theory["plane"]["delta_S"])},
            "occupancy_delta_S": [occupancy["eta"] * sigma for sigma in occupancy["sigma"]],
        }
