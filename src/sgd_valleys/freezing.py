"""When a run freezes into its valley."""

import numpy as np


def freezing_time(iteration: np.ndarray, train_loss: np.ndarray, L_c: float) -> np.ndarray:
    """First recorded iteration with training loss below ``L_c``, Eq. 7.

    Args:
        iteration: (time) recorded iterations.
        train_loss: (..., time) at them.
        L_c: the threshold.

    Returns:
        (...) float, NaN where the loss never gets there.
    """
    below = np.asarray(train_loss) < L_c
    return np.where(below.any(axis=-1), iteration[below.argmax(axis=-1)].astype(float), np.nan)
