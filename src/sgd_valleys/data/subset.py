"""Subsets of labelled samples."""

from typing import Literal

import numpy as np

from sgd_valleys.errors import UserError

PerClass = int | Literal["all"] | None  # number of images of each class; "all" and None stand for all images


def first_of_each_class(label: np.ndarray, per_class: PerClass, subset: int = 0) -> np.ndarray:
    """Return the positions of the first samples of each class, class by class.

    Args:
        label: (sample) labels.
        per_class: number of samples of each class. "all" and None select all samples in their own order.
        subset: number k of the subset, which has the samples of each class after those of subsets 0 to k - 1.
    """
    if per_class is None or per_class == "all":
        return np.arange(len(label))
    first = subset * per_class
    return np.concatenate([np.flatnonzero(label == c)[first : first + per_class] for c in np.unique(label)])


def select_first(
    samples: tuple[np.ndarray, np.ndarray], per_class: PerClass, setting: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first samples of each class, class by class.

    Args:
        samples: inputs (sample, ...) and labels (sample).
        per_class: number of samples of each class. "all" and None return ``samples`` unchanged.
        setting: name of the setting with this number, for the error message.

    Raises:
        UserError: a class has fewer samples.
    """
    inputs, labels = samples
    if per_class in (None, "all"):
        return samples
    counts = np.bincount(labels)
    if per_class > counts[counts > 0].min():
        few = np.where(counts > 0, counts, counts.max()).argmin()
        raise UserError(
            f"{setting}: {per_class} images of each class are too many; allowed are at most {counts[few]}, the number "
            f"of images of class {few}; lower the value."
        )
    index = first_of_each_class(labels, per_class)
    return inputs[index], labels[index]
