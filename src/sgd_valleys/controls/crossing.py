"""Quantity along training at the first time at which the training loss is at most a level."""

import numpy as np


def value_at_loss(loss: np.ndarray, values: np.ndarray, level: float) -> np.ndarray:
    """Interpolate a quantity at the first crossing of a training loss, linearly in the logarithm of the loss.

    Args:
        loss: (..., time) training loss in nat, positive.
        values: (..., time) the quantity at the same times.
        level: loss in nat.

    Returns:
        (...) in the unit of the values. Where the loss starts at or below the level, the result is the first value.
        NaN where the loss never falls to the level, or where the quantity is not finite beside the crossing.
    """
    loss, values = np.broadcast_arrays(loss, values)
    below = loss <= level
    after = below.argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    (x0, x1), (y0, y1) = ([np.take_along_axis(a, k, axis=-1)[..., 0] for k in (before, after)] for a in (loss, values))
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.log(x0 / level) / np.log(x0 / x1)
    weight = np.where(after[..., 0] == before[..., 0], 1.0, weight)
    found = np.where(weight == 1, y1, y0 + weight * (y1 - y0))
    return np.where(below.any(axis=-1), found, np.nan)
