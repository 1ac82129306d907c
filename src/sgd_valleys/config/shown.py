"""Whether a figure can show an experiment that is not trained, or not branched, as in the paper."""

from collections.abc import Iterator

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.figures import SECTIONS
from sgd_valleys.recipe import Recipe

AGAINST_NOISE = ("fig2", "fig2X", "fig3", "figS5")  # figures, and claims, of what rises and falls with eta / B
WITHOUT_RATIO = ("none", "constant")  # kinds of noise whose strength does not follow eta / B


def shown_errors(drawn: str, experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for everything that a figure cannot show of an experiment.

    Args:
        drawn: the figure of the paper.
        experiment: it has the sections that the figure shows.
    """
    noises = {phase.noise for phase in experiment.recipe(experiment.sweep.cells[0]).phases}
    if drawn in AGAINST_NOISE and noises <= set(WITHOUT_RATIO):
        yield (
            f".experiment = {experiment.name}: the figure shows what changes with the noise eta / B, which the noise "
            f"of this experiment ({', '.join(sorted(noises))}) does not follow; allowed is an experiment with another "
            "training.noise in one phase at least: name one, or leave the figure out (null)."
        )
    if drawn == "fig1" and sum(map(experiment.sweep.count, experiment.sweep.cells)) == 1:
        yield (
            f".experiment = {experiment.name}: the figure shows pairs of runs, and this experiment has one run; "
            "allowed is an experiment with several runs: name one, or leave the figure out (null)."
        )
    if "branches" in SECTIONS.get(drawn, ()) and not branches_are_descents(experiment):
        yield (
            f".experiment = {experiment.name}: the figure shows one branch of gradient descent from each t_c, and "
            "branches of this experiment are others; allowed are branches with copies = 1, perturbation = 0 and, in "
            "branches.training, no noise, momentum or weight decay: leave the figure out (null)."
        )


def branches_are_descents(experiment: Experiment) -> bool:
    """Whether one branch of gradient descent leaves every checkpoint; False without branches."""
    found = experiment.branchings.values()
    return bool(found) and all(
        each.copies == 1 and not each.perturbation and _is_descent(each.recipe, experiment.M) for each in found
    )


def _is_descent(recipe: Recipe, M: int) -> bool:
    plain = all(phase.momentum == 0 for phase in recipe.phases) and recipe.weight_decay == 0
    return plain and recipe.is_deterministic(M)
