"""Whether the gradient noise of an experiment can be measured as the configuration says."""

from collections.abc import Iterator

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.selected import not_in_sweep
from sgd_valleys.config.sweep import Selection
from sgd_valleys.errors import UserError
from sgd_valleys.networks.layers import check_dense_layers, number_of_weights


def noise_run_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse runs that the sweep does not have."""
    for selection in experiment["gradient_noise"]["runs"] if "gradient_noise" in experiment else ():
        yield from not_in_sweep("gradient_noise.runs", experiment, Selection.from_settings(selection))


def noise_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse layers, times and numbers that cannot be measured; the network has to be valid."""
    if "gradient_noise" not in experiment:
        return
    settings, network, points = experiment["gradient_noise"], experiment.network, experiment["recording"]["points"]
    layers, N = settings["layers"], settings["N"]
    if settings["every"] >= points:
        yield (
            f"gradient_noise.every = {settings['every']}: larger than the {points - 1} steps between the recorded "
            f"iterations (recording.points = {points}); allowed are 1 to {points - 1}: lower it."
        )
    try:
        check_dense_layers(network, layers)
    except UserError as error:
        yield f"gradient_noise.{error}"
        return
    weights, drawn = number_of_weights(network, layers, settings["biases"]), settings["minibatches"]
    if min(weights, experiment.M, drawn) <= N:
        yield (
            f"gradient_noise.N = {N}: too many eigenvalues; it has to be smaller than the numbers of weights "
            f"({weights}), of training samples ({experiment.M}) and of minibatches ({drawn}): lower it."
        )
