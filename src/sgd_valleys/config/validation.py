"""Whether the settings make sense, told before anything runs, in one sentence that names the setting."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import ValidationError, best_match

from sgd_valleys.config.sweep import (
    Cell,
    canonical,
    cells,
    iterations,
    log_grid,
    realizations,
    selected,
    selected_by_any,
)
from sgd_valleys.data.registry import DATA_SETS
from sgd_valleys.errors import UserError
from sgd_valleys.networks.build import build
from sgd_valleys.networks.network import Network
from sgd_valleys.two_valley.landscape import Landscape, stability_bound

Settings = Mapping[str, Any]


# 10.0 is no integer here: it would be another name in a path than 10
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)
BRANCH_FIGURES = ("fig4", "fig4X", "figS4")
GRID = "{first, last, points}, or a list of numbers"
LARGEST_SPECTRUM = 10_000  # weights: the dense Hessian is then 800 MB


def alike(experiments: Settings) -> dict[str, Any]:
    """Experiments with what each takes over from the one that it is ``like``; its own settings come first.

    A mapping is taken over setting by setting, anything else as a whole; null leaves a setting out, or an experiment.

    Raises:
        UserError: an experiment is like one that there is not, or like itself in the end.
    """

    if not isinstance(experiments, Mapping):
        raise UserError(f"config: experiments is {experiments!r}: it has to be settings by the experiments' names.")
    there = {name: experiment for name, experiment in experiments.items() if experiment is not None}

    def whole(name: str, asked: tuple[str, ...] = ()) -> dict[str, Any]:
        own = there[name]
        if not isinstance(own, Mapping):
            return own
        if "like" not in own:
            return _merged({}, own)
        other, path = own["like"], (*asked, name)
        if not isinstance(other, str) or other not in there:
            raise UserError(
                f"config: experiments.{name}.like is {other}: the experiments are {', '.join(map(str, there))}."
            )
        if other in path:
            raise UserError(f"config: experiments.{name}.like: {' is like '.join((*path, other))}: break the circle.")
        return _merged(whole(other, path), {key: value for key, value in own.items() if key != "like"})

    return {name: whole(name) for name in there}


def _merged(below: Settings, above: Settings) -> dict[str, Any]:
    found = {**below}
    for key, value in above.items():
        old = below.get(key)
        found[key] = _merged(old if isinstance(old, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return {key: value for key, value in found.items() if value is not None}


def on_top_of(below: Settings, config: Settings) -> dict[str, Any]:
    """Settings as a file that brings them back on top of others: null is what these have and the settings leave out.

    Args:
        below: settings, with what experiments take over from each other as it is written there.
        config: settings, with ``alike`` experiments.
    """
    return _on_top(below | {"experiments": alike(below["experiments"])}, config)


def _on_top(below: Settings, config: Settings) -> dict[str, Any]:
    found = {}
    for key, value in config.items():  # in their own order, since Snakemake takes another order for another setting
        old = below.get(key)
        found[key] = _on_top(old if isinstance(old, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return found | {key: None for key in below if key not in config}


def changes(below: Settings, above: Settings, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The settings in which two differ, as (name, below, above); None is a setting that is left out."""
    for key in dict.fromkeys([*below, *above]):
        old, new, name = below.get(key), above.get(key), f"{where}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from changes(old, new, f"{name}.")
        elif old != new:
            yield name, old, new


def check(config: Settings, schema: Path) -> None:
    """Refuse settings that cannot be run.

    Args:
        config: all settings.
        schema: JSON Schema (as YAML) of their shape.

    Raises:
        UserError: names the first setting that is wrong, and what it may be.
    """
    for where, value in _numbers(config):
        if not math.isfinite(value):
            raise UserError(f"config: {where} is {value}: it has to be a finite number.")
    wrong = best_match(_Validator(yaml.safe_load(schema.read_text())).iter_errors(config))
    if wrong is not None:
        raise UserError(f"config: {_sentence(wrong)}.")
    for name, experiment in config["experiments"].items():
        _check_experiment(f"config: experiments.{name}", experiment)
    _check_two_valley("config: two_valley", config["two_valley"])
    for name, figure in config["figures"].items():
        if "experiment" in figure:
            _check_figure(name, figure, config["experiments"])
        diagrams = config["two_valley"]["phase_diagrams"]
        if figure.get("diagram", next(iter(diagrams))) not in diagrams:
            raise UserError(
                f"config: figures.{name}.diagram is {figure['diagram']}: two_valley.phase_diagrams has "
                f"{', '.join(diagrams)}."
            )


