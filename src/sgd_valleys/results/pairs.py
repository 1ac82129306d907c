"""Measures between two solutions of a cell in Python; see :class:`sgd_valleys.results.cell.Cell`."""

from typing import TYPE_CHECKING

import numpy as np

from sgd_valleys.data.stored import Samples, load_network_and_samples
from sgd_valleys.measures.alignment import Alignment, align
from sgd_valleys.measures.paths import barrier, chord_height, pair_lines
from sgd_valleys.measures.similarity import agreement
from sgd_valleys.networks.network import Parameters, check_parameters
from sgd_valleys.results.cell_files import CellFiles

if TYPE_CHECKING:
    from sgd_valleys.measures.bezier import BezierCurve

POINTS = 51  # number of points of a line or a curve between two solutions


class SolutionPairs(CellFiles):
    """Measures between two solutions: ``one`` at alpha = 1 and ``other`` at alpha = 0.

    Solutions are parameters by name, as :meth:`~sgd_valleys.results.cell.Cell.parameters` returns them. Losses are
    means over all training images, in float64.

    Raises:
        UserError: in all methods, if the parameters are not those of the cell's network.
    """

    def barrier(self, one: Parameters, other: Parameters, points: int = POINTS) -> float:
        """Compute the loss barrier on the line between two solutions, Eq. 5, in units of the loss.

        The barrier is the maximum of the loss on the line minus the mean of the losses at both ends. The line has
        ``points`` evenly spaced points, including both ends.
        """
        return float(barrier(self._line(one, other, points)))

    def chord_height(self, one: Parameters, other: Parameters, points: int = POINTS) -> float:
        """Compute the largest height of the loss above its chord, on the line between two solutions.

        The chord is the linear interpolation of the losses at both ends. Unlike Eq. 5, the height is 0 if the loss is
        linear along the line.
        """
        return float(chord_height(self._line(one, other, points), np.linspace(0, 1, points)))

    def align(self, one: Parameters, other: Parameters) -> Alignment:
        """Permute the hidden units of ``other`` to match those of ``one``, without a change of its function."""
        self._check(one, other)
        return align(one, other)

    def aligned_barrier(self, one: Parameters, other: Parameters, points: int = POINTS) -> float:
        """Compute the loss barrier between two solutions, Eq. 5, after :meth:`align`."""
        return self.barrier(one, self.align(one, other).parameters, points)

    def bezier(self, one: Parameters, other: Parameters, steps: int = 50, points: int = POINTS) -> "BezierCurve":
        """Train the control point of the quadratic Bezier curve between two solutions.

        One step evaluates all training images about 20 times; ``steps=50`` takes seconds for the MLP of the paper.

        Args:
            one: solution at alpha = 1.
            other: solution at alpha = 0.
            steps: number of training steps.
            points: number of points of the curve at which its loss is evaluated.
        """
        from sgd_valleys.measures.bezier import train_curve  # here, since PyTorch imports slowly

        self._check(one, other)
        samples = self.inputs, self.labels
        return train_curve(self.network, (one, other), samples, np.linspace(0, 1, points), steps, self._loss)

    def agreement(self, one: Parameters, other: Parameters) -> float:
        """Compute the share of the images of the whole test file that two solutions assign to the same class."""
        self._check(one, other)
        images = self._test_file[0].astype(np.float64)
        classes = [self.network.forward(theta, images).argmax(axis=1) for theta in (one, other)]
        return float(agreement(*classes))

    @property
    def _test_file(self) -> Samples:
        return load_network_and_samples(self.folder / "test_file.h5", self.settings, ["test"])[1]["test"]

    def _check(self, one: Parameters, other: Parameters) -> None:
        check_parameters(self.network, one, "one")
        check_parameters(self.network, other, "other")

    def _line(self, one: Parameters, other: Parameters, points: int) -> np.ndarray:
        self._check(one, other)
        samples = self.inputs.astype(np.float64), self.labels
        alpha, pair = np.linspace(0, 1, points), np.array([[0, 1]])
        return pair_lines(self.network, [one, other], pair, samples, alpha, loss=self._loss)[0]
