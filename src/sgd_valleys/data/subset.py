"""Subsets of labelled samples."""

import numpy as np


def first_of_each_class(label: np.ndarray, per_class: int | None) -> np.ndarray:
    """Return the positions of the first samples of each class in labels (sample,), class by class.

    ``per_class`` is the number of samples of each class; None selects all samples in their own order.
    """
    if per_class is None:
        return np.arange(len(label))
    return np.concatenate([np.flatnonzero(label == c)[:per_class] for c in np.unique(label)])
