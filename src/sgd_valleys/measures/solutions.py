"""The converged endpoints of a sweep, read from its training files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sgd_valleys.measures.similarity import Run, jaccard
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import FilePath
from sgd_valleys.storage.parameters import read_parameters


@dataclass(frozen=True)
class Solution:
    """The endpoint of a run with training accuracy 1.

    Attributes:
        run: (eta, B, realization).
        path: path of the training file.
        parameters: by name, float32.
        error: (test_sample) whether the sample is misclassified.
    """

    run: Run
    path: FilePath
    parameters: dict[str, np.ndarray]
    error: np.ndarray


def converged_solutions(paths: Iterable[FilePath]) -> list[Solution]:
    """Read the converged endpoints of some training files, in the order of eta, B and realization."""
    found = []
    for path in paths:
        train = hdf5.read_attributes(path)
        runs = hdf5.read(path, ["realization", "train_accuracy", "test_error"])
        final = read_parameters(path, "final")
        for r in np.flatnonzero(runs["train_accuracy"][:, -1] == 1):
            run = float(train["eta"]), int(train["B"]), int(runs["realization"][r])
            parameters = {name: array[r] for name, array in final.items()}
            found.append(Solution(run, path, parameters, runs["test_error"][r, -1].copy()))
    return sorted(found, key=lambda solution: solution.run)


def solution_similarity(solutions: Sequence[Solution]) -> np.ndarray:
    """Compute the Jaccard similarity (solution, solution), Eq. 4; shape (0, 0) without solutions."""
    return jaccard(np.stack([solution.error for solution in solutions])) if solutions else np.empty((0, 0))
