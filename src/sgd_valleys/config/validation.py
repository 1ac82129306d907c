"""Check a configuration before any job runs, and report all errors at once."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sgd_valleys.config.experiment import Configuration, Experiment
from sgd_valleys.config.figures import SECTIONS, STYLE, drawn_figure, section
from sgd_valleys.config.following import RATES, add_shown, follow_experiment, follow_figure
from sgd_valleys.config.gradient_noise import noise_errors, noise_run_errors
from sgd_valleys.config.model import model_errors
from sgd_valleys.config.selected import (
    branch_errors,
    continuation_errors,
    not_in_sweep,
    path_errors,
    selection_errors,
    subset_errors,
)
from sgd_valleys.config.shape import shape_errors
from sgd_valleys.config.shown import beside_errors, shown_errors
from sgd_valleys.config.sweep import Run, Selection, canonical
from sgd_valleys.config.training import branch_training_errors, training_errors
from sgd_valleys.data import own_file
from sgd_valleys.data.files import expand_path
from sgd_valleys.errors import UserError, refuse_all, unknown_value

Settings = Mapping[str, Any]
# folders of results that are no names of experiments
OWN_FOLDERS = ("benchmarks", "controls", "figures", "logs", "two_valley")


def check(
    config: Settings,
    schema: Path,
    appearance_errors: Callable[[Settings], Iterable[str]] = lambda figures: (),
    measure_errors: Callable[[str | Sequence[str]], Iterable[str]] = lambda names: (),
) -> Configuration:
    """Check a configuration, and replace its words by values of the sweeps.

    Args:
        config: all settings in their full form (``resolution.resolve``).
        schema: YAML file with the JSON Schema.
        appearance_errors: yields a sentence for every invalid colour or colour map of the settings ``figures``.
        measure_errors: yields a sentence for every unknown name in ``flatness.measures``.

    Returns:
        the checked configuration, including the runs whose curvature or spectrum figures show.

    Raises:
        UserError: settings are invalid; the message names each setting, its value and the allowed values.
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
        f"{', '.join(OWN_FOLDERS)}; rename the experiment."
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
    """Return the settings of a figure, without words and with ``draw``, the name of the drawn figure of the paper."""
    if name == STYLE:
        return figure
    figure, experiment = {**figure, "draw": drawn_figure(name, figure)}, experiments.get(figure.get("experiment", ""))
    if experiment is None:
        return figure
    branching = experiment.branchings.get(experiment.reference_run.cell) if "branches" in experiment else None
    return follow_figure(figure, experiment["sweep"], branching.t_c if branching else ())


def _refuse(sentences: Iterable[str]) -> None:
    """Raise one error for all sentences; an inherited error is reported for the first experiment only.

    Raises:
        UserError: there is a sentence.
    """
    found: dict[str, str] = {}
    for sentence in sentences:
        found.setdefault(re.sub(r"^experiments\.\w+", "", sentence), sentence)
    refuse_all(f"config: {sentence}" for sentence in found.values())


def experiment_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every invalid setting of an experiment; a sentence begins with the name of the setting."""
    dataset_errors = list(_dataset_errors(experiment))
    if dataset_errors:  # all other checks need a valid data set
        yield from dataset_errors
        return
    sweep, points = experiment.sweep, experiment["recording"]["points"]
    for B in sweep.B:
        if sweep.M % B:
            yield (
                f"sweep.B = {B}: not a divisor of the {sweep.M} training samples (dataset.train_per_class times the "
                f"classes); allowed are divisors of {sweep.M}; change B."
            )
    for eta in sweep.eta:
        if sweep.duration(eta) % (points - 1):
            yield (
                f"sweep.eta = {eta}: a run lasts eta_T / eta = {sweep.duration(eta):g} iterations, not divisible into "
                f"equal recording steps; allowed are multiples of recording.points - 1 = {points - 1}; change eta, "
                "eta_T or points."
            )
    wrong_network = list(_network_errors(experiment))
    wrong_training = [] if wrong_network else list(training_errors(experiment))
    yield from wrong_network or [*_eigenvalue_errors(experiment), *noise_errors(experiment)]
    yield from wrong_training
    yield from subset_errors(experiment)
    yield from selection_errors(experiment)
    yield from path_errors(experiment)
    yield from continuation_errors(experiment)
    yield from noise_run_errors(experiment)
    wrong_branches = list(branch_errors(experiment))
    yield from wrong_branches
    if not (wrong_network or wrong_training or wrong_branches):
        yield from branch_training_errors(experiment)


def _root_errors(root: str) -> Iterator[str]:
    """Yield a sentence if the path of the data folder cannot be expanded."""
    try:
        expand_path(root)
    except UserError as error:
        yield str(error)


def _dataset_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for an invalid data file, and for images or subsets that the data set lacks."""
    dataset = experiment["dataset"]
    own = dataset["name"] == own_file.NAME
    if own != ("path" in dataset):
        yield (
            "dataset.path: required with dataset.name = file, and not allowed with another name; add or delete path."
        )
        return
    try:
        data_set = experiment.data_set
    except UserError as error:
        yield str(error)
        return
    for part, samples in data_set.samples.items():
        per_class = dataset[f"{part}_per_class"]
        if per_class != "all" and per_class * data_set.classes > samples:
            yield (
                f"dataset.{part}_per_class = {per_class}: too many images; allowed are all, and at most "
                f"{samples // data_set.classes} ({data_set.name} has {samples} {part} images); lower the value."
            )
    per_class, subset = dataset["train_per_class"], dataset.get("train_subset", 0)
    subsets = 1 if per_class == "all" else data_set.samples["train"] // (per_class * data_set.classes)
    if 0 < subsets <= subset:
        yield (
            f"dataset.train_subset = {subset}: out of range; allowed are 0 to {subsets - 1}, because {data_set.name} "
            f"has at most {subsets} disjoint subsets of {per_class} images of each class; lower the value."
        )


