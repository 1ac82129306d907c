"""The settings and the resources of every job, each rule's from one function.

A script gets its settings as one dict of plain types, since Snakemake compares settings by their repr. Functions take
a job's wildcards.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sgd_valleys.config.model import continuous_diagram
from sgd_valleys.config.sweep import Cell, Run, Selection, log_grid, samples_per_step, select
from sgd_valleys.config.training import changed_settings
from sgd_valleys.measures.flatness_measures import flatness_settings
from sgd_valleys.recipe import Recipe
from sgd_valleys.workflow.page_jobs import PageJobs, Settings

BRANCH_DEFAULTS = {"B": "same", "copies": 1, "order": "new", "perturbation": 0}  # settings of branches
SAMPLES_PER_MINUTE = {"mlp": 10_000_000, "cnn": 60_000}  # a fraction of what one core trains


class Jobs(PageJobs):
    """The settings of every rule's jobs: a method with the name of a rule returns them."""

    @property
    def model(self) -> Mapping[str, Any]:
        """Settings of the two-valley model."""
        return self.config["two_valley"]

    def data_mb(self, w: Any) -> int:
        """Return the size of an experiment's images in memory, in MB, to 100 MB."""
        experiment = self.experiments[w.experiment]
        pixels = experiment.data_set.pixels
        return round(sum(map(experiment.samples, ("train", "test"))) * pixels * 4 / 1e8) * 100

    def train_minutes(self, w: Any) -> int:
        """Return the time limit of a training job: several times what one core needs, an hour at least."""
        experiment = self.experiments[w.experiment]
        runs = int(w.last) - int(w.first) + 1
        recipe = experiment.recipe(Cell(w.eta, int(w.B)))
        samples = recipe.iterations * samples_per_step(recipe, experiment.M) * runs
        return max(60, math.ceil(samples / SAMPLES_PER_MINUTE[experiment["network"]["name"]]))

    def train_mb(self, w: Any) -> int:
        """Return the memory of a training job, in MB."""
        recipe = self.experiments[w.experiment].recipe(Cell(w.eta, int(w.B)))
        return 2500 + 3 * self.data_mb(w) + self._step_mb(w, recipe, int(w.last) - int(w.first) + 1)

    def branch_minutes(self, w: Any) -> int:
        """Return the time limit of a job of branches: several times what one core needs, half an hour at least."""
        experiment = self.experiments[w.experiment]
        branching = experiment.branchings[w.eta, int(w.B)]
        samples = branching.iterations * samples_per_step(branching.recipe, experiment.M) * branching.count
        return max(30, math.ceil(samples / SAMPLES_PER_MINUTE[experiment["network"]["name"]]))

    def branch_mb(self, w: Any) -> int:
        """Return the memory of a job of branches, in MB; those of the reference run are kept at all times."""
        branching = self.experiments[w.experiment].branchings[w.eta, int(w.B)]
        stored = 2000 * branching.copies if self.is_reference(w) else 0
        return 1500 + stored + self._step_mb(w, branching.recipe, branching.count)

    def _step_mb(self, w: Any, recipe: Recipe, runs: int) -> int:
        """Return the memory of the hidden states and their gradients where noisy runs pass all samples at each step."""
        experiment = self.experiments[w.experiment]
        full = samples_per_step(recipe, experiment.M) == experiment.M and not recipe.is_deterministic(experiment.M)
        return math.ceil(4 * runs * experiment.M * experiment.hidden_units * 4 / 1e6) if full else 0

    def network(self, w: Any) -> Settings:
        """Return the network and its loss; not the studied layer, of which training is independent."""
        experiment = self.experiments[w.experiment]
        return {"network": experiment["network"], "classes": experiment.classes, **self._loss(w)}

    def _loss(self, w: Any) -> Settings:
        """Return the loss, unless it is the cross-entropy."""
        changed = changed_settings(self.experiments[w.experiment].training)
        return {key: changed[key] for key in ("loss",) if key in changed}

    def _layer(self, w: Any) -> Settings:
        """Return the layer that is studied."""
        return {"layer": self.experiments[w.experiment].layer}

    def data(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        share = experiment.label_noise
        noise = {"label_noise": share, "seed": self.config["seed"]} if share else {}
        return {"dataset": experiment["dataset"], **noise}

    def test_file(self, w: Any) -> Settings:
        dataset = self.experiments[w.experiment]["dataset"]
        # the name alone, so that another number of images leaves the file as it is
        return {"dataset": dataset["name"]} | {key: dataset[key] for key in ("path",) if key in dataset}

    def _realizations(self, selections: Iterable[Selection], w: Any) -> list[int]:
        """Return the realizations of a training job that the selections name."""
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
            **({"training": training} if training else {}),
        }

    def _spectra(self, w: Any) -> Settings:
        """Return the settings of every Hessian."""
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

    def endpoints(self, w: Any) -> Settings:
        return {**self.network(w), **self._layer(w), **self._deterministic(w)}

    def _deterministic(self, w: Any) -> Settings:
        """Return the batch sizes at which training is deterministic, unless they are B = M as in the paper."""
        experiment = self.experiments[w.experiment]
        found = experiment.sweep.deterministic_B
        return {} if found == [B for B in experiment.sweep.B if B == experiment.M] else {"deterministic": found}

    def _block(self, w: Any) -> list[list]:
        return [list(run) for run in self.experiments[w.experiment].block_runs]

    def jaccard(self, w: Any) -> Settings:
        return {"block": self._block(w)}

    def barriers(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        starts = {"initializations": experiment.initializations} if experiment.initializations > 1 else {}
        return {
            **self.network(w),
            **experiment["barriers"],
            "seed": self.config["seed"],
            "block": self._block(w),
            **self._deterministic(w),
            **starts,
        }

    def freezing(self, w: Any) -> Settings:
        return {**self.experiments[w.experiment]["freezing"], **self._loss(w)}

    def cell_maps(self, w: Any) -> Settings:
        return {"seed": self.config["seed"], **self.experiments[w.experiment]["trends"], **self._loss(w)}

    def projection(self, w: Any) -> Settings:
        cells = self.experiments[w.experiment].projected_cells
        return {**self._layer(w), **self._loss(w), "block": self._block(w), "cells": [list(cell) for cell in cells]}

    def is_reference(self, w: Any) -> bool:
        """Whether a run is the one whose branches Fig. 4 shows."""
        return Run(w.eta, int(w.B), int(w.realization)) == self.experiments[w.experiment].reference_run

    def branch(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        branching, points = experiment.branchings[w.eta, int(w.B)], experiment["branches"]["points"]
        branches, noise = experiment["branches"], {"noise": experiment.branch_training["noise"]}
        training = changed_settings(experiment.branch_training) | noise
        own = {"training": training} if training != {"noise": "none"} else {}
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
            **own,
        }

    def branch_curvature(self, w: Any) -> Settings:
        return {**self._spectra(w), "along": self.is_reference(w)}

    def branch_endpoints(self, w: Any) -> Settings:
        experiment = self.experiments[w.experiment]
        return {
            **self.network(w),
            "realization": int(w.realization),
            "L_c": experiment["freezing"]["L_c"],
            "same_basin": experiment["branches"]["same_basin"],
        }

    def branch_projection(self, w: Any) -> Settings:
        return {**self._layer(w), "realization": int(w.realization)}

    def branch_statistics(self, w: Any) -> Settings:
        resamples = self.experiments[w.experiment]["branches"]["resamples"]
        return {"seed": self.config["seed"], "resamples": resamples, **self._loss(w)}

    def phase_row(self, w: Any) -> Settings:
        diagram = self.model["phase_diagrams"][w.diagram]
        return {**self._simulation(), **diagram, "eta": w.eta, "sigma": log_grid(diagram["sigma"])}

    def phase_diagram(self, w: Any) -> Settings:
        return self.model["phase_diagrams"][w.diagram]

    def _simulation(self) -> Settings:
        return {"seed": self.config["seed"], "landscape": self.model["landscape"]}

    def occupancy(self, w: Any = None) -> Settings:
        return {**self._simulation(), **self.model["occupancy"]}

    def small_eta_limit(self, w: Any) -> Settings:
        limit = self.model["continuous_time"]["small_eta_limit"]
        start = continuous_diagram(self.model)["start"]
        return {**self._simulation(), "start": start, **limit, "delta_S": w.delta_S}

    def fokker_planck(self, w: Any) -> Settings:
        """Return the settings of rule ``fokker_planck``.

        They describe the courses of Fig. 6B in continuous time, and P_flat against Delta_S at two times: the end of the
        runs whose learning rate is made smaller, and the end of the longest runs of the diagram.
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
            "occupancy_delta_S": [occupancy["eta"] * sigma for sigma in occupancy["sigma"]],
        }
