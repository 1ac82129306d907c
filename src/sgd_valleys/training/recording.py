"""The recording of a training: its settings, its arrays during the training, and the finished trajectory."""

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
    """The settings of a recording.

    Attributes:
        points: number of recorded iterations 0, T / (points - 1), ..., T; at least 2.
        checkpoints: by run, the recorded points (0 to ``points`` - 1) at which all parameters are recorded. All runs in
            this mapping have the same number of points.
        train_samples: number of training images for the recorded training loss and accuracy; None for all. The images
            are the first of each class, in equal numbers.
        last: by run, the recorded point at which the training ends; by default ``points`` - 1.

    Raises:
        ValueError: the runs of ``checkpoints`` have different numbers of points.
    """

    points: int
    checkpoints: Mapping[int, Sequence[int]] = field(default_factory=dict)
    train_samples: int | None = None
    last: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = {len(points) for points in self.checkpoints.values()}
        if len(numbers) > 1:
            raise ValueError(
                f"checkpoints = {dict(self.checkpoints)}: different numbers of points; allowed is one number for all "
                "runs; change the lists."
            )

    def last_points(self, runs: int) -> np.ndarray:
        """Return the recorded point (run) at which the training of each run ends."""
        return np.array([self.last.get(run, self.points - 1) for run in range(runs)])

    def interval(self, iterations: int) -> int:
        """Return the number of iterations between two recorded points of a run with ``iterations`` iterations in all.

        Raises:
            ValueError: the recorded points do not divide the iterations.
        """
        if iterations % (self.points - 1):
            raise ValueError(
                f"iterations = {iterations}: not divisible into equal recording steps; allowed are multiples of points "
                f"- 1 = {self.points - 1}; change iterations or points."
            )
        return iterations // (self.points - 1)


