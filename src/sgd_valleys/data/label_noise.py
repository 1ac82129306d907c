"""Label noise: replacement of a share of the training labels by other classes."""

import numpy as np

from sgd_valleys.randomness import Stage, stream


def replace_labels(label: np.ndarray, classes: int, share: float, seed: int) -> np.ndarray:
    """Replace a share of labels, each by one of the other classes with equal probability.

    Args:
        label: (sample) classes from 0.
        classes: number of classes.
        share: share of the samples whose label is replaced; the number of samples is rounded.
        seed: master seed. All runs with the same seed and share have the same new labels.

    Returns:
        (sample) labels after the replacement.
    """
    rng = stream(seed, Stage.LABELS, float(share))
    chosen = rng.choice(len(label), round(share * len(label)), replace=False)
    replaced = label.copy()
    replaced[chosen] = (label[chosen] + rng.integers(1, classes, len(chosen))) % classes
    return replaced
