"""The recording of a training: what to record, the arrays while they fill, and the finished trajectory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from sgd_valleys.networks.loss import CROSS_ENTROPY, Loss
from sgd_valleys.networks.network import Parameters
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.training.replicas import Replicas, scores

NOT_BEGUN = -1  # in place of the step at which a run begins a phase
SERIES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "test_error")  # (run, time, ...)


@dataclass(frozen=True)
class Recording:
    """What to record of every run.

    Attributes:
        points: number of recorded iterations 0, T / (points - 1), ..., T; at least 2.
        checkpoints: runs whose whole parameters are recorded, each with the recorded points (0 to ``points`` - 1) at
            which they are. All these runs have the same number of points.

    Raises:
        ValueError: the runs of ``checkpoints`` have different numbers of points.
    """

    points: int
    checkpoints: Mapping[int, Sequence[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = {len(points) for points in self.checkpoints.values()}
        if len(numbers) > 1:
            raise ValueError(f"checkpoints = {dict(self.checkpoints)}: the runs have different numbers of points")

    def interval(self, iterations: int) -> int:
        """Return the iterations between two recorded points of a run of so many ``iterations``.

        Raises:
            ValueError: the recorded points do not divide the iterations.
        """
        if iterations % (self.points - 1):
            raise ValueError(f"{iterations} iterations cannot be recorded at {self.points} equally spaced points")
        return iterations // (self.points - 1)


@dataclass
class Trajectory:
    """The record of a number of runs.

    A run whose loss becomes non-finite has diverged. Its losses and accuracies are NaN from there on, and all of its
    test samples count as misclassified.

    Attributes:
        recording: what was recorded.
        iteration: (time) recorded iterations.
        train_loss: (run, time) mean loss, float64.
        test_loss: likewise.
        train_accuracy: (run, time) fraction of correctly classified samples, float64.
        test_accuracy: likewise.
        test_error: (run, time, test_sample) whether a test sample is misclassified.
        final: every parameter by name, (run, ...), at the last iteration.
        checkpoint: every parameter by name, (checkpoint, point, ...), in the order of ``recording.checkpoints``.
        diverged: (run) whether the run diverged.
    """

    recording: Recording
    iteration: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    test_error: np.ndarray
    final: dict[str, np.ndarray]
    checkpoint: dict[str, np.ndarray]
    diverged: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.diverged = ~np.isfinite(self.train_loss).all(axis=1)

    def checkpoint_at(self, points: Sequence[int]) -> dict[str, np.ndarray]:
        """Select the whole parameters (checkpoint, ...) of each checkpointed run at its own one of ``points``."""
        recorded = self.recording.checkpoints.values()
        columns = [own.index(point) for own, point in zip(recorded, points, strict=True)]
        return {name: array[np.arange(len(columns)), columns] for name, array in self.checkpoint.items()}

    def variables(self, axis: str, iteration: str = "iteration t", loss: Loss = CROSS_ENTROPY) -> dict[str, Variable]:
        """Describe the recorded series for storage, without ``final`` and ``checkpoint``.

        Args:
            axis: name of the axis of runs; the axis of recorded points is "time".
            iteration: long name of ``iteration``.
            loss: of the training.
        """
        series, samples = (axis, "time"), (axis, "time", "test_sample")
        return {
            "iteration": Variable(("time",), self.iteration, iteration, "iterations"),
            "train_loss": Variable(series, self.train_loss, f"training loss, {loss.description}", loss.units),
            "test_loss": Variable(series, self.test_loss, f"test loss, {loss.description}", loss.units),
            "train_accuracy": Variable(series, self.train_accuracy, "training accuracy"),
            "test_accuracy": Variable(series, self.test_accuracy, "test accuracy"),
            "test_error": Variable(samples, self.test_error, "whether the test sample is misclassified"),
            "diverged": Variable((axis,), self.diverged, "whether the run diverged (non-finite loss)"),
        }


def finite_runs(parameters: Parameters) -> np.ndarray:
    """Find the runs (run) all of whose parameters (run, ...) are finite."""
    return np.all([np.isfinite(array).reshape(len(array), -1).all(axis=1) for array in parameters.values()], axis=0)


class Recorder:
    """The arrays of a :class:`Trajectory`, each allocated at its first use and filled stack by stack, point by point.

    Args:
        recording: what to record.
        runs: number of runs of all stacks.
    """

    def __init__(self, recording: Recording, runs: int) -> None:
        self.recording, self.runs = recording, runs
        self.arrays: dict[str, dict[str, np.ndarray]] = {"series": {}, "final": {}, "checkpoint": {}}

    def record(
        self, replicas: Replicas, runs: np.ndarray, point: int, test_set: tuple[torch.Tensor, torch.Tensor]
    ) -> None:
        """Record the synchronized ``replicas``, which have these numbers as ``runs``, at one point."""
        inputs, labels = test_set
        train_loss, train_accuracy, _ = scores(replicas.train_logits(), replicas.labels, replicas.loss)
        test_loss, test_accuracy, test_error = scores(replicas.logits(inputs), labels, replicas.loss)
        parameters, checkpoints = replicas.parameters(), self.recording.checkpoints
        values = {
            "train_loss": train_loss,
            "test_loss": test_loss,
            "train_accuracy": train_accuracy,
            "test_accuracy": test_accuracy,
            "test_error": test_error,
        }
        for name, array in values.items():
            self._allocated("series", name, (self.runs, self.recording.points), array)[runs, point] = array
        own = runs.tolist()
        for name, array in parameters.items():
            if point == self.recording.points - 1:
                self._allocated("final", name, (self.runs,), array)[runs] = array
            for row, (run, points) in enumerate(checkpoints.items()):
                if run in own and point in points:
                    checkpoint = self._allocated("checkpoint", name, (len(checkpoints), len(points)), array)
                    checkpoint[row, points.index(point)] = array[own.index(run)]

    def losses(self, runs: slice, point: int) -> list[float]:
        """Return the recorded training losses of runs at one point."""
        return self.arrays["series"]["train_loss"][runs, point].tolist()

    def _allocated(self, part: str, name: str, shape: tuple[int, ...], example: np.ndarray) -> np.ndarray:
        """Return an array, allocated at its first use with the axes ``shape`` and those of one run of ``example``."""
        if name not in self.arrays[part]:
            self.arrays[part][name] = np.empty((*shape, *example.shape[1:]), example.dtype)
        return self.arrays[part][name]

    def state(
        self, stack: Mapping[str, np.ndarray], begun: Sequence[Sequence[int]], first: int, point: int
    ) -> dict[str, np.ndarray]:
        """Collect the arrays from which a training resumes.

        Args:
            stack: state of the replicas that train now, by name.
            begun: steps at which each of them began its phases so far.
            first: number of the first of them.
            point: the last recorded point.
        """
        parts = {"stack": stack, **self.arrays}
        state = {f"{part}_{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        phases = np.full((len(begun), max(map(len, begun))), NOT_BEGUN)
        for row, steps in zip(phases, begun, strict=True):
            row[: len(steps)] = steps
        return state | {"position": np.array([first, point]), "phases": phases}

    @staticmethod
    def stack_of(state: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[tuple[int, ...]]]:
        """Return ``stack`` and ``begun`` of a :meth:`state`."""
        stack = {name.removeprefix("stack_"): array for name, array in state.items() if name.startswith("stack_")}
        return stack, [tuple(row[row != NOT_BEGUN].tolist()) for row in state["phases"]]

    def restore(self, state: Mapping[str, np.ndarray]) -> tuple[int, int]:
        """Take over the record of a :meth:`state`; return its first run and point, (-1, -1) for an empty state."""
        for name, array in state.items():
            part, _, rest = name.partition("_")
            if part in self.arrays:
                self.arrays[part][rest] = array
        return tuple(state["position"].tolist()) if state else (-1, -1)

    def trajectory(self, iterations: int) -> Trajectory:
        """Return the finished record of runs of so many ``iterations``."""
        iteration = self.recording.interval(iterations) * np.arange(self.recording.points)
        series, final, checkpoint = self.arrays.values()
        return Trajectory(self.recording, iteration, **series, final=final, checkpoint=checkpoint)
