"""Training loss along the straight line between two solutions, and the heights of the barrier on the line."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from sgd_valleys.measures.sample_gradients import slices
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.network import Network, Parameters

PREACTIVATION_BYTES = 2**30  # memory for cached preactivations of the first layer, of at least 2 solutions


def line_loss(
    network: Network,
    ends: tuple[Parameters, Parameters],
    preactivation: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    alpha: np.ndarray,
    loss: str = "cross_entropy",
) -> np.ndarray:
    """Compute the loss (point) L(alpha theta_i + (1 - alpha) theta_j) at every ``alpha`` (point).

    The first layer's preactivation is linear in the parameters. The line therefore needs this preactivation only at the
    ends.

    Args:
        network: architecture of both ends.
        ends: parameters of theta_i and of theta_j.
        preactivation: preactivations (sample, ...) of the first layer at theta_i and at theta_j.
        labels: (sample) classes.
        alpha: (point) interpolation coefficients.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
    """
    (theta_i, theta_j), (z_i, z_j) = ends, preactivation
    upper_layers = [name for name in network.names() if not name.startswith("layer1_")]
    along, evaluate = np.zeros(len(alpha)), LOSSES[loss].evaluate
    for k, a in enumerate(alpha.tolist()):  # a NumPy float64 would convert float32 parameters to float64
        between = {name: a * theta_i[name] + (1 - a) * theta_j[name] for name in upper_layers}
        for part in slices(len(labels)):  # the activations of a slice fit the cache
            logits = network.forward_from_first(between, a * z_i[part] + (1 - a) * z_j[part])
            along[k] += len(logits) / len(labels) * evaluate(logits, labels[part])
    return along


def barrier(loss: np.ndarray) -> np.ndarray:
    """Compute the barrier (...), Eq. 5, from losses (..., point) along lines that include both ends."""
    return loss.max(axis=-1) - (loss[..., 0] + loss[..., -1]) / 2


def chord_height(loss: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Compute the largest height (...) of the loss above the chord, from losses (..., point) along lines.

        max over alpha of  L(alpha) - (alpha L_i + (1 - alpha) L_j)

    The lines include both ends, and alpha = 1 is theta_i, as in :func:`line_loss`. The height is at least 0. A loss
    that changes linearly has height 0, whereas its barrier by Eq. 5 is half the difference of the ends. For ends with
    equal loss the height is the barrier of Eq. 5.
    """
    return (loss - (alpha * loss[..., -1:] + (1 - alpha) * loss[..., :1])).max(axis=-1)


def dissimilar_pairs(similarity: np.ndarray, height: np.ndarray, largest: float) -> np.ndarray:
    """Select (pair) the pairs with a final Sim_J (pair) of at most ``largest``.

    A pair without a finite final height (pair, time) is left out, because one of its runs has diverged.
    """
    return (similarity <= largest) & np.isfinite(height[:, -1])


def emergence(height: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return the time (pair) from which on a height (pair, time) is at least half of its last value.

    ``time`` (time) ascends, in any unit. All last values are finite (``dissimilar_pairs``).
    """
    above = (height >= height[:, -1:] / 2)[:, ::-1]  # from the end of training backwards
    lasting = np.where(above.all(axis=1), len(time), above.argmin(axis=1))
    return time[len(time) - lasting]


def pair_lines(
    network: Network,
    solutions: Sequence[Parameters],
    pairs: np.ndarray,
    samples: tuple[np.ndarray, np.ndarray],
    alpha: np.ndarray,
    progress: Callable[[], object] = lambda: None,
    loss: str = "cross_entropy",
) -> np.ndarray:
    """Compute the loss (pair, point) along the line between the two solutions of each pair, in units of the loss.

    Args:
        network: architecture of all solutions.
        solutions: parameters of each solution.
        pairs: (pair, 2) positions of the solutions; the first is at alpha = 1.
        samples: inputs (sample, ...) in the network's form, and labels (sample).
        alpha: (point) interpolation coefficients from 0 to 1.
        progress: called after each pair.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
    """
    if not len(pairs):
        return np.empty((0, len(alpha)))
    inputs, labels = samples
    size = network.first_preactivation(solutions[0], inputs).nbytes

    @lru_cache(max(2, PREACTIVATION_BYTES // size))
    def preactivation(k: int) -> np.ndarray:
        return network.first_preactivation(solutions[k], inputs)

    lines = np.empty((len(pairs), len(alpha)))
    for k, (i, j) in enumerate(pairs.tolist()):
        ends = solutions[i], solutions[j]
        lines[k] = line_loss(network, ends, (preactivation(i), preactivation(j)), labels, alpha, loss)
        progress()
    return lines


def line_loss_along_training(
    network: Network,
    runs: Mapping[int, Parameters],
    pairs: np.ndarray,
    samples: tuple[np.ndarray, np.ndarray],
    alpha: np.ndarray,
    progress: Callable[[], object] = lambda: None,
    *,
    times: int,
    loss: str = "cross_entropy",
) -> np.ndarray:
    """Compute the loss (pair, time, point) along the line between the two runs of each pair at every recorded time.

    Args:
        network: architecture of all runs.
        runs: parameters (time, ...) of every run of the pairs, by the run's number.
        pairs: (pair, 2) numbers of the runs; the first is at alpha = 1.
        samples: inputs (sample, ...) in the network's form, and labels (sample).
        alpha: (point) interpolation coefficients.
        progress: called after each line.
        times: number of recorded times.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
    """
    inputs, labels = samples
    along = np.empty((len(pairs), times, len(alpha)))
    for t in range(times):
        now = {k: {name: array[t] for name, array in run.items()} for k, run in runs.items()}
        preactivation = {k: network.first_preactivation(theta, inputs) for k, theta in now.items()}
        for k, (i, j) in enumerate(pairs.tolist()):
            first = preactivation[i], preactivation[j]
            along[k, t] = line_loss(network, (now[i], now[j]), first, labels, alpha, loss)
            progress()
    return along
