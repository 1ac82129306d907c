"""Subsets of labelled samples."""

from typing import Literal

import numpy as np

PerClass = int | Literal["all"] | None  # number of images of each class; "all" and None stand for all images


def first_of_each_class(label: np.ndarray, per_class: PerClass) -> np.ndarray:
    """Return the positions of the first samples of each class in labels (sample,), class by class.

    ``per_class`` is the number of samples of each class; "all" and None select all samples in their own order.
    """
    if per_class in (None, "all"):
        return np.arange(len(label))
    return np.concatenate([np.flatnonzero(label == c)[:per_class] for c in np.unique(label)])
