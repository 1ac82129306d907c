"""The starts of runs: shared initializations, and starts displaced from a checkpoint."""

from collections.abc import Mapping, Sequence

import numpy as np

from sgd_valleys.networks.network import Network, Parameters
from sgd_valleys.randomness import Stage, stream


def initial_parameters(
    network: Network, seed: int, realizations: Sequence[int], initializations: int = 1
) -> dict[str, np.ndarray]:
    """Return the initializations of runs, float64.

    Realization r has initialization number r modulo ``initializations``. Each initialization depends only on its number
    and the seed.

    Args:
        network: architecture.
        seed: master seed.
        realizations: numbers of the runs.
        initializations: number of different initializations.

    Returns:
        parameters by name, with the shapes of the network for one initialization, else (run, ...).
    """
    if initializations == 1:
        return network.initialize(stream(seed, Stage.INITIALIZATION))
    numbers = [r % initializations for r in realizations]
    drawn = {k: network.initialize(stream(seed, Stage.INITIALIZATION, *([k] if k else []))) for k in set(numbers)}
    return {name: np.stack([drawn[k][name] for k in numbers]) for name in network.names()}


def displaced(starts: Parameters, length: float, keys: Sequence[Sequence[int | float]], seed: int) -> Parameters:
    """Displace every run by a vector of random direction in the space of all parameters.

    Args:
        starts: parameters (run, ...) by name.
        length: Euclidean length of the displacement; 0 returns ``starts``.
        keys: key of the random stream of each run.
        seed: master seed.

    Returns:
        displaced parameters (run, ...) by name, float64.
    """
    if not length:
        return starts
    moved: Mapping[str, np.ndarray] = {name: array.astype(np.float64) for name, array in starts.items()}
    for run, key in enumerate(keys):
        rng = stream(seed, Stage.PERTURBATION, *key)
        direction = {name: rng.standard_normal(array.shape[1:]) for name, array in moved.items()}
        norm = np.sqrt(sum((array**2).sum() for array in direction.values()))
        for name, array in direction.items():
            moved[name][run] += length / norm * array
    return moved
