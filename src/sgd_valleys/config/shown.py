"""Check that figures can show experiments whose training or branches differ from those of the paper."""

from collections.abc import Iterator, Sequence

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.figures import SECTIONS
from sgd_valleys.recipe import Recipe

AGAINST_NOISE = ("fig2", "fig2X", "fig3", "figS5")  # figures of quantities against the noise eta (1/B - 1/M)
OF_ONE_CELL = ("figC3", "figC8")  # figures that compare experiments with one cell each
WITHOUT_RATIO = ("none", "constant")  # kinds of noise with a strength that is independent of B


def shown_errors(drawn: str, experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every reason why a figure cannot show an experiment.

    Args:
        drawn: name of the drawn figure of the paper.
        experiment: an experiment that has the sections which the figure needs.
    """
    noises = {phase.noise for phase in experiment.recipe(experiment.sweep.cells[0]).phases}
    if drawn in AGAINST_NOISE and noises <= set(WITHOUT_RATIO):
        yield (
            f".experiment = {experiment.name}: the figure shows quantities against eta (1/B - 1/M), and the noise of "
            f"the experiment ({', '.join(sorted(noises))}) is independent of B. Allowed are experiments with "
            "another training.noise in at least one phase; choose one, or leave the figure out (null)."
        )
    if drawn == "fig1" and experiment.sweep.runs == 1:
        yield (
            f".experiment = {experiment.name}: the figure shows pairs of runs, and the experiment has one run; "
            "allowed are experiments with several runs; choose one, or leave the figure out (null)."
        )
    if "branches" in SECTIONS.get(drawn, ()) and not branches_are_descents(experiment):
        yield (
            f".experiment = {experiment.name}: the experiment does not have exactly one branch of gradient descent "
            "from each t_c. Allowed are branches with copies = 1, perturbation = 0 and, in branches.training, no "
            "noise, momentum or weight decay; change the branches, or leave the figure out (null)."
        )


def beside_errors(drawn: str, experiments: Sequence[Experiment]) -> Iterator[str]:
    """Yield a sentence for every experiment that a figure cannot compare with the first one.

    Args:
        drawn: name of the drawn figure of the paper.
        experiments: the figure's experiment, then those of its setting ``beside``.
    """
    first = experiments[0]
    for experiment in experiments:
        cells = experiment.sweep.cells
        if drawn in OF_ONE_CELL and len(cells) != 1:
            yield (
                f".beside = {experiment.name}: {len(cells)} cells instead of one; allowed are experiments with one "
                "sweep.eta and one sweep.B; choose another experiment."
            )
        if drawn == "figC7" and (lacking := [cell for cell in first.sweep.cells if cell not in cells]):
            eta, B = lacking[0]
            yield (
                f".beside = {experiment.name}: the cell eta = {eta}, B = {B} of {first.name} is missing; allowed are "
                f"experiments with all cells of {first.name}; choose another experiment."
            )


def branches_are_descents(experiment: Experiment) -> bool:
    """Whether exactly one branch leaves at every t_c, and all branches are plain gradient descent.

    Plain means no perturbation, noise, momentum or weight decay. Without branches the result is False.
    """
    found = experiment.branchings.values()
    return bool(found) and all(
        each.copies == 1 and not each.perturbation and _is_descent(each.recipe, experiment.M) for each in found
    )


def _is_descent(recipe: Recipe, M: int) -> bool:
    plain = all(phase.momentum == 0 for phase in recipe.phases) and recipe.weight_decay == 0
    return plain and recipe.is_deterministic(M)
