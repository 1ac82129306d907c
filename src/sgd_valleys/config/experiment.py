"""A checked configuration and its experiments as frozen objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any

from sgd_valleys.config.sweep import Cell, Run, Selection, Sweep, canonical
from sgd_valleys.data.dataset import DataSet
from sgd_valleys.data.registry import data_set_of
from sgd_valleys.networks.build import build
from sgd_valleys.networks.network import Network
from sgd_valleys.recipe import Recipe


@dataclass(frozen=True)
class Configuration:
    """A checked configuration.

    Attributes:
        config: all settings; inheritance is resolved, and words such as ``last`` are replaced by values of the sweeps.
        experiments: the experiments by name.
    """

    config: Mapping[str, Any]
    experiments: Mapping[str, "Experiment"]

    @property
    def diagrams(self) -> Mapping[str, Any]:
        """Settings of the phase diagrams by name; empty without the two-valley model."""
        return self.config.get("two_valley", {}).get("phase_diagrams", {})


@dataclass(frozen=True)
class Branching:
    """The branches of the runs of one cell.

    Attributes:
        realizations: numbers of the branched runs.
        t_c: iterations of the SGD run at which branches leave the run, ascending.
        recipe: training of a branch; gradient descent by default.
        T: iterations of the SGD run. Final values are taken at t_c + t = T, where t is the iteration of a branch.
        copies: number of branches that leave the run at each t_c.
        perturbation: length of a random displacement of all parameters at the start of every branch.
    """

    realizations: tuple[int, ...]
    t_c: range
    recipe: Recipe
    T: int
    copies: int = 1
    perturbation: float = 0.0

    @property
    def count(self) -> int:
        """Number of branches that leave one run."""
        return len(self.t_c) * self.copies

    @property
    def iterations(self) -> int:
        """Number of training steps of a branch."""
        return self.recipe.iterations

    def final_positions(self, points: int) -> list[int]:
        """Return the position of total iteration T among the recorded points of every branch.

        Args:
            points: number of evenly spaced recorded points of a branch.

        Returns:
            one position for each branch, in the order of t_c; the copies from one t_c are consecutive.
        """
        spacing = self.iterations // (points - 1)
        return [(self.T - t) // spacing for t in self.t_c for _ in range(self.copies)]


@dataclass(frozen=True)
class Experiment:
    """A data set, a network, a sweep, and the settings of recording and measurement.

    Attributes:
        name: key of the experiment in the configuration.
        settings: settings of the experiment, with inheritance resolved.
    """

    name: str
    settings: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        """Return the setting or section ``key``."""
        return self.settings[key]

    def __contains__(self, key: str) -> bool:
        """Whether the experiment has the setting or section ``key``."""
        return key in self.settings

    @cached_property
    def data_set(self) -> DataSet:
        """The data set; a user's file is read, because the file gives its shape and classes.

        Raises:
            UserError: the name is unknown, or the user's file is not a valid data set.
        """
        return data_set_of(self["dataset"])

    @property
    def classes(self) -> int:
        """Number of classes of the data set."""
        return self.data_set.classes

    @property
    def layer(self) -> int:
        """Number of the studied layer, counted from 1."""
        return self["layer"]

    @property
    def M(self) -> int:
        """Number of training samples."""
        return self.samples("train")

    def samples(self, part: str) -> int:
        """Return the number of samples of the "train" or the "test" set."""
        per_class = self["dataset"][f"{part}_per_class"]
        return self.data_set.samples[part] if per_class == "all" else per_class * self.classes

    @cached_property
    def sweep(self) -> Sweep:
        """The cells and their runs."""
        return Sweep.from_settings(self["sweep"], self.M, self.training)

    @property
    def training(self) -> Mapping[str, Any]:
        """The section ``training``; empty for the training of the paper."""
        return self.settings.get("training", {})

    @property
    def label_noise(self) -> float:
        """Share of the training labels that are replaced by another class; 0 by default."""
        return self.training.get("label_noise", 0.0)

    @property
    def initializations(self) -> int:
        """Number n of initializations; realization r starts from initialization r mod n."""
        return self.sweep.initializations

    def recipe(self, cell: Cell) -> Recipe:
        """Return the recipe of the runs of a cell."""
        return self.sweep.recipe(cell)

    def is_deterministic(self, cell: Cell) -> bool:
        """Whether the training of a cell has no noise; its runs then differ only in their initialization."""
        return self.sweep.is_deterministic(cell)

    @property
    def branch_training(self) -> dict[str, Any]:
        """The section ``branches.training``; no noise by default."""
        return {"noise": "none", **self["branches"].get("training", {})}

    def branch_recipe(self, cell: Cell) -> Recipe:
        """Return the recipe of the branches of a cell."""
        return self.branchings[cell].recipe

    @cached_property
    def network(self) -> Network:
        """The trained network."""
        return build(self["network"], self.data_set.shape, self.classes)

    @property
    def hidden_units(self) -> int:
        """Number of hidden units of the network, including those of convolutions."""
        channels, (_, rows, columns) = self["network"].get("channels", ()), self.data_set.shape
        convolved = sum(c * (rows >> k) * (columns >> k) for k, c in enumerate(channels))
        return convolved + sum(self["network"]["hidden"])

    @property
    def block_runs(self) -> list[Run]:
        """The runs of Fig. 1: one realization of several cells.

        A deterministic cell has only n runs, one for each of n initializations; realization r is then r mod n.
        """
        block = self["projection"]["block"]
        cells, r = [Cell(canonical(eta), B) for eta in block["eta"] for B in block["B"]], block["realization"]
        return [Run(*cell, r % self.initializations if self.is_deterministic(cell) else r) for cell in cells]

    @property
    def projected_cells(self) -> list[Cell]:
        """The cells whose runs are projected together (Fig. 2B, C); may be empty."""
        return [Cell(canonical(cell["eta"]), cell["B"]) for cell in self["projection"].get("cells", ())]

    @property
    def recorded_part(self) -> dict[str, int]:
        """The job setting ``train_samples``, the number of recorded training images; empty if all are recorded."""
        number = self["recording"].get("train_samples", "all")
        return {} if number == "all" else {"train_samples": number}

    @property
    def reference_run(self) -> Run:
        """The run whose branches Fig. 4 shows (``branches.reference``)."""
        run = self["branches"]["reference"]
        return Run(canonical(run["eta"]), run["B"], run["realization"])

    @property
    def path_settings(self) -> dict[str, Any]:
        """The section ``paths``, with the reference run for the slice of the loss; without branches, no slice."""
        found = dict(self.settings.get("paths", {}))
        points = found.pop("slice", None)
        if points and "branches" in self:
            found["slice"] = {**points, "run": list(self.reference_run)}
        return found

    @property
    def spectrum_selections(self) -> list[Selection]:
        """Runs whose whole Hessian spectrum is measured at the end."""
        return [Selection.from_settings(each) for each in self["curvature"]["spectrum"]]

    @property
    def along_selections(self) -> list[Selection]:
        """Runs with curvature at every recorded iteration, as ``curvature.along`` sets them."""
        return [Selection.from_settings(each) for each in self["curvature"]["along"]]

    @property
    def curvature_selections(self) -> list[Selection]:
        """Runs with curvature of the studied layer at every recorded iteration.

        These are the runs of ``curvature.along``, the runs that figures show, and the reference run.
        """
        shown = self["curvature"].get("shown", ())
        found = [*self.along_selections, *map(Selection.from_settings, shown)]
        if "branches" in self:
            found.append(Selection.of(self.reference_run))
        return found

    @property
    def noise_selections(self) -> list[Selection]:
        """Runs whose gradient noise is measured along training."""
        return self._selections("gradient_noise")

    @property
    def curvature_layers(self) -> list[str]:
        """The setting ``curvature.layers`` as texts: "all" for all parameters of the network, or a layer's number."""
        return [str(layers) for layers in self["curvature"].get("layers", ())]

    @property
    def edge_selections(self) -> list[Selection]:
        """Runs whose sharpness in all parameters is measured along training."""
        return self._selections("edge_of_stability")

    @property
    def continuation_selections(self) -> list[Selection]:
        """Runs from whose checkpoints gradient descent continues."""
        return self._selections("continuations")

    def _selections(self, section: str) -> list[Selection]:
        """Return the setting ``runs`` of an optional section; empty without the section."""
        return [Selection.from_settings(each) for each in self.settings.get(section, {}).get("runs", ())]

    @property
    def checkpoint_selections(self) -> list[Selection]:
        """Runs whose parameters are kept at every recorded iteration, because a later job reads them."""
        branched = self["branches"]["runs"] if "branches" in self else []
        own = [Selection.from_settings(each) for each in (*self["recording"]["checkpoints"], *branched)]
        own += map(Selection.of, self.block_runs)
        own += [Selection((cell.eta,), (cell.B,), None) for cell in self.projected_cells]
        measured = self.edge_selections, self.noise_selections, self.continuation_selections
        return [*own, *self.curvature_selections, *chain.from_iterable(measured)]

    def branch_times(self, entry: Mapping[str, Any], eta: str) -> range:
        """Return the iterations at which branches leave a run of one learning rate.

        Args:
            entry: an entry of ``branches.runs``; its ``t_c`` replaces that of ``branches``.
            eta: learning rate of the run as canonical text.
        """
        times, T = entry.get("t_c", self["branches"].get("t_c")), self.sweep.iterations(eta)
        recorded = T // (self["recording"]["points"] - 1)
        if times == "all":
            return range(0, T + 1, recorded)
        step = times["step"]["recorded"] * recorded if isinstance(times["step"], Mapping) else times["step"]
        if isinstance(times["last"], Mapping):  # range() rounds the fraction down to a whole step
            return range(times["first"], int(T * Decimal(str(times["last"]["fraction"]))) + 1, step)
        return range(times["first"], times["last"] + 1, step)

    def branch_iterations(self, entry: Mapping[str, Any], eta: str) -> int:
        """Return the number of steps of a branch; ``same`` stands for the number of steps of the SGD run.

        Args:
            entry: an entry of ``branches.runs``; its ``iterations`` replaces that of ``branches``.
            eta: learning rate of the run as canonical text.
        """
        iterations = entry.get("iterations", self["branches"].get("iterations"))
        return self.sweep.iterations(eta) if iterations == "same" else iterations

    def branching(self, w: Any) -> Branching:
        """Return the branches of the cell in a job's wildcards ``w.eta`` and ``w.B``."""
        return self.branchings[Cell(w.eta, int(w.B))]

    @cached_property
    def branchings(self) -> dict[Cell, Branching]:
        """The branches of every branched cell; empty without the section ``branches``."""
        found, branches = {}, self.settings.get("branches", {"runs": []})
        for entry in branches["runs"]:
            selection = Selection.from_settings(entry)
            for cell in self.sweep.cells:
                chosen = tuple(r for r in range(self.sweep.count(cell)) if Run(*cell, r) in selection)
                if chosen:
                    found[cell] = Branching(
                        realizations=chosen,
                        t_c=self.branch_times(entry, cell.eta),
                        recipe=self._branch_recipe(cell, self.branch_iterations(entry, cell.eta)),
                        T=self.sweep.iterations(cell.eta),
                        copies=branches.get("copies", 1),
                        perturbation=branches.get("perturbation", 0.0),
                    )
        return found

    def _branch_recipe(self, cell: Cell, iterations: int) -> Recipe:
        branches, run = self["branches"], self.recipe(cell)
        eta, B = branches["eta"], branches.get("B", "same")
        return Recipe.from_settings(
            run.eta if eta == "same" else float(eta),
            run.B if B == "same" else B,
            iterations,
            {**self.branch_training, "loss": run.loss},
        )