def warnings(config: Settings) -> list[str]:
    """What can be run and hardly makes sense, in a sentence each."""
    found = []
    for where, eta, y in _model_rates(config["two_valley"]):
        bound = stability_bound(Landscape(**config["two_valley"]["landscape"]), y)
        if eta >= bound:
            found.append(
                f"two_valley.{where}: at eta = {canonical(eta)} the sharp valley is unstable: it needs eta < f_2(y), "
                f"which is {bound:.3g} at its least from y = {y:g} on; such cells are marked in the figures."
            )
    return found


def _model_rates(model: Settings) -> Iterator[tuple[str, float, float]]:
    """Every learning rate of the two-valley model, where it stands, and the y at which its runs start."""
    for name, diagram in model["phase_diagrams"].items():
        for eta in log_grid(diagram["eta"]):
            yield f"phase_diagrams.{name}.eta", eta, diagram["start"]["y"]
    yield "occupancy.eta", model["occupancy"]["eta"], model["occupancy"]["start"]["y"]
    for eta in model["continuous_time"]["small_eta_limit"]["eta"]:
        yield "continuous_time.small_eta_limit.eta", eta, continuous_diagram(model)["start"]["y"]


def continuous_diagram(model: Settings) -> Settings:
    """The phase diagram that is compared with continuous time."""
    return model["phase_diagrams"][model["continuous_time"]["diagram"]]


def training_samples(dataset: Settings) -> int:
    """M, the size of the training set that the ``dataset`` settings describe."""
    return samples(dataset, "train")


def samples(dataset: Settings, part: str) -> int:
    """Size of the "train" or the "test" set that the ``dataset`` settings describe."""
    known, per_class = DATA_SETS[dataset["name"]], dataset[f"{part}_per_class"]
    return known.samples[part] if per_class == "all" else per_class * known.classes


def network_of(experiment: Settings) -> Network:
    """The network that an experiment trains."""
    known = DATA_SETS[experiment["dataset"]["name"]]
    return build(experiment["network"], known.shape, known.classes)


def block_runs(experiment: Settings) -> list[tuple[str, int, int]]:
    """(eta, B, realization) of the block of runs that Fig. 1 shows; a GD cell has realization 0 alone."""
    M, block = training_samples(experiment["dataset"]), experiment["projection"]["block"]
    return [(canonical(eta), B, 0 if B == M else block["realization"]) for eta in block["eta"] for B in block["B"]]


def followed(experiment: Settings) -> list[Settings]:
    """Selections of the runs whose curvature is taken at every recorded time."""
    found = list(experiment["curvature"]["along"])
    if "branches" in experiment:
        eta, B, realization = reference_run(experiment)
        found.append({"eta": [float(eta)], "B": [B], "realizations": [realization]})
    return found


def kept_whole(experiment: Settings) -> list[Settings]:
    """Selections of the runs whose whole parameters are kept at every recorded time: whatever needs them later."""
    branched = experiment.get("branches", {}).get("runs", [])
    return [*experiment["recording"]["checkpoints"], *followed(experiment), *branched]


