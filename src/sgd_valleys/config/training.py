"""Check the sections ``training`` and ``branches.training`` of an experiment."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from sgd_valleys.config.experiment import Branching, Experiment
from sgd_valleys.config.sweep import Cell
from sgd_valleys.errors import out_of_range
from sgd_valleys.recipe import Recipe, recipe_errors

Settings = Mapping[str, Any]
DEFAULTS: dict[str, Any] = {
    **{field.name: field.default for field in fields(Recipe)},
    "noise_layers": "all",
    "schedule": [],
    "label_noise": 0,
    "initializations": 1,
}


def changed_settings(training: Settings) -> dict[str, Any]:
    """Return the settings of a section ``training`` that differ from their defaults."""
    return {name: value for name, value in training.items() if value != DEFAULTS[name]}


def training_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every invalid setting of the section ``training``; the network has to be valid."""
    recipe, points = experiment.recipe(experiment.sweep.cells[0]), experiment["recording"]["points"]
    yield from (f"training.{sentence}" for sentence in _recipe_errors(experiment, recipe, points))
    share, starts, realizations = experiment.label_noise, experiment.initializations, experiment.sweep.realizations
    if not 0 <= share < 1:
        yield out_of_range("training.label_noise", share, "values from 0 to below 1")
    if starts > realizations:
        yield (
            f"training.initializations = {starts}: more than sweep.realizations = {realizations}; allowed is at least "
            "one realization for each initialization; lower initializations, or raise sweep.realizations."
        )


def _recipe_errors(experiment: Experiment, recipe: Recipe, points: int) -> Iterator[str]:
    dense = experiment["network"]["name"] == "mlp"
    return recipe_errors(recipe, experiment.M, experiment.network.depth, points, dense)


def branch_training_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every invalid setting of the training of branches; the branched runs have to be valid.

    An error of several cells is reported once.
    """
    found = experiment.branchings.items()
    sentences = (sentence for each in found for sentence in _branching_errors(experiment, *each))
    yield from (f"branches.{sentence}" for sentence in dict.fromkeys(sentences))


def _branching_errors(experiment: Experiment, cell: Cell, branching: Branching) -> Iterator[str]:
    branches, recipe, M = experiment["branches"], branching.recipe, experiment.M
    found = list(_recipe_errors(experiment, recipe, branches["points"]))
    yield from (f"training.{sentence}" for sentence in found)
    if branches.get("B", "same") != "same" and M % recipe.B:
        yield (
            f"B = {recipe.B}: not a divisor of the {M} training samples; allowed are same, and divisors of {M}; "
            "change B."
        )
    elif branches.get("B", "same") != "same" and all(phase.noise == "none" for phase in recipe.phases):
        yield (
            f"B = {recipe.B}: no effect on branches without noise; allowed is same; delete branches.B, or set "
            "branches.training.noise."
        )
    if branching.perturbation < 0:
        yield out_of_range("perturbation", branching.perturbation, "lengths of at least 0")
    if not found:
        yield from _order_errors(experiment, cell, branching)


def _order_errors(experiment: Experiment, cell: Cell, branching: Branching) -> Iterator[str]:
    """Yield a sentence for identical copies, and for ``order: same`` if branches cannot visit the run's minibatches."""
    branches, recipe, run = experiment["branches"], branching.recipe, experiment.recipe(cell)
    same = branches.get("order", "new") == "same"
    if branching.copies > 1 and not branching.perturbation and (same or recipe.is_deterministic(experiment.M)):
        reason = "order: same repeats the minibatches" if same else "the branches have no noise"
        yield (
            f"copies = {branching.copies}: the copies would be identical, because {reason}. Allowed are several copies "
            "with different minibatches (branches.training.noise, order: new) or with a perturbation; set one of these."
        )
    if not same:
        return
    if any(phase.noise != "minibatch" for phase in recipe.phases):
        yield (
            "order = same: the branches have no minibatches; allowed is branches.training.noise = minibatch; set this "
            "noise, or order: new."
        )
    elif any(phase.B != run.B for phase in recipe.phases):
        yield (
            f"order = same: the batch size of the branches differs from that of the run, B = {run.B}; allowed is "
            "B: same; set B: same, or order: new."
        )
    elif run.schedule or run.noise != "minibatch" or run.sampling != recipe.sampling:
        yield (
            "order = same: the run has a schedule, or its minibatches differ from those of the branches. Allowed are "
            "runs with noise minibatch, the sampling of the branches and no schedule; change training, or set "
            "order: new."
        )