@dataclass
class Trajectory:
    """The record of a number of runs.

    A run with a non-finite training loss has diverged. Where a loss is not finite, the loss and the accuracy are NaN.
    All test samples count as misclassified where the test loss is not finite. After the last point of a run
    (``Recording.last``), the losses and accuracies are NaN, and ``test_error`` is False.

    Attributes:
        recording: settings of the recording.
        iteration: (time) recorded iterations.
        train_loss: (run, time) mean training loss, float64, in units of the loss.
        test_loss: (run, time) mean test loss, likewise.
        train_accuracy: (run, time) fraction of correctly classified training samples, float64.
        test_accuracy: (run, time) the same of the test samples.
        test_error: (run, time, test_sample) whether a test sample is misclassified.
        final: parameters (run, ...) by name, at the last iteration of each run.
        checkpoint: parameters (checkpoint, point, ...) by name, in the order of ``recording.checkpoints``; empty
            without checkpoints.
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
        runs, points = self.train_loss.shape
        trained = np.arange(points) <= self.recording.last_points(runs)[:, None]
        self.diverged = (trained & ~np.isfinite(self.train_loss)).any(axis=1)

    def checkpoint_at(self, points: Sequence[int]) -> dict[str, np.ndarray]:
        """Select all parameters (checkpoint, ...) of each run with checkpoints.

        Args:
            points: one recorded point for each such run, in the order of ``recording.checkpoints``.

        Raises:
            ValueError: a run has no checkpoint at its point.
        """
        recorded = self.recording.checkpoints.values()
        columns = [own.index(point) for own, point in zip(recorded, points, strict=True)]
        return {name: array[np.arange(len(columns)), columns] for name, array in self.checkpoint.items()}

    def variables(self, axis: str, iteration: str = "iteration t", loss: Loss = CROSS_ENTROPY) -> dict[str, Variable]:
        """Describe the recorded series for storage, without ``final`` and ``checkpoint``.

        Args:
            axis: name of the axis of runs; the axis of recorded points is "time".
            iteration: long name of ``iteration``.
            loss: loss of the training.
        """
        series, samples = (axis, "time"), (axis, "time", "test_sample")
        subset = self.recording.train_samples
        on = f" on {subset} training images" if subset else ""
        return {
            "iteration": Variable(("time",), self.iteration, iteration, "iterations"),
            "train_loss": Variable(series, self.train_loss, f"training loss{on}, {loss.description}", loss.units),
            "test_loss": Variable(series, self.test_loss, f"test loss, {loss.description}", loss.units),
            "train_accuracy": Variable(series, self.train_accuracy, f"training accuracy{on}"),
            "test_accuracy": Variable(series, self.test_accuracy, "test accuracy"),
            "test_error": Variable(samples, self.test_error, "whether the test sample is misclassified"),
            "diverged": Variable((axis,), self.diverged, "whether the run diverged (non-finite loss)"),
        }


def finite_runs(parameters: Parameters) -> np.ndarray:
    """Return whether all parameters (run, ...) of each run are finite: (run)."""
    return np.all([np.isfinite(array).reshape(len(array), -1).all(axis=1) for array in parameters.values()], axis=0)


class Recorder:
    """The arrays of a :class:`Trajectory`, filled stack by stack and point by point.

    Args:
        recording: settings of the recording.
        runs: number of runs of all stacks.
    """

    def __init__(self, recording: Recording, runs: int) -> None:
        self.recording, self.runs, self.last = recording, runs, recording.last_points(runs)
        self.arrays: dict[str, dict[str, np.ndarray]] = {"series": {}, "final": {}, "checkpoint": {}}

    def record(
        self,
        replicas: Replicas,
        replica: np.ndarray,
        runs: np.ndarray,
        point: int,
        test_set: tuple[torch.Tensor, torch.Tensor],
        train_part: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> None:
        """Record runs at one recorded point.

        Args:
            replicas: the replicas that train the runs, after ``synchronize``.
            replica: (run) position of the replica of each run.
            runs: (run) numbers of the runs.
            point: recorded point.
            test_set: inputs and labels of the test samples.
            train_part: inputs and labels of the training samples to evaluate; None for the whole training set.
        """
        inputs, labels = test_set
        if train_part is None:
            part = replicas.train_logits(), replicas.labels
        else:
            part = replicas.logits(train_part[0]), train_part[1]
        train_loss, train_accuracy, _ = scores(*part, replicas.loss)
        test_loss, test_accuracy, test_error = scores(replicas.logits(inputs), labels, replicas.loss)
        checkpoints = self.recording.checkpoints
        values = {
            "train_loss": train_loss,
            "test_loss": test_loss,
            "train_accuracy": train_accuracy,
            "test_accuracy": test_accuracy,
            "test_error": test_error,
        }
        for name, array in values.items():
            self._allocated("series", name, (self.runs, self.recording.points), array)[runs, point] = array[replica]
        own, ends = runs.tolist(), self.last[runs] == point
        for name, array in replicas.parameters().items():
            if ends.any():
                self._allocated("final", name, (self.runs,), array)[runs[ends]] = array[replica[ends]]
            for row, (run, points) in enumerate(checkpoints.items()):
                if run in own and point in points:
                    checkpoint = self._allocated("checkpoint", name, (len(checkpoints), len(points)), array)
                    checkpoint[row, points.index(point)] = array[replica[own.index(run)]]

    def losses(self, runs: np.ndarray, point: int) -> list[float]:
        """Return the recorded training losses of runs at one point."""
        return self.arrays["series"]["train_loss"][runs, point].tolist()

    def _allocated(self, part: str, name: str, shape: tuple[int, ...], example: np.ndarray) -> np.ndarray:
        """Return an array with the axes ``shape`` and those of a run of ``example``, allocated at its first use."""
        if name not in self.arrays[part]:
            blank = np.nan if example.dtype.kind == "f" else False
            self.arrays[part][name] = np.full((*shape, *example.shape[1:]), blank, example.dtype)
        return self.arrays[part][name]

    def state(
        self, stack: Mapping[str, np.ndarray], begun: Sequence[Sequence[int]], first: int, point: int
    ) -> dict[str, np.ndarray]:
        """Collect the arrays from which a training resumes, by name.

        Args:
            stack: state (run, ...) of the stack that trains now, by name.
            begun: steps at which each run of the stack began its phases so far.
            first: number of the first run of the stack.
            point: last recorded point.
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
        """Restore the arrays of a :meth:`state`, and return ``first`` and ``point``; (-1, -1) for an empty state."""
        for name, array in state.items():
            part, _, rest = name.partition("_")
            if part in self.arrays:
                self.arrays[part][rest] = array
        return tuple(state["position"].tolist()) if state else (-1, -1)

    def trajectory(self, iterations: int) -> Trajectory:
        """Return the finished record of runs with ``iterations`` iterations."""
        iteration = self.recording.interval(iterations) * np.arange(self.recording.points)
        series, final, checkpoint = self.arrays.values()
        return Trajectory(self.recording, iteration, **series, final=final, checkpoint=checkpoint)
