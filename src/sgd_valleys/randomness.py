"""Random streams keyed by their purpose, so that a new stream does not change the others."""

from enum import IntEnum

import numpy as np


class Stage(IntEnum):
    """Purpose of a stream. The numbers are part of every result: never reuse or change one."""

    INITIALIZATION = 0
    MINIBATCHES = 1
    LANCZOS = 2
    PAIRS = 3
    BOOTSTRAP = 4
    LANGEVIN = 5
    BRANCH_BOOTSTRAP = 6
    TREND_BOOTSTRAP = 7
    CLAIM_BOOTSTRAP = 8
    NOISE = 9
    SUBSETS = 10
    LABELS = 11
    PERTURBATION = 12
    PATHS = 13
    HUTCHINSON = 14
    SHARPNESS = 15
    SPECTRUM = 16
    GRADIENT_NOISE = 20
    FLATNESS = 22
    CONTROLS = 23


def seed_sequence(seed: int, stage: Stage, *key: int | float) -> np.random.SeedSequence:
    """Return the seed sequence of ``(seed, stage, *key)``.

    Args:
        seed: master seed.
        stage: purpose of the stream.
        key: further numbers. A float enters by the bits of its float64, hence 0.1 and 0.10 give the same stream.
    """
    words = tuple(int(np.float64(k).view(np.uint64)) if isinstance(k, float) else int(k) for k in key)
    return np.random.SeedSequence(seed, spawn_key=(int(stage), *words))


def stream(seed: int, stage: Stage, *key: int | float) -> np.random.Generator:
    """Return the generator of ``(seed, stage, *key)``; see :func:`seed_sequence`."""
    return np.random.default_rng(seed_sequence(seed, stage, *key))
