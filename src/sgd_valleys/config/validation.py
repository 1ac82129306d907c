"""Whether a configuration can be run: checked before anything runs, all errors at once."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sgd_valleys.config.experiment import Configuration, Experiment
from sgd_valleys.config.figures import SECTIONS, SPECTRA, STYLE, drawn_figure, section
from sgd_valleys.config.following import RATES, add_shown, follow_experiment, follow_figure
from sgd_valleys.config.model import model_errors
from sgd_valleys.config.selected import branch_errors, not_in_sweep, selection_errors
from sgd_valleys.config.shape import shape_errors
from sgd_valleys.config.shown import shown_errors
from sgd_valleys.config.sweep import Run, Selection, canonical
from sgd_valleys.config.training import branch_training_errors, training_errors
from sgd_valleys.data import own_file
from sgd_valleys.data.files import expand_path
from sgd_valleys.errors import UserError, refuse_all

Settings = Mapping[str, Any]
OWN_FOLDERS = ("benchmarks", "figures", "logs", "two_valley")  # of results, beside those of the experiments
LARGEST_SPECTRUM = 10_000  # weights: the dense Hessian is then 800 MB


def check(
    config: Settings,
    schema: Path,
    appearance_errors: Callable[[Settings], Iterable[str]] = lambda figures: (),
    measure_errors: Callable[[str | Sequence[str]], Iterable[str]] = lambda names: (),
) -> Configuration:
    """Refuse a configuration that cannot be run.

    Args:
        config: all settings in their full form (``resolution.resolve``).
        schema: file of the JSON Schema of their shape, written as YAML.
        appearance_errors: yields a sentence for every wrong colour or colour map of the figures.
        measure_errors: yields a sentence for every name of a measure of flatness that there is not.

    Returns:
        The configuration, with values of the sweeps in place of words, and with what its figures show.

    Raises:
        UserError: a sentence for every wrong setting, with its name, its value and what it may be.
    """
    _refuse(shape_errors(config, schema))
    experiments = {name: Experiment(name, follow_experiment(each)) for name, each in config["experiments"].items()}
    errors = [
        f"experiments.{name}.{sentence}"
        for name, experiment in experiments.items()
        for sentence in experiment_errors(experiment)
    ]
    errors += [
        f"experiments.{name}.flatness.{sentence}"
        for name, experiment in experiments.items()
        for sentence in measure_errors(experiment.settings.get("flatness", {"measures": "all"})["measures"])
    ]
    errors += [
        f"experiments.{name}: the workflow writes other files to a folder of this name; allowed are names other than "
        f"{', '.join(OWN_FOLDERS)}: rename the experiment."
        for name in experiments
        if name in OWN_FOLDERS
    ]
    model = config.get("two_valley")
    errors += _root_errors(config["data"]["root"])
    _refuse([*errors, *(model_errors(model) if model else ()), *appearance_errors(config["figures"])])
    figures = {name: _followed(name, figure, experiments) for name, figure in config["figures"].items()}
    _refuse(figure_errors(figures, experiments, model))
    for name, experiment in experiments.items():
        shown = [figure for figure in figures.values() if figure.get("experiment") == name]
        experiments[name] = Experiment(name, add_shown(experiment.settings, experiment.sweep.deterministic_B, shown))
    settings = {name: experiment.settings for name, experiment in experiments.items()}
    return Configuration({**config, "experiments": settings, "figures": figures}, experiments)


def _followed(name: str, figure: Settings, experiments: Mapping[str, Experiment]) -> Settings:
    """Return the settings of a figure with values of its experiment's sweep, and the figure of the paper it draws."""
    if name == STYLE:
        return figure
    figure, experiment = {**figure, "draw": drawn_figure(name, figure)}, experiments.get(figure.get("experiment"))
    if experiment is None:
        return figure
    branching = experiment.branchings.get(experiment.reference_run.cell) if "branches" in experiment else None
    return follow_figure(figure, experiment["sweep"], branching.t_c if branching else ())


def _refuse(sentences: Iterable[str]) -> None:
    """Raise all errors of the configuration as one."""
    refuse_all(f"config: {sentence}" for sentence in sentences)


