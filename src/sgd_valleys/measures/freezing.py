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


def basin_freezing_time(t_c: np.ndarray, similarity: np.ndarray, threshold: float) -> float:
    """Earliest branching time from which on every branch ends in the basin in which the last one ends.

    Args:
        t_c: (branch) iterations at which branches leave the run, ascending.
        similarity: (branch) of their final solutions to that of the last, Eq. 4.
        threshold: similarity from which on two solutions count as in the same basin.

    Returns:
        iterations; the last branch's own where the one before it still ends elsewhere, NaN where the last has no end.
    """
    elsewhere = np.flatnonzero(~(similarity >= threshold))
    first = elsewhere[-1] + 1 if len(elsewhere) else 0
    return float(t_c[first]) if first < len(t_c) else np.nan
