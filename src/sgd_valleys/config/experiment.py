"""One experiment of the configuration as a frozen object."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
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
        config: all settings in their full form, with values of the sweeps in place of words.
        experiments: its experiments by name.
    """

    config: Mapping[str, Any]
    experiments: Mapping[str, "Experiment"]

    @property
    def diagrams(self) -> Mapping[str, Any]:
        """Settings of the phase diagrams by name; none without the two-valley model."""
        return self.config.get("two_valley", {}).get("phase_diagrams", {})


@dataclass(frozen=True)
class Branching:
    """The branches of the runs of one cell.

    Attributes:
        realizations: the branched runs.
        t_c: iterations of the SGD run at which branches leave it, ascending.
        recipe: how a branch is trained; gradient descent by default.
        T: iterations of the SGD run; final values are taken at this total iteration.
        copies: branches that leave the run at each of these iterations.
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
        """Number of branches of a run."""
        return len(self.t_c) * self.copies

    @property
    def iterations(self) -> int:
        """Steps of a branch."""
        return self.recipe.iterations

    def final_positions(self, points: int) -> list[int]:
        """Return the position of total iteration T among the evenly spaced recorded points of every branch.

        The copies from one iteration follow each other.
        """
        spacing = self.iterations // (points - 1)
        return [(self.T - t) // spacing for t in self.t_c for _ in range(self.copies)]


@dataclass(frozen=True)
class Experiment:
    """A data set, a network, a sweep, and what is recorded and measured of it.

    Attributes:
        name: key in the configuration.
        settings: the settings of the configuration, inheritance resolved.
    """

    name: str
    settings: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        """Return one of the settings."""
        return self.settings[key]

    def __contains__(self, key: str) -> bool:
        """Whether the experiment has a setting."""
        return key in self.settings

    @cached_property
    def data_set(self) -> DataSet:
        """The data set; a file of the user's own is read to describe it."""
        return data_set_of(self["dataset"])

    @property
    def classes(self) -> int:
        """Number of classes of the data set."""
        return self.data_set.classes

    @property
    def layer(self) -> int:
        """The layer whose weights are studied, counted from 1."""
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
        """The section ``training``; empty for the paper's."""
        return self.settings.get("training", {})

    @property
    def label_noise(self) -> float:
        """Share of the training labels that are replaced by another class."""
        return self.training.get("label_noise", 0.0)

    @property
    def initializations(self) -> int:
        """Number of initializations; realization r starts from number r modulo this one."""
        return self.sweep.initializations

    def recipe(self, cell: Cell) -> Recipe:
        """Return how the runs of a cell are trained."""
        return self.sweep.recipe(cell)

    def is_deterministic(self, cell: Cell) -> bool:
        """Whether the runs of a cell have no noise, and differ in their initialization alone."""
        return self.sweep.is_deterministic(cell)

    @property
    def branch_training(self) -> dict[str, Any]:
        """The section ``branches.training``; no noise by default."""
        return {"noise": "none", **self["branches"].get("training", {})}

    def branch_recipe(self, cell: Cell) -> Recipe:
        """Return how the branches of the runs of a cell are trained."""
        return self.branchings[cell].recipe

    @cached_property
    def network(self) -> Network:
        """The network that is trained."""
        return build(self["network"], self.data_set.shape, self.classes)

    @property
    def hidden_units(self) -> int:
        """Number of hidden units of the network, those of convolutions among them."""
        channels, (_, rows, columns) = self["network"].get("channels", ()), self.data_set.shape
        convolved = sum(c * (rows >> k) * (columns >> k) for k, c in enumerate(channels))
        return convolved + sum(self["network"]["hidden"])

    @property
    def block_runs(self) -> list[Run]:
        """The block of runs that Fig. 1 shows; a deterministic cell has one run for each initialization."""
        block = self["projection"]["block"]
        cells, r = [Cell(canonical(eta), B) for eta in block["eta"] for B in block["B"]], block["realization"]
        return [Run(*cell, r % self.initializations if self.is_deterministic(cell) else r) for cell in cells]

    @property
    def projected_cells(self) -> list[Cell]:
        """The cells whose runs are projected together, Fig. 2B and C; may be none."""
        return [Cell(canonical(cell["eta"]), cell["B"]) for cell in self["projection"].get("cells", ())]

    @property
    def reference_run(self) -> Run:
        """The run whose branches Fig. 4 shows."""
        run = self["branches"]["reference"]
        return Run(canonical(run["eta"]), run["B"], run["realization"])

    @property
    def spectrum_selections(self) -> list[Selection]:
        """Runs whose whole spectrum is taken at the end."""
        return [Selection.from_settings(each) for each in self["curvature"]["spectrum"]]

    @property
    def along_selections(self) -> list[Selection]:
        """Runs whose curvature the configuration asks for at every recorded time."""
        return [Selection.from_settings(each) for each in self["curvature"]["along"]]

    @property
    def curvature_selections(self) -> list[Selection]:
        """Runs whose curvature is taken at every recorded time: the reference run of the branches too."""
        found = self.along_selections
        if "branches" in self:
            found.append(Selection.of(self.reference_run))
        return found

    @property
    def curvature_layers(self) -> list[str]:
        """Layers of which the curvature in all parameters is taken, beside that of the studied layer's weights."""
        return [str(layers) for layers in self["curvature"].get("layers", ())]

    @property
    def edge_selections(self) -> list[Selection]:
        """Runs along which the sharpness of all parameters is taken."""
        return [Selection.from_settings(each) for each in self.settings.get("edge_of_stability", {}).get("runs", ())]

    @property
    def checkpoint_selections(self) -> list[Selection]:
        """Runs whose whole parameters are kept at every recorded time, for whatever needs them later."""
        branched = self["branches"]["runs"] if "branches" in self else []
        own = [Selection.from_settings(each) for each in (*self["recording"]["checkpoints"], *branched)]
        own += map(Selection.of, self.block_runs)
        own += [Selection((cell.eta,), (cell.B,), None) for cell in self.projected_cells]
        return [*own, *self.curvature_selections, *self.edge_selections]

    def branch_times(self, entry: Mapping[str, Any], eta: str) -> range:
        """Return the iterations at which branches leave a run of one learning rate.

        Args:
            entry: one of ``branches.runs``, whose own ``t_c`` comes before that of ``branches``.
            eta: learning rate of the run as canonical text.
        """
        times, T = entry.get("t_c", self["branches"].get("t_c")), self.sweep.iterations(eta)
        recorded = T // (self["recording"]["points"] - 1)
        if times == "all":
            return range(0, T + 1, recorded)
        step = times["step"]["recorded"] * recorded if isinstance(times["step"], Mapping) else times["step"]
        if isinstance(times["last"], Mapping):  # a fraction of the run, down to a whole step
            return range(times["first"], int(T * Decimal(str(times["last"]["fraction"]))) + 1, step)
        return range(times["first"], times["last"] + 1, step)

    def branch_iterations(self, entry: Mapping[str, Any], eta: str) -> int:
        """Return the steps of the branches of a run of one learning rate: a number, or as many as the run has."""
        iterations = entry.get("iterations", self["branches"].get("iterations"))
        return self.sweep.iterations(eta) if iterations == "same" else iterations

    @cached_property
    def branchings(self) -> dict[Cell, Branching]:
        """The branched cells; empty without ``branches``."""
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
