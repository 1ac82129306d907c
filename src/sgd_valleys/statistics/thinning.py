"""Selection of the curves that a figure draws, and that are therefore computed."""

import numpy as np

MAX_CURVES = 10


def select_curves(t_c: np.ndarray) -> np.ndarray:
    """Select at most ``MAX_CURVES`` branches at about equal steps of sqrt(t_c), because early branches differ most.

    Args:
        t_c: (t_c) branching times, ascending.

    Returns:
        ascending positions, which include the first and the last branch.
    """
    if len(t_c) <= MAX_CURVES:
        return np.arange(len(t_c))
    targets = t_c[0] + (t_c[-1] - t_c[0]) * np.linspace(0, 1, MAX_CURVES) ** 2
    return np.unique(np.abs(t_c - targets[:, None]).argmin(axis=1))
