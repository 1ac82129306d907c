"""Label noise: a share of the training labels, each replaced once by another class."""

import numpy as np

from sgd_valleys.randomness import Stage, stream


def replace_labels(label: np.ndarray, classes: int, share: float, seed: int) -> np.ndarray:
    """Replace a share of labels, each by one of the other classes with equal probability.

    Args:
        label: (sample) classes from 0.
        classes: number of classes.
        share: of the samples whose label is replaced; their number is rounded.
        seed: master seed. The samples and their labels depend on the seed and the share alone.

    Returns:
        (sample) the labels with the replaced ones among them.
    """
    rng = stream(seed, Stage.LABELS, float(share))
    chosen = rng.choice(len(label), round(share * len(label)), replace=False)
    replaced = label.copy()
    replaced[chosen] = (label[chosen] + rng.integers(1, classes, len(chosen))) % classes
    return replaced
