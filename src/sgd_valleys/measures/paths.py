"""Training loss along the straight line between two solutions, and the barrier on it."""

import numpy as np

from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.network import Network, Parameters


def line_loss(
    network: Network,
    ends: tuple[Parameters, Parameters],
    preactivation: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    alpha: np.ndarray,
) -> np.ndarray:
    """L(alpha theta_i + (1 - alpha) theta_j) at every ``alpha``.

    Args:
        network: of both solutions.
        ends: parameters of theta_i and theta_j.
        preactivation: of the first layer of both: linear in the parameters, so a whole line needs it at its ends only.
        labels: (sample).
        alpha: (point).

    Returns:
        (point) loss.
    """
    (theta_i, theta_j), (z_i, z_j) = ends, preactivation
    upper = [name for name in network.names() if not name.startswith("layer1_")]
    loss = np.empty(len(alpha))
    for k, a in enumerate(alpha.tolist()):  # a NumPy float64 would make float64 of float32 parameters
        between = {name: a * theta_i[name] + (1 - a) * theta_j[name] for name in upper}
        loss[k] = cross_entropy(network.forward_from_first(between, a * z_i + (1 - a) * z_j), labels)
    return loss


def barrier(loss: np.ndarray) -> np.ndarray:
    """Eq. 5 from losses along the line (..., point), both ends on it."""
    return loss.max(axis=-1) - (loss[..., 0] + loss[..., -1]) / 2