@dataclass(frozen=True)
class Branching:
    """How a cell's runs are branched.

    Attributes:
        realizations: the runs.
        t_c: iterations of the SGD run at which a branch leaves it, ascending.
        iterations: steps of a branch.
        eta: learning rate of a branch.
        T: iterations of the SGD run; the total iteration at which final values are taken.
    """

    realizations: list[int]
    t_c: list[int]
    iterations: int
    eta: float
    T: int

    def final(self, points: int) -> list[int]:
        """For every branch the position of total iteration T among its recorded points, which are evenly spaced."""
        return [(self.T - t) // (self.iterations // (points - 1)) for t in self.t_c]


def branchings(experiment: Settings) -> dict[Cell, Branching]:
    """The branched cells of an experiment; none where it has no ``branches``."""
    sweep, found = experiment["sweep"], {}
    M = training_samples(experiment["dataset"])
    for entry in experiment.get("branches", {}).get("runs", ()):
        times = entry["t_c"]
        for eta, B in cells(sweep):
            if chosen := selected(entry, eta, B, range(realizations(sweep, B, M))):
                rate = experiment["branches"]["eta"]
                found[eta, B] = Branching(
                    realizations=chosen,
                    t_c=list(range(times["first"], times["last"] + 1, times["step"])),
                    iterations=entry["iterations"],
                    eta=float(eta) if rate == "same" else float(rate),
                    T=int(iterations(sweep, eta)),
                )
    return found


def reference_run(experiment: Settings) -> tuple[str, int, int]:
    """(eta, B, realization) of the run whose branches Fig. 4 shows."""
    run = experiment["branches"]["reference"]
    return canonical(run["eta"]), run["B"], run["realization"]


def _sentence(error: ValidationError) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)[1:]
    value, rule = error.instance, error.validator_value
    match error.validator:
        case "type" if isinstance(value, str) and rule in ("number", "integer") and _is_number(value):
            decimal = canonical(float(value))
            return f"{where} is the text '{value}': write it as a plain decimal, {decimal}; YAML reads 1e-3 as text"
        case "type":
            return f"{where} is {value!r}: it has to be of type {rule}"
        case "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            unknown = sorted(set(value) - set(known))
            return f"{where or 'the top level'} has no setting {', '.join(unknown)}: there are {', '.join(known)}"
        case "required":
            absent = [key for key in rule if key not in value]
            return f"{where or 'the top level'} lacks {', '.join(absent)}"
        case "enum":
            return f"{where} is {value!r}: it may be {', '.join(map(str, rule))}"
        case "minimum":
            return f"{where} is {value}: it has to be at least {rule}"
        case "maximum":
            return f"{where} is {value}: it may be at most {rule}"
        case "exclusiveMinimum":
            return f"{where} is {value}: it has to be greater than {rule}"
        case "minItems" | "minProperties":
            return f"{where} has {len(value)} entries: it needs at least {rule}"
        case "maxItems":
            return f"{where} has {len(value)} entries: it may have at most {rule}"
        case "oneOf":
            return f"{where} is {value!r}: it may be all, or a list of values of the sweep, each named once"
        case "anyOf":
            special = {"branches.eta": "same, or a number", "per_class": "all, or a whole number"}
            may = [text for end, text in special.items() if where.endswith(end)]
            return f"{where} is {value!r}: it may be {(*may, GRID)[0]} greater than 0"
        case "uniqueItems":
            return f"{where} names the same value twice: {value}"
        case _:
            return f"{where}: {error.message}"


