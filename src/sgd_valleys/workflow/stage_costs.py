"""Estimate the cost of the jobs of every rule, and derive the limits of time and memory of the rules."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.sweep import Cell
from sgd_valleys.recipe import Recipe
from sgd_valleys.workflow.continuation_jobs import continued_samples
from sgd_valleys.workflow.costs import (
    BYTE,
    DOUBLE,
    MEMORY,
    MEMORY_TORCH,
    START,
    START_TORCH,
    Arithmetic,
    Cost,
    principal_components_seconds,
    training_seconds,
)
from sgd_valleys.workflow.model_costs import ModelCosts

SAFETY = 6  # time limit over estimate: a core without AVX-512 takes 2.5 times as long, a shared core twice
MIN_MINUTES = 10  # shortest time limit, in min
MEMORY_SAFETY, SPARE_MB, SPARE_MB_TORCH = 1.5, 400, 2000  # the library of a GPU takes 2 GB of main memory
STAGES = {
    "data": ("data", "test_file"),
    "training": ("train",),
    "branches": ("branch",),
    "curvature": ("curvature", "layer_curvature", "branch_curvature", "edge_of_stability"),
    "measures": ("flatness", "gradient_noise"),
    "continuations": ("continuations",),
    "barriers and paths": ("barriers", "paths", "branch_basins"),
    "two-valley model": (
        *("phase_row", "phase_diagram", "occupancy", "small_eta_limit", "model_control", "fokker_planck", "theory"),
    ),
    "analyses": (
        *("endpoints", "jaccard", "freezing", "cell_maps", "projection"),
        *("branch_endpoints", "branch_projection", "branch_statistics"),
    ),
}
OTHER_STAGE = "figures and pages"
# settings that make the jobs of a rule shorter or smaller
SETTINGS = {
    **dict.fromkeys(("data", "test_file"), "dataset"),
    "train": "sweep.job_samples, sweep.stack or recording.train_samples",
    "branch": "branches.t_c, branches.copies or branches.iterations",
    "continuations": "continuations.runs or continuations.steps",
    **dict.fromkeys(("curvature", "layer_curvature", "branch_curvature", "flatness"), "curvature.per_class"),
    "edge_of_stability": "edge_of_stability.every or edge_of_stability.per_class",
    "gradient_noise": "gradient_noise.every or gradient_noise.per_class",
    "barriers": "barriers.pairs or barriers.per_class",
    "paths": "paths.pairs, paths.bezier or paths.per_class",
    "branch_basins": "branches.basins.points",
    **dict.fromkeys(("projection", "branch_projection"), "recording.points"),
    "phase_row": "two_valley.phase_diagrams",
    "occupancy": "two_valley.occupancy",
    "small_eta_limit": "two_valley.continuous_time.small_eta_limit",
    "model_control": "two_valley.controls",
    "fokker_planck": "two_valley.continuous_time.steps",
}
# Hessian-vector products of a Lanczos iteration, and the fraction of DOUBLE that they reach: one layer, all parameters
LAYER_PRODUCTS, LAYER_EFFICIENCY = 45, 0.25
NETWORK_PRODUCTS, NETWORK_EFFICIENCY = 50, 0.4
SLICE = 50  # images per pass of a convolutional network
SHARPNESS_PRODUCTS = 20  # Hessian-vector products for one eigenvalue in all parameters
MINIBATCH = 1e-3  # s per minibatch for its sharpness, independent of its samples
CONTINUED = 0.2  # fraction of the largest number of steps: most converge earlier
NODES = 10  # nodes of the integral along a Bezier curve


def stage_of(rule: str) -> str:
    """Return the stage of a rule; a key of ``STAGES``, or ``OTHER_STAGE``."""
    return next((stage for stage, rules in STAGES.items() if rule in rules), OTHER_STAGE)


class Costs(ModelCosts):
    """Cost estimates; the method with the name of a rule takes the wildcards ``w`` of a job."""

    @cached_property
    def _arithmetic(self) -> dict[str, Arithmetic]:
        return {name: Arithmetic.of(experiment) for name, experiment in self.experiments.items()}

    def cost(self, rule: str, w: Any) -> Cost:
        """Return the estimated cost of a job, including the time to write its results.

        All rules of ``OTHER_STAGE`` have the same estimate.
        """
        own = getattr(self, rule) if stage_of(rule) != OTHER_STAGE else None
        found = own(w) if own else Cost(START + 2.5, 200)
        return Cost(found.seconds + BYTE * found.disk, found.mb, found.disk)

    def minutes(self, rule: str) -> Callable[[Any], int]:
        """Return a function of the wildcards that returns the time limit of a rule's job, in min."""
        return lambda w: max(MIN_MINUTES, math.ceil(SAFETY * self.cost(rule, w).minutes))

    def mb(self, rule: str) -> Callable[[Any], int]:
        """Return a function of the wildcards that returns the memory limit of a rule's job, in MB.

        Limits are rounded up to 100 MB.
        """

        def limit(w: Any) -> int:
            needed = self.cost(rule, w).mb
            spare = SPARE_MB_TORCH if needed >= MEMORY_TORCH else SPARE_MB
            return math.ceil((spare + MEMORY_SAFETY * needed) / 100) * 100

        return limit

    def _of(self, w: Any) -> tuple[Experiment, Arithmetic]:
        return self.experiments[w.experiment], self._arithmetic[w.experiment]

    @staticmethod
    def _runs_of_job(w: Any) -> int:
        """Return the number of runs of a training job."""
        return int(w.last) - int(w.first) + 1

    def data(self, w: Any) -> Cost:
        images = self._image_bytes(w, 1)
        return Cost(START_TORCH + 2e-8 * images, MEMORY_TORCH + 8 * images / 1e6, images)

    def test_file(self, w: Any) -> Cost:
        experiment, _ = self._of(w)
        images = 10_000 * experiment.data_set.pixels
        return Cost(START_TORCH + 2e-8 * images, MEMORY_TORCH + 8 * images / 1e6, images)

    def _image_bytes(self, w: Any, size: int, parts: tuple[str, ...] = ("train", "test")) -> int:
        """Return the size of the images of an experiment, in bytes, with ``size`` bytes per pixel."""
        experiment = self.experiments[w.experiment]
        return sum(map(experiment.samples, parts)) * experiment.data_set.pixels * size

    def train(self, w: Any) -> Cost:
        experiment, _ = self._of(w)
        runs, recipe = self._runs_of_job(w), experiment.recipe(Cell(w.eta, int(w.B)))
        points = experiment["recording"]["points"]
        states = runs + 1 + len(self.jobs.train(w)["checkpoints"]) * points
        return self._training(w, recipe, runs, points, states)

    def branch(self, w: Any) -> Cost:
        experiment, _ = self._of(w)
        branching, points = self.experiments[w.experiment].branching(w), experiment["branches"]["points"]
        states, trained = branching.count, 1.0
        if self.jobs.is_reference(w):
            states *= points + 1
        else:  # branches stop at total iteration T
            trained = sum(branching.final_positions(points)) / (states * (points - 1))
        return self._training(w, branching.recipe, branching.count, points, states, trained)

    def _training(self, w: Any, recipe: Recipe, runs: int, points: int, states: int, trained: float = 1.0) -> Cost:
        """Return the cost of a training.

        Args:
            w: wildcards of the job.
            recipe: recipe of a run or branch.
            runs: number of runs or branches.
            points: number of recorded points of each.
            states: number of stored states of all parameters.
            trained: fraction of the steps of the recipe that are computed.
        """
        experiment, arithmetic = self._of(w)
        recorded = self._recorded(experiment) + experiment.samples("test")
        seconds = training_seconds(arithmetic, recipe, experiment.M) + points * arithmetic.evaluation_seconds(recorded)
        disk = 4 * states * arithmetic.parameters + 0.1 * runs * points * experiment.samples("test")
        passed = recipe.most_samples_per_step(experiment.M)
        convolutional = arithmetic.products != arithmetic.layer_weights
        stacked = min(runs * passed, max(2 * passed, 2000))  # see MLPReplicas.stack_size
        activations = 12 * arithmetic.units * (SLICE if convolutional else stacked)
        gram = 4 * experiment.M**2 if 2 * experiment.data_set.pixels >= experiment.M and not convolutional else 0
        arrays = 2 * disk + 2 * self._image_bytes(w, 4) + activations + gram
        return Cost(START_TORCH + runs * trained * seconds, MEMORY_TORCH - 80 + arrays / 1e6, disk)

    @staticmethod
    def _recorded(experiment: Experiment) -> int:
        """Return the number of training samples whose loss and accuracy are recorded."""
        samples = experiment["recording"].get("train_samples", "all")
        return experiment.M if samples == "all" else samples

    @staticmethod
    def _chosen(experiment: Experiment, section: str) -> int:
        """Return the number of training samples that ``per_class`` of a section selects; all by default."""
        per_class = experiment.settings.get(section, {}).get("per_class")
        return experiment.M if per_class in (None, "all") else min(experiment.M, per_class * experiment.classes)

    def curvature(self, w: Any) -> Cost:
        settings, runs = self.jobs.curvature(w), self._runs_of_job(w)
        points = runs + len(settings["along"]) * (self.experiments[w.experiment]["recording"]["points"] - 1)
        return self._curvature(w, points, len(settings["spectrum"]))

    def branch_curvature(self, w: Any) -> Cost:
        experiment, _ = self._of(w)
        count, along = self.experiments[w.experiment].branching(w).count, self.jobs.is_reference(w)
        return self._curvature(w, count * (experiment["branches"]["points"] if along else 1), 0)

    def _curvature(self, w: Any, points: int, spectra: int) -> Cost:
        """Return the cost of the top eigenvalues at ``points`` points and of ``spectra`` spectra, in one layer."""
        experiment, arithmetic = self._of(w)
        M, layer = self._chosen(experiment, "curvature"), experiment.layer
        weights, above = arithmetic.layer_weights[layer - 1], arithmetic.above(layer)
        top = LAYER_PRODUCTS * 4 * above * M / (LAYER_EFFICIENCY * DOUBLE) + arithmetic.evaluation_seconds(M, True)
        dense = (2 * experiment.classes * M + 6 * weights) * weights**2 / DOUBLE
        arrays = self._double_bytes(w, M) + bool(spectra) * 8 * weights * (3 * weights + M)
        disk = 8 * (points * (experiment["curvature"]["N"] + 4) + spectra * weights)
        return Cost(START + 0.3 + points * top + spectra * dense, MEMORY + arrays / 1e6, disk)

    def _double_bytes(self, w: Any, M: int) -> float:
        """Return the size of M images and their activations in float64 and of all images in float32, in bytes."""
        experiment = self.experiments[w.experiment]
        units = sum(experiment["network"]["hidden"])  # without convolutions, which pass few images at a time
        return 8 * M * (2 * experiment.data_set.pixels + 6 * units) + 2 * self._image_bytes(w, 4)

    def _network_product(self, w: Any, M: int) -> float:
        """Return the time of a Hessian-vector product in all parameters on M samples, in s."""
        _, arithmetic = self._of(w)
        first, *upper = arithmetic.products
        return M * (4 * first + 12 * sum(upper)) / (NETWORK_EFFICIENCY * DOUBLE)

    def layer_curvature(self, w: Any) -> Cost:
        settings, runs = self.jobs.layer_curvature(w), self._runs_of_job(w)
        experiment, arithmetic = self._of(w)
        M = self._chosen(experiment, "curvature")
        points = runs + len(settings["along"]) * (experiment["recording"]["points"] - 1)
        arrays = self._double_bytes(w, M) + 8 * 60 * arithmetic.parameters
        disk = 8 * points * (settings["N"] + 4)
        seconds = START + 0.3 + points * NETWORK_PRODUCTS * self._network_product(w, M)
        return Cost(seconds, MEMORY + arrays / 1e6, disk)

    def edge_of_stability(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        settings, B = self.jobs.edge_of_stability(w), int(w.B)
        points = len(settings["runs"]) * math.ceil(experiment["recording"]["points"] / settings["every"])
        minibatches = settings["minibatches"] if experiment.M > B else 0
        M = self._chosen(experiment, "edge_of_stability")
        small = MINIBATCH + 2 * self._network_product(w, B)
        seconds = SHARPNESS_PRODUCTS * self._network_product(w, M) + minibatches * small
        arrays = self._double_bytes(w, M) + 8 * 60 * arithmetic.parameters
        return Cost(START + 0.3 + points * seconds, MEMORY + arrays / 1e6, 24 * points)

    def flatness(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        settings, runs = self.jobs.flatness(w), self._runs_of_job(w)
        M, names = self._chosen(experiment, "curvature"), settings["measures"]
        displaced = sum(name.endswith(("sharpness", "increase")) for name in names)
        passes = 20 + (2 * settings.get("pairs", 10) + settings.get("steps", 10) if displaced else 0)
        seconds = passes * M * arithmetic.training_flop / (NETWORK_EFFICIENCY * DOUBLE)
        arrays = self._double_bytes(w, M)
        return Cost(START_TORCH + runs * seconds, MEMORY_TORCH + arrays / 1e6, 200 * runs)

    def gradient_noise(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        settings, M = self.jobs.gradient_noise(w), self._chosen(experiment, "gradient_noise")
        points = len(settings["along"]) * math.ceil(experiment["recording"]["points"] / settings["every"])
        layers = settings["layers"]
        sizes = [experiment.network.weight_shape(k) for k in layers]
        weights, out = sum(map(math.prod, sizes)), sum(size[0] for size in sizes)
        flop = 2 * settings["minibatches"] * M * weights + 3 * M**2 * out**2
        arrays = self._double_bytes(w, M) + 4 * 8000 * M + 8 * settings["minibatches"] * weights
        arrays += 4 * len(settings["along"]) * experiment["recording"]["points"] * arithmetic.parameters
        return Cost(START + 0.3 + points * (0.05 + flop / (0.6 * DOUBLE)), MEMORY + arrays / 1e6, 4000 * points)

    def continuations(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        runs = len(self.jobs.continuations(w)["runs"])
        steps = CONTINUED * continued_samples(experiment, runs) / experiment.M
        seconds = steps * arithmetic.step_seconds(experiment.M, full=True)
        arrays = 2 * self._image_bytes(w, 4) + 4 * experiment.M * min(experiment.M, 12 * arithmetic.units)
        disk = 40 * runs * experiment["recording"]["points"]
        return Cost(START_TORCH + seconds, MEMORY_TORCH + arrays / 1e6, disk)

    def endpoints(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        runs = experiment.sweep.runs
        seconds = runs * (0.006 + arithmetic.evaluation_seconds(10_000))
        arrays = 10_000 * (8 * experiment.data_set.pixels + 8 * sum(experiment["network"]["hidden"]))
        return Cost(START + seconds, MEMORY + arrays / 1e6, 1000 * runs)

    def jaccard(self, w: Any) -> Cost:
        experiment, _ = self._of(w)
        runs = experiment.sweep.runs
        return Cost(START + 1e-9 * runs**2 * experiment.samples("test"), MEMORY + 16e-6 * runs**2, 8 * runs**2)

    def freezing(self, w: Any) -> Cost:
        experiment, _ = self._of(w)
        return Cost(START + 0.003 * experiment.sweep.runs, MEMORY, 50 * experiment.sweep.runs)

    def cell_maps(self, w: Any) -> Cost:
        experiment, _ = self._of(w)
        return Cost(START + 0.5 + 1e-7 * experiment["trends"]["resamples"] * experiment.sweep.runs * 20, 220, 1e5)

    def projection(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        points, weights = experiment["recording"]["points"], arithmetic.layer_weights[experiment.layer - 1]
        groups = [len(experiment.block_runs), sum(map(experiment.sweep.count, experiment.projected_cells))]
        seconds = sum(principal_components_seconds(runs * points, weights) for runs in groups if runs)
        arrays = 3 * 8 * max(groups) * points * weights
        return Cost(START + 0.5 + seconds, 200 + arrays / 1e6, 32 * points * sum(groups))

    def branch_projection(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        weights = arithmetic.layer_weights[experiment.layer - 1]
        points = self.experiments[w.experiment].branching(w).count * experiment["branches"]["points"]
        seconds = START + 0.5 + principal_components_seconds(points, weights)
        return Cost(seconds, 200 + 20 * points * weights / 1e6, 24 * points)

    def barriers(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        settings, M, runs = experiment["barriers"], self._chosen(experiment, "barriers"), experiment.sweep.runs
        block, times = len(experiment.block_runs), experiment["recording"]["points"]
        pairs = block * (block - 1) // 2
        lines = min(settings["pairs"], runs * (runs - 1) // 2) + experiment.sweep.realizations * pairs
        along = times * min(pairs, len(settings["similarity"]) + pairs // 4)  # pairs // 4: less similar ones
        seconds = (lines + along) * settings["points"] * arithmetic.evaluation_seconds(M, upper=True)
        seconds += (runs + block * times) * arithmetic.evaluation_seconds(M) + 1e-4 * settings["resamples"] * 10
        arrays = 4 * runs * arithmetic.parameters + min(2**30, 4 * runs * M * arithmetic.units)
        arrays += 4 * block * times * arithmetic.parameters + 3 * self._image_bytes(w, 4)
        return Cost(START + seconds, MEMORY + arrays / 1e6, 16 * (lines + along) * settings["points"])

    def paths(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        settings, M = self.jobs.paths(w), self._chosen(experiment, "paths")
        line = settings["points"] * arithmetic.evaluation_seconds(M, upper=True)
        seconds = settings["pairs"] * 2 * (line + 3 * arithmetic.evaluation_seconds(M))
        if "bezier" in settings:
            step = 2 * NODES * M * arithmetic.training_flop / (0.5 * DOUBLE)
            step += settings["points"] * arithmetic.evaluation_seconds(M, double=True)
            seconds += settings["bezier"]["pairs"] * settings["bezier"]["steps"] * step
        if "slice" in settings:
            seconds += settings["slice"]["points"] ** 2 * arithmetic.evaluation_seconds(M, upper=True, double=True)
        arrays = 4 * experiment.sweep.runs * arithmetic.parameters + self._double_bytes(w, M)
        return Cost(START_TORCH + seconds, MEMORY_TORCH + arrays / 1e6, 1e6)

    def branch_basins(self, w: Any) -> Cost:
        experiment, arithmetic = self._of(w)
        count, points = self.experiments[w.experiment].branching(w).count, experiment["branches"]["basins"]["points"]
        seconds = count * (points * arithmetic.evaluation_seconds(experiment.M, upper=True))
        seconds += count * arithmetic.evaluation_seconds(10_000 + experiment.M)
        return Cost(START + seconds, MEMORY + 2 * self._image_bytes(w, 4) / 1e6 + 60, 1e4)

    def branch_endpoints(self, w: Any) -> Cost:
        _, arithmetic = self._of(w)
        count = self.experiments[w.experiment].branching(w).count
        return Cost(START + count * arithmetic.evaluation_seconds(10_000), MEMORY + 60, 1000 * count)

    def branch_statistics(self, w: Any) -> Cost:
        return Cost(START + 0.2, MEMORY, 1e5)