def experiment_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every wrong setting of an experiment, which begins with its name in the experiment."""
    dataset_errors = list(_dataset_errors(experiment))
    if dataset_errors:  # nothing else can be judged
        yield from dataset_errors
        return
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
    wrong_network = list(_network_errors(experiment))
    wrong_training = [] if wrong_network else list(training_errors(experiment))
    yield from wrong_network or _eigenvalue_errors(experiment)
    yield from wrong_training
    yield from selection_errors(experiment)
    wrong_branches = list(branch_errors(experiment))
    yield from wrong_branches
    if not (wrong_network or wrong_training or wrong_branches):
        yield from branch_training_errors(experiment)


def _root_errors(root: str) -> Iterator[str]:
    """Refuse a folder of data files whose path cannot be expanded."""
    try:
        expand_path(root)
    except UserError as error:
        yield str(error)


def _dataset_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse a file that is no data set, and parts that a data set does not have."""
    dataset = experiment["dataset"]
    own = dataset["name"] == own_file.NAME
    if own != ("path" in dataset):
        yield "dataset.path: a data set of name file needs it, and no other data set has it."
        return
    try:
        data_set = experiment.data_set
    except UserError as error:
        yield str(error)
        return
    for part, samples in data_set.samples.items():
        per_class = dataset[f"{part}_per_class"]
        if per_class != "all" and per_class * data_set.classes > samples:
            yield f"dataset.{part}_per_class is {per_class}: {data_set.name} has {samples} {part} images in all."


def _network_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse networks that cannot be built, and layers whose curvature cannot be taken."""
    network, name = experiment["network"], experiment["dataset"]["name"]
    channels, side = network.get("channels"), min(experiment.data_set.shape[1:])
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
    depth = experiment.network.depth
    for k in curvature.get("layers", ()):
        if k != "all" and k > depth:
            yield f"curvature.layers = {k}: the network has layers 1 to {depth}; allowed are all and these numbers."
    measures = experiment.settings.get("flatness", {"measures": "all"})["measures"]
    for name in () if measures == "all" else measures:
        if (match := re.fullmatch(r"flatness_(\d+)", name)) and int(match[1]) >= weights:
            yield (
                f"flatness.measures = {name}: too many eigenvalues; N has to be smaller than layer {layer}'s {weights} "
                "weights: lower it."
            )
    if curvature["spectrum"] and (reason := _too_many(experiment)):
        yield f"curvature.spectrum: {reason}: leave it out, or study a smaller layer."


def _too_many(experiment: Experiment) -> str | None:
    """Say that the layer has too many weights for a whole spectrum; None where it has not."""
    weights = math.prod(experiment.network.weight_shape(experiment.layer))
    if weights <= LARGEST_SPECTRUM:
        return None
    return f"layer {experiment.layer} has {weights} weights, and whole spectra are taken of at most {LARGEST_SPECTRUM}"


def figure_errors(figures: Settings, experiments: Mapping[str, Experiment], model: Settings | None) -> Iterator[str]:
    """Yield a sentence for every figure that asks for what is not run.

    Args:
        figures: settings by name, with values of the sweeps in place of words.
        experiments: by name.
        model: settings of the two-valley model; None if it is not run.
    """
    diagrams = model["phase_diagrams"] if model else {}
    for name, figure in figures.items():
        if "experiment" in figure:
            yield from (f"figures.{name}{sentence}" for sentence in _figure_errors(figure, experiments))
        if "diagram" in figure and figure["diagram"] not in diagrams:
            yield (
                f"figures.{name}.diagram is {figure['diagram']}: two_valley.phase_diagrams has {', '.join(diagrams)}."
            )


def _figure_errors(figure: Settings, experiments: Mapping[str, Experiment]) -> Iterator[str]:
    name = figure["draw"]
    if figure["experiment"] not in experiments:
        yield f".experiment is {figure['experiment']}: the experiments are {', '.join(experiments)}."
        return
    experiment = experiments[figure["experiment"]]
    keys = SECTIONS.get(name, ())
    if section(experiment.settings, keys) is None:
        yield f".experiment: {experiment.name} has no setting {'.'.join(keys)} to show."
        return
    yield from shown_errors(name, experiment)
    if "branches" in keys:
        t_c = experiment.branchings[experiment.reference_run.cell].t_c
        for t in figure.get("t_c", ()):
            if t not in t_c:
                yield (
                    f".t_c: {t} is no branch of the reference run: branches.runs has {t_c[0]}, {t_c[1]}, "
                    f"..., {t_c[-1]}."
                )
    for key in RATES:
        if key in figure:
            chosen = Selection((canonical(figure[key]),), None, (figure.get("realization", 0),))
            yield from not_in_sweep(f".{key}", experiment, chosen)
    if "run" in figure:
        run = figure["run"]
        chosen = Selection.of(Run(canonical(run["eta"]), run["B"], run["realization"]))
        yield from not_in_sweep(".run", experiment, chosen)
    if name in SPECTRA and (reason := _too_many(experiment)):
        yield f" shows whole spectra, but {reason}: leave the figure out (null), or study a smaller layer."
    if isinstance(figure.get("realizations"), list):
        chosen = Selection((canonical(figure["eta"]),), None, tuple(figure["realizations"]))
        yield from not_in_sweep(".realizations", experiment, chosen)
    rates = experiment["projection"]["block"]["eta"]
    if "eta_colors" in figure and len(figure["eta_colors"]) < len(rates):
        yield (
            f".eta_colors has {len(figure['eta_colors'])} colours: projection.block.eta has {len(rates)} rates, each "
            "needs one."
        )