def _numbers(value: Any, where: str = "") -> Iterator[tuple[str, float]]:
    """Every number among the settings, and where it stands."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from _numbers(inner, f"{where}[{k}]")
    elif isinstance(value, float):
        yield where, value


def _is_number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def _check_experiment(where: str, experiment: Settings) -> None:
    M = training_samples(experiment["dataset"])
    sweep, points = experiment["sweep"], experiment["recording"]["points"]
    for B in sweep["B"]:
        if M % B:
            raise UserError(
                f"{where}.sweep.B: {B} does not divide the training set of {M} samples "
                "(dataset.train_per_class times the classes): take a divisor."
            )
    for eta in map(canonical, sweep["eta"]):
        T = iterations(sweep, eta)
        if T % (points - 1):
            raise UserError(
                f"{where}.sweep.eta: with eta = {eta} a run lasts eta_T / eta = {T:g} iterations, which cannot be "
                f"recorded at recording.points = {points} equally spaced whole ones: change eta, eta_T or points."
            )
    _check_network(where, experiment)
    _check_eigenvalues(where, experiment)
    for key, selections in (
        ("recording.checkpoints", experiment["recording"]["checkpoints"]),
        ("curvature.along", experiment["curvature"]["along"]),
        ("curvature.spectrum", experiment["curvature"]["spectrum"]),
    ):
        for selection in selections:
            _in_sweep(
                f"{where}.{key}",
                experiment,
                [] if selection["eta"] == "all" else selection["eta"],
                [] if selection["B"] == "all" else selection["B"],
                [] if selection["realizations"] == "all" else selection["realizations"],
            )
    block = experiment["projection"]["block"]
    _in_sweep(f"{where}.projection.block", experiment, block["eta"], block["B"], [block["realization"]])
    for cell in experiment["projection"].get("cells", ()):
        _in_sweep(f"{where}.projection.cells", experiment, [cell["eta"]], [cell["B"]])
    if len(block["eta"]) * len(block["B"]) < 2:
        raise UserError(f"{where}.projection.block names one run: it needs at least two.")
    for eta, B, realization in block_runs(experiment) if "barriers" in experiment else ():
        if not selected_by_any(kept_whole(experiment), eta, B, [realization]):
            raise UserError(
                f"{where}.projection.block: the run of eta = {eta}, B = {B}, realization {realization} is kept whole "
                "nowhere along its way, which barriers need: name it in recording.checkpoints."
            )
    if "branches" in experiment:
        _check_branches(f"{where}.branches", experiment)


def _check_branches(where: str, experiment: Settings) -> None:
    """Refuse branches that start or end where nothing is recorded, and a reference that is not branched."""
    sweep, settings = experiment["sweep"], experiment["branches"]
    seen: set[Cell] = set()
    for k, entry in enumerate(settings["runs"]):
        here, times = f"{where}.runs[{k}]", entry["t_c"]
        chosen = entry["realizations"]
        _in_sweep(here, experiment, entry["eta"], entry["B"], [] if chosen == "all" else chosen)
        t_c = range(times["first"], times["last"] + 1, times["step"])
        if len(t_c) < 3 or t_c[-1] != times["last"]:
            raise UserError(
                f"{here}.t_c goes from {times['first']} to {times['last']} in steps of {times['step']}: "
                "it has to reach its last in at least two whole steps."
            )
        for cell in ((canonical(eta), B) for eta in entry["eta"] for B in entry["B"]):
            if cell in seen:
                raise UserError(f"{here}: eta = {cell[0]}, B = {cell[1]} is branched by two entries: keep one.")
            seen.add(cell)
        spacing, rest = divmod(entry["iterations"], settings["points"] - 1)
        if rest:
            raise UserError(
                f"{here}.iterations: {entry['iterations']} cannot be recorded at branches.points = "
                f"{settings['points']} equally spaced whole ones: change one of them."
            )
        for eta in map(canonical, entry["eta"]):
            T = int(iterations(sweep, eta))
            recorded = T // (experiment["recording"]["points"] - 1)
            for t in t_c:
                if t > T:
                    raise UserError(f"{here}.t_c: {t} is beyond the run of eta = {eta}, which lasts {T} iterations.")
                if t % recorded:
                    raise UserError(
                        f"{here}.t_c: {t} is no checkpoint of a run of eta = {eta}, which is recorded every "
                        f"{recorded} iterations (recording.points)."
                    )
                if T - t > entry["iterations"] or (T - t) % spacing:
                    raise UserError(
                        f"{here}.iterations: the branch from t_c = {t} is recorded every {spacing} of its "
                        f"{entry['iterations']} iterations, and not at its {T - t}th, the end of the run of "
                        f"eta = {eta}, where final values are taken: change iterations or branches.points."
                    )
    eta, B, realization = reference_run(experiment)
    _in_sweep(f"{where}.reference", experiment, [float(eta)], [B], [realization])
    branched = branchings(experiment).get((eta, B))
    if branched is None or realization not in branched.realizations:
        raise UserError(
            f"{where}.reference: the run of eta = {eta}, B = {B}, realization {realization} is not branched: "
            "name it in branches.runs."
        )


def _check_two_valley(where: str, model: Settings) -> None:
    """Refuse landscapes without two valleys, grids that go nowhere, and records that do not fit."""
    try:
        Landscape(**model["landscape"])
    except UserError as error:
        raise UserError(f"{where}.landscape: {error}") from None
    grids = {f"phase_diagrams.{n}.{k}": d[k] for n, d in model["phase_diagrams"].items() for k in ("eta", "sigma")}
    grids |= {"theory.gamma": model["theory"]["gamma"], "theory.delta_S": model["theory"]["delta_S"]}
    grids["continuous_time.delta_S"] = model["continuous_time"]["delta_S"]
    grids = {name: grid for name, grid in grids.items() if isinstance(grid, Mapping)}  # a list is as it is
    for name, grid in grids.items():
        if grid["last"] < grid["first"] or (grid["points"] == 1) != (grid["last"] == grid["first"]):
            raise UserError(
                f"{where}.{name} goes from {grid['first']} to {grid['last']} in {grid['points']} points: "
                "it has to ascend, and one point is its first and its last."
            )
        if len(set(log_grid(grid))) < grid["points"]:
            raise UserError(
                f"{where}.{name}: {grid['points']} points from {grid['first']} to {grid['last']} are not distinct "
                "to 6 digits: take fewer, or a wider span."
            )
    if model["theory"]["gamma"]["first"] < 1:
        raise UserError(f"{where}.theory.gamma.first is {model['theory']['gamma']['first']}: it has to be at least 1.")
    occupancy, small_eta_limit = model["occupancy"], model["continuous_time"]["small_eta_limit"]
    diagrams, chosen = model["phase_diagrams"], model["continuous_time"]["diagram"]
    if chosen not in diagrams:
        raise UserError(f"{where}.continuous_time.diagram is {chosen}: phase_diagrams has {', '.join(diagrams)}.")
    if diagrams[chosen]["noise"] != "H":
        raise UserError(
            f"{where}.continuous_time.diagram is {chosen}, of noise {diagrams[chosen]['noise']}: the theory that it is "
            "compared with is of noise H."
        )
    for name, start in (
        *((f"phase_diagrams.{n}", d["start"]) for n, d in diagrams.items()),
        ("occupancy", occupancy["start"]),
    ):
        if start["x"] >= model["landscape"]["x2"]:
            raise UserError(
                f"{where}.{name}.start.x is {start['x']}: it has to lie inside both valleys, below "
                f"x2 = {model['landscape']['x2']}."
            )
    if occupancy["iterations"] % (occupancy["points"] - 1):
        raise UserError(
            f"{where}.occupancy.iterations: {occupancy['iterations']} cannot be recorded at points = "
            f"{occupancy['points']} equally spaced whole ones: change one of them."
        )
    if occupancy["trajectories"] > occupancy["runs"]:
        raise UserError(
            f"{where}.occupancy.trajectories is {occupancy['trajectories']}: there are {occupancy['runs']} runs."
        )
    for eta in small_eta_limit["eta"]:
        if small_eta_limit["time"] < eta:
            raise UserError(
                f"{where}.continuous_time.small_eta_limit.time is {small_eta_limit['time']}: less than a step of {eta}."
            )


def _check_network(where: str, experiment: Settings) -> None:
    """Refuse networks that cannot be built, and layers whose curvature cannot be taken."""
    network, layer, name = experiment["network"], experiment["layer"], experiment["dataset"]["name"]
    channels = network.get("channels")
    if network["name"] == "cnn":
        if channels is None:
            raise UserError(f"{where}.network: a cnn needs channels, those of each convolution's output.")
        side = min(DATA_SETS[name].shape[1:])
        if side >> len(channels) == 0:
            raise UserError(
                f"{where}.network.channels names {len(channels)} convolutions, each of which halves the image: "
                f"{name}'s {side} pixels bear {side.bit_length() - 1}."
            )
    elif channels is not None:
        raise UserError(f"{where}.network.channels: an mlp has none: leave it out (null), or take the cnn.")
    dense = network_of(experiment).dense_layers
    if layer not in dense:
        raise UserError(
            f"{where}.layer is {layer}: curvature is taken of a fully connected layer, and the network has layers "
            f"{dense[0]} to {dense[-1]} of these."
        )


def _check_eigenvalues(where: str, experiment: Settings) -> None:
    """Refuse as many eigenvalues as the layer has weights or more: the Lanczos iteration gives fewer."""
    layer, N = experiment["layer"], experiment["curvature"]["N"]
    weights = math.prod(network_of(experiment).weight_shape(layer))
    per_class, there = experiment["curvature"].get("per_class", 1), experiment["dataset"]["train_per_class"]
    if there != "all" and per_class > there:
        raise UserError(f"{where}.curvature.per_class is {per_class}: dataset.train_per_class has {there}.")
    if weights <= N:
        raise UserError(f"{where}.curvature.N is {N}: it has to be smaller than layer {layer}'s {weights} weights.")
    if experiment["curvature"]["spectrum"] and weights > LARGEST_SPECTRUM:
        raise UserError(
            f"{where}.curvature.spectrum: layer {layer} has {weights} weights, and whole spectra are taken of at most "
            f"{LARGEST_SPECTRUM}: leave it empty, []."
        )


def _in_sweep(
    where: str, experiment: Settings, etas: Sequence[float], Bs: Sequence[int], runs: Sequence[int] = ()
) -> None:
    """Refuse rates, batch sizes and realizations that the sweep does not run."""
    sweep = experiment["sweep"]
    known = [canonical(eta) for eta in sweep["eta"]]
    for eta in map(canonical, etas):
        if eta not in known:
            raise UserError(f"{where}: eta = {eta} is not in sweep.eta, which has {', '.join(known)}.")
    for B in Bs:
        if B not in sweep["B"]:
            raise UserError(f"{where}: B = {B} is not in sweep.B, which has {', '.join(map(str, sweep['B']))}.")
    M = training_samples(experiment["dataset"])
    for run in runs:
        if run >= sweep["realizations"]:
            raise UserError(
                f"{where}: realization {run} does not exist: the sweep has 0 to {sweep['realizations'] - 1}."
            )
        if run and Bs and all(realizations(sweep, B, M) == 1 for B in Bs):
            raise UserError(f"{where}: realization {run} does not exist: gradient descent has realization 0 alone.")


def _check_figure(name: str, figure: Settings, experiments: Settings) -> None:
    where = f"config: figures.{name}"
    if figure["experiment"] not in experiments:
        raise UserError(f"{where}.experiment is {figure['experiment']}: the experiments are {', '.join(experiments)}.")
    experiment = experiments[figure["experiment"]]
    shown = {
        "fig1": ("barriers", "barriers" in experiment),
        "fig2": ("projection.cells", "cells" in experiment["projection"]),
        **dict.fromkeys(BRANCH_FIGURES, ("branches", "branches" in experiment)),
    }
    setting, there = shown.get(name, ("", True))
    if not there:
        raise UserError(f"{where}.experiment: {figure['experiment']} has no setting {setting} to show.")
    if name in BRANCH_FIGURES:
        t_c = branchings(experiment)[reference_run(experiment)[:2]].t_c
        for t in figure.get("t_c", ()):
            if t not in t_c:
                raise UserError(
                    f"{where}.t_c: {t} is no branch of the reference run: branches.runs has {t_c[0]}, {t_c[1]}, "
                    f"..., {t_c[-1]}."
                )
    for key in ("eta", "violin_eta", "spectrum_eta"):
        if key in figure:
            _in_sweep(f"{where}.{key}", experiment, [figure[key]], [], [figure.get("realization", 0)])
    if name in ("fig3", "figS5"):
        for B in experiment["sweep"]["B"]:
            everyone = range(experiment["sweep"]["realizations"])
            if not selected_by_any(experiment["curvature"]["along"], canonical(figure["eta"]), B, everyone):
                raise UserError(
                    f"{where}.eta: no run of eta = {canonical(figure['eta'])}, B = {B} has its flatness taken along "
                    f"its way: name one in experiments.{figure['experiment']}.curvature.along."
                )
    if name in ("figS1", "figS5"):
        taken = experiment["curvature"]["spectrum"]
        eta = canonical(figure["eta" if name == "figS1" else "spectrum_eta"])
        M = training_samples(experiment["dataset"])
        for B in experiment["sweep"]["B"]:
            realization = 0 if B == M else figure["realization"]
            if not selected_by_any(taken, eta, B, [realization]):
                raise UserError(
                    f"{where}: no whole spectrum is taken of eta = {eta}, B = {B}, realization {realization}: "
                    f"name it in experiments.{figure['experiment']}.curvature.spectrum."
                )
    if "run" in figure:
        run = figure["run"]
        _in_sweep(f"{where}.run", experiment, [run["eta"]], [run["B"]], [run["realization"]])
    if "eta_colors" in figure and len(figure["eta_colors"]) < len(experiment["projection"]["block"]["eta"]):
        raise UserError(
            f"{where}.eta_colors has {len(figure['eta_colors'])} colours: projection.block.eta has "
            f"{len(experiment['projection']['block']['eta'])} rates, each needs one."
        )
