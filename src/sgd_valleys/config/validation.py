"""Whether a configuration can be run: checked before anything runs, all errors at once."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.model import model_errors
from sgd_valleys.config.shape import shape_errors
from sgd_valleys.config.sweep import Cell, Run, Selection, canonical, select
from sgd_valleys.data.registry import DATA_SETS
from sgd_valleys.errors import UserError

Settings = Mapping[str, Any]
BRANCH_FIGURES = ("fig4", "fig4X", "figS4")
LARGEST_SPECTRUM = 10_000  # weights: the dense Hessian is then 800 MB


def check(
    config: Settings, schema: Path, appearance_errors: Callable[[Settings], Iterable[str]] = lambda figures: ()
) -> dict[str, Experiment]:
    """Refuse a configuration that cannot be run.

    Args:
        config: all settings, inheritance resolved.
        schema: file of the JSON Schema of their shape, written as YAML.
        appearance_errors: yields a sentence for every wrong colour or colour map of the figures.

    Returns:
        The experiments by name.

    Raises:
        UserError: a sentence for every wrong setting, with its name, its value and what it may be.
    """
    _refuse(shape_errors(config, schema))
    experiments = {name: Experiment(name, settings) for name, settings in config["experiments"].items()}
    errors = [
        f"experiments.{name}.{sentence}"
        for name, experiment in experiments.items()
        for sentence in experiment_errors(experiment)
    ]
    _refuse([*errors, *model_errors(config["two_valley"]), *appearance_errors(config["figures"])])
    _refuse(figure_errors(config, experiments))
    return experiments


def _refuse(sentences: Iterable[str]) -> None:
    """Raise all errors as one, each on a line of its own."""
    lines = [f"config: {sentence}" for sentence in dict.fromkeys(sentences)]
    if lines:
        raise UserError("\n".join(lines))


def experiment_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every wrong setting of an experiment, which begins with its name in the experiment."""
    sweep, points = experiment.sweep, experiment["recording"]["points"]
    for B in sweep.B:
        if sweep.M % B:
            yield (
                f"sweep.B: {B} does not divide the training set of {sweep.M} samples "
                "(dataset.train_per_class times the classes): take a divisor."
            )
    for eta in sweep.eta:
        if sweep.duration(eta) % (points - 1):
            yield (
                f"sweep.eta: with eta = {eta} a run lasts eta_T / eta = {sweep.duration(eta):g} iterations, which "
                f"cannot be recorded at recording.points = {points} equally spaced whole ones: change eta, eta_T or "
                "points."
            )
    network_errors = list(_network_errors(experiment))
    yield from network_errors or _eigenvalue_errors(experiment)
    selections = list(_selection_errors(experiment))
    yield from selections or _kept_errors(experiment)
    if "branches" in experiment:
        entries = [
            f"branches.{sentence}"
            for k, entry in enumerate(experiment["branches"]["runs"])
            for sentence in _branch_errors(experiment, f"runs[{k}]", entry)
        ]
        yield from [*entries, *_twice_branched(experiment)] or _reference_errors(experiment)


def _network_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse networks that cannot be built, and layers whose curvature cannot be taken."""
    network, name = experiment["network"], experiment["dataset"]["name"]
    channels, side = network.get("channels"), min(DATA_SETS[name].shape[1:])
    if network["name"] == "cnn" and channels is None:
        yield "network: a cnn needs channels, those of each convolution's output."
    elif network["name"] == "cnn" and side >> len(channels) == 0:
        yield (
            f"network.channels names {len(channels)} convolutions, each of which halves the image: "
            f"{name}'s {side} pixels allow {side.bit_length() - 1}."
        )
    elif network["name"] != "cnn" and channels is not None:
        yield "network.channels: an mlp has none: leave it out (null), or take the cnn."
    elif experiment.layer not in (dense := experiment.network.dense_layers):
        yield (
            f"layer is {experiment.layer}: curvature is taken of a fully connected layer, and the network has layers "
            f"{dense[0]} to {dense[-1]} of these."
        )


def _eigenvalue_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse as many eigenvalues as the layer has weights, which the Lanczos iteration cannot give."""
    layer, curvature = experiment.layer, experiment["curvature"]
    weights, N = math.prod(experiment.network.weight_shape(layer)), curvature["N"]
    per_class, images = curvature.get("per_class", 1), experiment["dataset"]["train_per_class"]
    if images != "all" and per_class > images:
        yield f"curvature.per_class is {per_class}: dataset.train_per_class has {images}."
    if weights <= N:
        yield f"curvature.N is {N}: it has to be smaller than layer {layer}'s {weights} weights."
    if curvature["spectrum"] and weights > LARGEST_SPECTRUM:
        yield (
            f"curvature.spectrum: layer {layer} has {weights} weights, and whole spectra are taken of at most "
            f"{LARGEST_SPECTRUM}: leave it empty, []."
        )


