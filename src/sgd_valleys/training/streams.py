"""The random streams of a run: its minibatches, and the noise of each step.

Every stream is keyed by its purpose and by the run. A run therefore does not depend on other runs or on restarts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sgd_valleys.randomness import Stage, seed_sequence, stream


@dataclass(frozen=True)
class Streams:
    """The random streams of one run.

    Attributes:
        seed: master seed.
        key: identifies the run, such as (eta, B, realization); a float enters by the bits of its float64.
        first_step: number of the first step of the run; above 0 if the run continues the streams of another run.
    """

    seed: int
    key: tuple[int | float, ...]
    first_step: int = 0

    def epochs(self, M: int) -> Iterator[np.ndarray]:
        """Yield a permutation of ``range(M)`` for each epoch: the order in which the run visits the training set."""
        rng = stream(self.seed, Stage.MINIBATCHES, *self.key)
        while True:
            yield rng.permutation(M)

    def subsets(self, M: int, B: int) -> Iterator[np.ndarray]:
        """Yield M / B independent subsets of B samples, concatenated: (M). A subset has no sample twice."""
        rng = stream(self.seed, Stage.SUBSETS, *self.key, B)
        while True:
            yield np.concatenate([rng.choice(M, B, replace=False, shuffle=False) for _ in range(M // B)])

    def at_step(self, step: int) -> np.random.Generator:
        """Return the random generator of the noise of one step, independent of the other steps."""
        return np.random.Generator(np.random.Philox(key=self._noise_key, counter=[0, 0, 0, self.first_step + step]))

    @cached_property
    def _noise_key(self) -> np.ndarray:
        return seed_sequence(self.seed, Stage.NOISE, *self.key).generate_state(2, np.uint64)


def run_streams(seed: int, eta: float, B: int, realizations: Iterable[int]) -> list[Streams]:
    """Return the streams of realizations of a cell, as the workflow draws them.

    Args:
        seed: master seed.
        eta: learning rate of the cell.
        B: batch size of the cell.
        realizations: numbers of the runs.
    """
    return [Streams(seed, (float(eta), int(B), int(r))) for r in realizations]
