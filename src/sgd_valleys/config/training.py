"""Whether the runs of an experiment, and the branches that leave them, can be trained as the configuration says."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from sgd_valleys.config.experiment import Branching, Experiment
from sgd_valleys.config.sweep import Cell
from sgd_valleys.recipe import Recipe, recipe_errors

Settings = Mapping[str, Any]
DEFAULTS = {
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
    """Yield a sentence for every wrong setting of the section ``training``; the network has to be valid."""
    recipe, points = experiment.recipe(experiment.sweep.cells[0]), experiment["recording"]["points"]
    yield from (f"training.{sentence}" for sentence in _recipe_errors(experiment, recipe, points))
    share, starts, realizations = experiment.label_noise, experiment.initializations, experiment.sweep.realizations
    if not 0 <= share < 1:
        yield f"training.label_noise = {share}: out of range; it has to be at least 0 and less than 1."
    if starts > realizations:
        yield (
            f"training.initializations = {starts}: more than sweep.realizations = {realizations}; every initialization "
            "needs a realization: lower it, or raise sweep.realizations."
        )


def _recipe_errors(experiment: Experiment, recipe: Recipe, points: int) -> Iterator[str]:
    dense = experiment["network"]["name"] == "mlp"
    return recipe_errors(recipe, experiment.M, experiment.network.depth, points, dense)


def branch_training_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every wrong setting of how branches are trained; the branched runs have to be valid.

    What is wrong for several cells is said once.
    """
    found = experiment.branchings.items()
    sentences = (sentence for each in found for sentence in _branching_errors(experiment, *each))
    yield from (f"branches.{sentence}" for sentence in dict.fromkeys(sentences))


def _branching_errors(experiment: Experiment, cell: Cell, branching: Branching) -> Iterator[str]:
    branches, recipe, M = experiment["branches"], branching.recipe, experiment.M
    found = list(_recipe_errors(experiment, recipe, branches["points"]))
    yield from (f"training.{sentence}" for sentence in found)
    if branches.get("B", "same") != "same" and M % recipe.B:
        yield f"B = {recipe.B}: does not divide the {M} training samples; allowed are same and a divisor of {M}."
    elif branches.get("B", "same") != "same" and all(phase.noise == "none" for phase in recipe.phases):
        yield f"B = {recipe.B}: the branches have no noise, and B has no effect; leave it out, or set training.noise."
    if branching.perturbation < 0:
        yield f"perturbation = {branching.perturbation}: out of range; a length has to be at least 0."
    if not found:
        yield from _order_errors(experiment, cell, branching)


def _order_errors(experiment: Experiment, cell: Cell, branching: Branching) -> Iterator[str]:
    """Refuse copies that are all the same, and minibatches of the run that the branches cannot visit."""
    branches, recipe, run = experiment["branches"], branching.recipe, experiment.recipe(cell)
    same = branches.get("order", "new") == "same"
    if branching.copies > 1 and not branching.perturbation and (same or recipe.is_deterministic(experiment.M)):
        reason = "order: same gives them the same minibatches" if same else "they have no noise"
        yield (
            f"copies = {branching.copies}: all copies would be the same, since {reason}; several copies need "
            "minibatches of their own (training.noise, order: new) or a perturbation."
        )
    if not same:
        return
    if any(phase.noise != "minibatch" for phase in recipe.phases):
        yield "order = same: the branches have no minibatches; it needs training.noise: minibatch, or take order: new."
    elif any(phase.B != run.B for phase in recipe.phases):
        yield (
            f"order = same: the branches have other batches than the run, B = {run.B}; it needs B: same, "
            "or take order: new."
        )
    elif run.schedule or run.noise != "minibatch" or run.sampling != recipe.sampling:
        yield (
            "order = same: the run has a schedule, or does not draw its minibatches as the branches do; it needs "
            "a run with noise minibatch, the sampling of the branches and no schedule, or take order: new."
        )