def not_in_sweep(where: str, experiment: Experiment, selection: Selection) -> Iterator[str]:
    """Refuse rates, batch sizes and realizations that the sweep does not run."""
    sweep = experiment.sweep
    for eta in selection.eta or ():
        if eta not in sweep.eta:
            yield f"{where}: eta = {eta} is not in sweep.eta, which has {', '.join(sweep.eta)}."
    for B in selection.B or ():
        if B not in sweep.B:
            yield f"{where}: B = {B} is not in sweep.B, which has {', '.join(map(str, sweep.B))}."
    for realization in selection.realizations or ():
        if realization >= sweep.realizations:
            yield (f"{where}: realization {realization} does not exist: the sweep has 0 to {sweep.realizations - 1}.")
        elif realization and selection.B and all(sweep.count(B) == 1 for B in selection.B):
            yield f"{where}: realization {realization} does not exist: gradient descent has realization 0 alone."


def _selection_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse selections of runs that the sweep does not have."""
    for key, selections in (
        ("recording.checkpoints", experiment["recording"]["checkpoints"]),
        ("curvature.along", experiment["curvature"]["along"]),
        ("curvature.spectrum", experiment["curvature"]["spectrum"]),
    ):
        for selection in selections:
            yield from not_in_sweep(key, experiment, Selection.from_settings(selection))
    block = experiment["projection"]["block"]
    rates, realizations = tuple(map(canonical, block["eta"])), (block["realization"],)
    yield from not_in_sweep("projection.block", experiment, Selection(rates, tuple(block["B"]), realizations))
    for cell in experiment["projection"].get("cells", ()):
        chosen = Selection((canonical(cell["eta"]),), (cell["B"],), None)
        yield from not_in_sweep("projection.cells", experiment, chosen)
    if len(block["eta"]) * len(block["B"]) < 2:
        yield "projection.block names one run: it needs at least two."


def _kept_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse barriers along training between runs whose parameters are not kept along training."""
    for run in experiment.block_runs if "barriers" in experiment else ():
        if not any(run in selection for selection in experiment.checkpoint_selections):
            yield (
                f"projection.block: the run of eta = {run.eta}, B = {run.B}, realization {run.realization} is kept "
                "whole nowhere along its way, which barriers need: name it in recording.checkpoints."
            )


def _branch_errors(experiment: Experiment, where: str, entry: Settings) -> Iterator[str]:
    """Refuse branches that start or end where nothing is recorded."""
    sweep, times, points = experiment.sweep, entry["t_c"], experiment["branches"]["points"]
    missing = list(not_in_sweep(where, experiment, Selection.from_settings(entry)))
    yield from missing
    t_c = range(times["first"], times["last"] + 1, times["step"])
    if len(t_c) < 3 or t_c[-1] != times["last"]:
        yield (
            f"{where}.t_c goes from {times['first']} to {times['last']} in steps of {times['step']}: "
            "it has to reach its last in at least two whole steps."
        )
    spacing, rest = divmod(entry["iterations"], points - 1)
    if rest:
        yield (
            f"{where}.iterations: {entry['iterations']} cannot be recorded at branches.points = "
            f"{points} equally spaced whole ones: change one of them."
        )
    for eta in () if missing or rest else map(canonical, entry["eta"]):
        T = sweep.iterations(eta)
        recorded = T // (experiment["recording"]["points"] - 1)
        for t in t_c:
            if t > T:
                yield f"{where}.t_c: {t} is beyond the run of eta = {eta}, which lasts {T} iterations."
            elif t % recorded:
                yield (
                    f"{where}.t_c: {t} is no checkpoint of a run of eta = {eta}, which is recorded every "
                    f"{recorded} iterations (recording.points)."
                )
            elif T - t > entry["iterations"] or (T - t) % spacing:
                yield (
                    f"{where}.iterations: the branch from t_c = {t} is recorded every {spacing} of its "
                    f"{entry['iterations']} iterations, and not at its {T - t}th, the end of the run of "
                    f"eta = {eta}, where final values are taken: change iterations or branches.points."
                )
            else:
                continue
            break  # the first wrong branch shows what is wrong with all


