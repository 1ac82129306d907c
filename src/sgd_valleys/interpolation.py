"""Training loss along the straight line between two solutions, and the barrier on it."""

from dataclasses import dataclass

import numpy as np

from sgd_valleys.networks import MLP, Parameters, cross_entropy


def first_preactivation(parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
    """(sample, hidden): linear in the parameters, so a whole line needs it at its two ends only."""
    return inputs @ parameters["layer1_weight"].T + parameters["layer1_bias"]


def line_loss(
    network: MLP,
    ends: tuple[Parameters, Parameters],
    preactivation: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    alpha: np.ndarray,
) -> np.ndarray:
    """L(alpha theta_i + (1 - alpha) theta_j) at every ``alpha``.

    Args:
        network: of both solutions.
        ends: parameters of theta_i and theta_j.
        preactivation: of both, from :func:`first_preactivation`.
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
        loss[k] = cross_entropy(network.forward_from(1, between, a * z_i + (1 - a) * z_j), labels)
    return loss


def barrier(loss: np.ndarray) -> np.ndarray:
    """Eq. 5 from losses along the line (..., point), both ends on it."""
    return loss.max(axis=-1) - (loss[..., 0] + loss[..., -1]) / 2


@dataclass(frozen=True)
class LinearFit:
    """y = slope x + intercept by least squares; intervals are central 95% of the bootstrap (low, high)."""

    slope: float
    intercept: float
    r_squared: float
    slope_interval: tuple[float, float]
    r_squared_interval: tuple[float, float]


def fit_line(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float, float]:
    """Slope, intercept and R^2 of a straight line by (weighted) least squares; NaN where x or y does not vary."""
    weight = np.ones(len(x)) if weight is None else weight
    total = weight.sum()
    mean_x, mean_y = weight @ x / total, weight @ y / total
    dx, dy = x - mean_x, y - mean_y
    xx, xy, yy = weight @ (dx * dx), weight @ (dx * dy), weight @ (dy * dy)
    if xx == 0 or yy == 0:
        return np.nan, np.nan, np.nan
    slope = xy / xx
    return slope, mean_y - slope * mean_x, xy**2 / (xx * yy)


def fit_pairs(pairs: np.ndarray, x: np.ndarray, y: np.ndarray, rng: np.random.Generator, resamples: int) -> LinearFit:
    """Straight line through a quantity of pairs, with an interval that knows that pairs share solutions.

    The bootstrap resamples the solutions, not the pairs: a pair counts as often as both of its
    solutions were drawn, the product of the two counts.

    Args:
        pairs: (pair, 2) the solutions' indices.
        x: (pair) the quantity on the abscissa.
        y: (pair) the quantity on the ordinate.
        rng: of the resampling.
        resamples: how many.
    """
    slope, intercept, r_squared = fit_line(x, y)
    solutions, position = np.unique(pairs, return_inverse=True)
    position = position.reshape(pairs.shape)
    drawn = np.full((resamples, 2), np.nan)
    for k in range(resamples):
        count = np.bincount(rng.integers(0, len(solutions), len(solutions)), minlength=len(solutions))
        weight = (count[position[:, 0]] * count[position[:, 1]]).astype(float)
        if weight.any():
            s, _, r = fit_line(x, y, weight)
            drawn[k] = s, r
    bounds = np.nanquantile(drawn, [0.025, 0.975], axis=0) if np.isfinite(drawn).any() else np.full((2, 2), np.nan)
    return LinearFit(slope, intercept, r_squared, tuple(bounds[:, 0]), tuple(bounds[:, 1]))
