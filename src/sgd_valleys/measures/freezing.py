"""Freezing time of a run by its training loss."""

import numpy as np


def freezing_time(iteration: np.ndarray, train_loss: np.ndarray, L_c: float) -> np.ndarray:
    """Find the first recorded iteration with a training loss below ``L_c``, Eq. 7.

    Args:
        iteration: (time) recorded iterations.
        train_loss: (..., time) in nat.
        L_c: threshold in nat.

    Returns:
        (...) iterations, float64; NaN where the loss never falls below the threshold.
    """
    below = np.asarray(train_loss) < L_c
    return np.where(below.any(axis=-1), iteration[below.argmax(axis=-1)].astype(float), np.nan)