def _twice_branched(experiment: Experiment) -> Iterator[str]:
    seen: set[Cell] = set()
    for k, entry in enumerate(experiment["branches"]["runs"]):
        for cell in (Cell(canonical(eta), B) for eta in entry["eta"] for B in entry["B"]):
            if cell in seen:
                yield (f"branches.runs[{k}]: eta = {cell.eta}, B = {cell.B} is branched by two entries: keep one.")
            seen.add(cell)


def _reference_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse a reference run that does not exist or is not branched."""
    run = experiment.reference_run
    selection = Selection((run.eta,), (run.B,), (run.realization,))
    missing = list(not_in_sweep("branches.reference", experiment, selection))
    yield from missing
    branched = experiment.branchings.get(run.cell)
    if not missing and (branched is None or run.realization not in branched.realizations):
        yield (
            f"branches.reference: the run of eta = {run.eta}, B = {run.B}, realization {run.realization} is not "
            "branched: name it in branches.runs."
        )


def figure_errors(config: Settings, experiments: Mapping[str, Experiment]) -> Iterator[str]:
    """Yield a sentence for every figure that asks for what is not run."""
    diagrams = config["two_valley"]["phase_diagrams"]
    for name, figure in config["figures"].items():
        if "experiment" in figure:
            yield from (f"figures.{name}{sentence}" for sentence in _figure_errors(name, figure, experiments))
        if figure.get("diagram", next(iter(diagrams))) not in diagrams:
            yield (
                f"figures.{name}.diagram is {figure['diagram']}: two_valley.phase_diagrams has {', '.join(diagrams)}."
            )


def _figure_errors(name: str, figure: Settings, experiments: Mapping[str, Experiment]) -> Iterator[str]:
    if figure["experiment"] not in experiments:
        yield f".experiment is {figure['experiment']}: the experiments are {', '.join(experiments)}."
        return
    experiment = experiments[figure["experiment"]]
    shown = {
        "fig1": ("barriers", "barriers" in experiment),
        "fig2": ("projection.cells", "cells" in experiment["projection"]),
        **dict.fromkeys(BRANCH_FIGURES, ("branches", "branches" in experiment)),
    }
    setting, present = shown.get(name, ("", True))
    if not present:
        yield f".experiment: {experiment.name} has no setting {setting} to show."
        return
    if name in BRANCH_FIGURES:
        t_c = experiment.branchings[experiment.reference_run.cell].t_c
        for t in figure.get("t_c", ()):
            if t not in t_c:
                yield (
                    f".t_c: {t} is no branch of the reference run: branches.runs has {t_c[0]}, {t_c[1]}, "
                    f"..., {t_c[-1]}."
                )
    for key in ("eta", "violin_eta", "spectrum_eta"):
        if key in figure:
            chosen = Selection((canonical(figure[key]),), None, (figure.get("realization", 0),))
            yield from not_in_sweep(f".{key}", experiment, chosen)
    if "run" in figure:
        run = figure["run"]
        chosen = Selection((canonical(run["eta"]),), (run["B"],), (run["realization"],))
        yield from not_in_sweep(".run", experiment, chosen)
    yield from _curve_errors(name, figure, experiment)
    rates = experiment["projection"]["block"]["eta"]
    if "eta_colors" in figure and len(figure["eta_colors"]) < len(rates):
        yield (
            f".eta_colors has {len(figure['eta_colors'])} colours: projection.block.eta has {len(rates)} rates, each "
            "needs one."
        )


def _curve_errors(name: str, figure: Settings, experiment: Experiment) -> Iterator[str]:
    """Refuse curves of flatness along training, and spectra, that are not taken."""
    sweep = experiment.sweep
    if name in ("fig3", "figS5"):
        eta = canonical(figure["eta"])
        for B in sweep.B:
            if not select(experiment.along_selections, Cell(eta, B), range(sweep.realizations)):
                yield (
                    f".eta: no run of eta = {eta}, B = {B} has its flatness taken along its way: name one in "
                    f"experiments.{experiment.name}.curvature.along."
                )
    if name in ("figS1", "figS5"):
        eta = canonical(figure["eta" if name == "figS1" else "spectrum_eta"])
        for B in sweep.B:
            run = Run(eta, B, 0 if sweep.count(B) == 1 else figure["realization"])
            if not any(run in selection for selection in experiment.spectrum_selections):
                yield (
                    f": no whole spectrum is taken of eta = {run.eta}, B = {run.B}, realization {run.realization}: "
                    f"name it in experiments.{experiment.name}.curvature.spectrum."
                )
