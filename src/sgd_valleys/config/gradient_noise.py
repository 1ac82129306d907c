"""Check the section ``gradient_noise`` of an experiment."""

from collections.abc import Iterator
from math import ceil

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.selected import not_in_sweep
from sgd_valleys.config.sweep import Selection
from sgd_valleys.errors import UserError
from sgd_valleys.networks.layers import check_dense_layers, number_of_weights

OPERATIONS_PER_HOUR = 1e14  # floating-point operations of one core in float64, approximately


def noise_run_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every run that the sweep lacks."""
    for selection in experiment["gradient_noise"]["runs"] if "gradient_noise" in experiment else ():
        yield from not_in_sweep("gradient_noise.runs", experiment, Selection.from_settings(selection))


def noise_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every invalid layer, interval ``every``, and number of eigenvalues or images.

    The network has to be valid.
    """
    if "gradient_noise" not in experiment:
        return
    settings, network, points = experiment["gradient_noise"], experiment.network, experiment["recording"]["points"]
    layers, N = settings["layers"], settings["N"]
    if settings["every"] >= points:
        yield (
            f"gradient_noise.every = {settings['every']}: larger than recording.points - 1 = {points - 1}; "
            f"allowed are 1 to {points - 1}; lower every."
        )
    try:
        check_dense_layers(network, layers)
    except UserError as error:
        yield f"gradient_noise.{error}"
        return
    yield from _cost_errors(experiment)
    weights, drawn = number_of_weights(network, layers, settings["biases"]), settings["minibatches"]
    M = settings["per_class"] * experiment.classes if "per_class" in settings else experiment.M
    if min(weights, M, drawn) <= N:
        yield (
            f"gradient_noise.N = {N}: too many eigenvalues; allowed are fewer than the weights ({weights}), the "
            f"training samples ({M}) and the minibatches ({drawn}); lower N."
        )


def _cost_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence if one core needs more than an hour for the measurement at one checkpoint.

    An inner product in one layer takes M min(M, in^2 / 2) out^2 / 2 multiplications (``measures.curvature_matrix``).
    Several layers take M^2 (in + out) multiplications each for every pair of classes.
    """
    settings, layers = experiment["gradient_noise"], experiment["gradient_noise"]["layers"]
    shapes = [experiment.network.weight_shape(k) for k in layers]

    def hours(M: int) -> float:
        if len(layers) == 1:
            ((out, width),) = shapes
            operations = 6 * M * min(M, width**2 / 2) * out**2 / 2
        else:
            operations = experiment.classes**2 * M**2 * sum(out + width for out, width in shapes)
        return operations / OPERATIONS_PER_HOUR

    per_class, M = settings.get("per_class", "all"), experiment.M
    used = M if per_class == "all" else per_class * experiment.classes
    if hours(used) > 1:
        largest = max(n for n in range(1, used // experiment.classes + 1) if hours(n * experiment.classes) <= 1)
        yield (
            f"gradient_noise.per_class = {per_class}: a checkpoint of {used} images takes about {ceil(hours(used))} "
            f"core hours; allowed are 1 to {largest} images of each class; lower per_class, for example to 100."
        )