def _network_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence if the network cannot be built or the studied layer is not fully connected."""
    network, name = experiment["network"], experiment["dataset"]["name"]
    channels, side = network.get("channels"), min(experiment.data_set.shape[1:])
    if network["name"] == "cnn" and channels is None:
        yield (
            "network.channels: missing with network.name = cnn; allowed is a list with the output channels of each "
            "convolution; add channels."
        )
    elif network["name"] == "cnn" and side >> len(channels) == 0:
        yield (
            f"network.channels = {channels}: too many convolutions ({len(channels)}), each of which halves the image; "
            f"allowed are at most {side.bit_length() - 1} for the {side} pixels of {name}; shorten the list."
        )
    elif network["name"] != "cnn" and channels is not None:
        yield (
            f"network.channels = {channels}: an mlp has no channels; allowed is null; delete channels, or set "
            "network.name = cnn."
        )
    elif experiment.layer not in (dense := experiment.network.dense_layers):
        yield (
            f"layer = {experiment.layer}: not a fully connected layer, as the curvature requires; allowed are "
            f"{dense[0]} to {dense[-1]}; change layer."
        )


def _eigenvalue_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for invalid numbers of eigenvalues and layers of the curvature.

    The Lanczos iteration needs fewer eigenvalues than the layer has weights.
    """
    layer, curvature = experiment.layer, experiment["curvature"]
    weights, N = math.prod(experiment.network.weight_shape(layer)), curvature["N"]
    if weights <= N:
        yield (
            f"curvature.N = {N}: too many eigenvalues; allowed are fewer than the {weights} weights of layer {layer}; "
            "lower N."
        )
    depth = experiment.network.depth
    for k in curvature.get("layers", ()):
        if k != "all" and k > depth:
            yield (
                f"curvature.layers = {k}: not a layer of the network; allowed are all, and 1 to {depth}; change layers."
            )
    measures = experiment.settings.get("flatness", {"measures": "all"})["measures"]
    for name in () if measures == "all" else measures:
        if (match := re.fullmatch(r"flatness_(\d+)", name)) and int(match[1]) >= weights:
            yield (
                f"flatness.measures = {name}: too many eigenvalues; allowed are fewer than the {weights} weights of "
                f"layer {layer}; lower N of flatness_N."
            )


def figure_errors(figures: Settings, experiments: Mapping[str, Experiment], model: Settings | None) -> Iterator[str]:
    """Yield a sentence for every experiment, run or phase diagram that a figure needs and the configuration lacks.

    Args:
        figures: settings of the figures by name, without words.
        experiments: experiments by name.
        model: settings of the two-valley model; None if the model is removed.
    """
    diagrams = model["phase_diagrams"] if model else {}
    for name, figure in figures.items():
        if "experiment" in figure:
            yield from (f"figures.{name}{sentence}" for sentence in _figure_errors(figure, experiments))
        if "diagram" in figure and figure["diagram"] not in diagrams:
            yield (
                f"figures.{name}.diagram = {figure['diagram']}: unknown; allowed are {', '.join(diagrams)} "
                "(two_valley.phase_diagrams); choose one of these."
            )


def _figure_errors(figure: Settings, experiments: Mapping[str, Experiment]) -> Iterator[str]:
    name = figure["draw"]
    if figure["experiment"] not in experiments:
        yield unknown_value(".experiment", figure["experiment"], experiments)
        return
    unknown = [other for other in figure.get("beside", ()) if other not in experiments]
    yield from (unknown_value(".beside", other, experiments) for other in unknown)
    if not unknown:
        yield from beside_errors(
            name, [experiments[each] for each in (figure["experiment"], *figure.get("beside", ()))]
        )
    experiment = experiments[figure["experiment"]]
    keys = SECTIONS.get(name, ())
    if section(experiment.settings, keys) is None:
        yield (
            f".experiment = {experiment.name}: no setting {'.'.join(keys)}, which the figure shows; allowed are "
            "experiments with the setting; choose one, or leave the figure out (null)."
        )
        return
    yield from shown_errors(name, experiment)
    if "branches" in keys:
        t_c = experiment.branchings[experiment.reference_run.cell].t_c
        for t in figure.get("t_c", ()):
            if t not in t_c:
                yield (
                    f".t_c = {t}: no branch of the reference run starts there; allowed are {t_c[0]}, {t_c[1]}, ..., "
                    f"{t_c[-1]} (branches.runs); change t_c."
                )
    for key in RATES:
        if key in figure:
            chosen = Selection((canonical(figure[key]),), None, (figure.get("realization", 0),))
            yield from not_in_sweep(f".{key}", experiment, chosen)
    if "run" in figure:
        run = figure["run"]
        chosen = Selection.of(Run(canonical(run["eta"]), run["B"], run["realization"]))
        yield from not_in_sweep(".run", experiment, chosen)
    if isinstance(figure.get("realizations"), list):
        chosen = Selection((canonical(figure["eta"]),), None, tuple(figure["realizations"]))
        yield from not_in_sweep(".realizations", experiment, chosen)
    rates = experiment["projection"]["block"]["eta"]
    if "eta_colors" in figure and len(figure["eta_colors"]) < len(rates):
        yield (
            f".eta_colors: too few colours ({len(figure['eta_colors'])}); allowed are at least {len(rates)}, one for "
            "each rate of projection.block.eta; add colours."
        )
