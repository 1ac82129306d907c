"""Access to one cell of a finished sweep in Python: runs, network, data and measures."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from sgd_valleys.data.subset import first_of_each_class
from sgd_valleys.measures.curvature import LayerHessian, load_hessian, top_eigenvalues
from sgd_valleys.measures.edge_of_stability import Sharpness, sharpness
from sgd_valleys.measures.flatness import flatness
from sgd_valleys.measures.flatness_measures import evaluate
from sgd_valleys.measures.gradient_noise import Draws, GradientNoise, gradient_noise
from sgd_valleys.measures.operators import NetworkCurvature
from sgd_valleys.measures.perturbation import Perturbation
from sgd_valleys.measures.point import Point, load_points
from sgd_valleys.measures.projection import project
from sgd_valleys.measures.slices import LossSlice, loss_slice
from sgd_valleys.measures.true_hessian import TrueHessian
from sgd_valleys.networks.layers import check_dense_layers, number_of_weights
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.network import Parameters, check_parameters
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.results.pairs import SolutionPairs
from sgd_valleys.storage import hdf5


class Cell(SolutionPairs):
    """The runs of one cell (eta, B) of an experiment, and measures of these runs.

    Arrays are read on demand, for all realizations of the cell at once.

    Args:
        folder: folder of the experiment, such as ``results/mnist``.
        eta: learning rate.
        B: batch size in samples.

    Raises:
        UserError: the sweep has no such cell, or the cell has not been trained.
    """

    def loss(self, parameters: Parameters) -> float:
        """Compute the mean loss over all training images, in nat for the cross-entropy.

        Args:
            parameters: parameters by name.

        Raises:
            UserError: the parameters are not those of the cell's network.
        """
        check_parameters(self.network, parameters)
        logits = self.network.forward(parameters, self.inputs.astype(np.float64))
        return float(LOSSES[self._loss].evaluate(logits, self.labels))

    def hessian(self, parameters: Parameters) -> LayerHessian | TrueHessian:
        """Return the Hessian in the weights of the studied layer, as an operator (parameter, parameter).

        The loss is the mean over the same images as in the workflow: all training images, or the first
        ``curvature.per_class`` of each class.

        Args:
            parameters: parameters by name.

        Raises:
            UserError: the parameters are not those of the cell's network, or its curvature file cannot be read.
        """
        check_parameters(self.network, parameters)
        return load_hessian(self.folder / "data.h5", self._curvature_settings)(parameters)

    def curvature(
        self, parameters: Parameters, layers: Sequence[int] | str = "all", gauss_newton: bool = False
    ) -> NetworkCurvature:
        """Return the Hessian in all parameters of some layers, as an operator (parameter, parameter).

        The functions in ``measures.spectra`` compute eigenvalues, trace and spectral density of the operator. The loss
        is the mean over the same images as in :meth:`hessian`.

        Args:
            parameters: parameters by name.
            layers: numbers of layers, or "all".
            gauss_newton: whether to return the Gauss-Newton matrix instead.

        Raises:
            UserError: the parameters are not those of the cell's network, or a layer does not exist.
        """
        check_parameters(self.network, parameters)
        chosen = first_of_each_class(self.labels, self._curvature_settings["per_class"])
        samples = self.inputs[chosen], self.labels[chosen]
        return NetworkCurvature(self.network, parameters, samples, layers, self._loss, gauss_newton)

    def sharpness(self, parameters: Parameters, minibatches: int = 100) -> Sharpness:
        """Compute the sharpness of the whole network, to be compared with 2 / eta, and the batch sharpness.

        Args:
            parameters: parameters by name.
            minibatches: number of minibatches of B samples for the batch sharpness; 0 leaves the batch sharpness out.

        Raises:
            UserError: the parameters are not those of the cell's network.
        """
        check_parameters(self.network, parameters)
        samples = self.inputs.astype(np.float64), self.labels
        rng = stream(self._curvature_settings["seed"], Stage.SHARPNESS, self.eta, self.B)
        return sharpness(self.network, parameters, samples, self.B, minibatches, rng, self._loss)

    def flatness(self, realization: int) -> float:
        """Compute the flatness F (1/nat) of a run at its end, Eq. 6, as in the workflow.

        F is NaN if an eigenvalue is not positive.

        Raises:
            UserError: the cell has no such realization, or its curvature file cannot be read.
        """
        settings = self._curvature_settings
        hessian = self.hessian(self.parameters(realization))
        rng = stream(settings["seed"], Stage.LANCZOS)
        return float(flatness(top_eigenvalues(hessian, settings["N"], rng, settings["tolerance"]).eigenvalue))

    def gradient_noise(
        self,
        parameters: Parameters,
        *,
        layers: Sequence[int] | None = None,
        biases: bool = False,
        N: int = 10,
        directions: int = 200,
        minibatches: int = 2_000,
    ) -> GradientNoise:
        """Measure the noise of minibatch gradients and the curvature in some layers, over all training images.

        Directions and minibatches are drawn from the master seed of the cell.

        Args:
            parameters: parameters by name, float64.
            layers: fully connected layers whose weights are the studied parameters; by default the studied layer.
            biases: whether the biases of these layers are studied parameters too.
            N: number of eigenvectors and eigenvalues.
            directions: number of random directions.
            minibatches: number of minibatches of B samples.

        Raises:
            UserError: the parameters are not those of the cell's network, or a layer is not fully connected.
        """
        check_parameters(self.network, parameters)
        layers = [self.layer] if layers is None else layers
        check_dense_layers(self.network, layers)
        draws = Draws.of(
            self.settings["seed"],
            size=number_of_weights(self.network, layers, biases),
            M=len(self.labels),
            B=self.B,
            directions=directions,
            minibatches=minibatches,
        )
        samples = self.inputs.astype(np.float64), self.labels
        loss, tolerance = self._loss, self._curvature_settings["tolerance"]
        return gradient_noise(
            self.network, parameters, samples, draws, layers=layers, biases=biases, loss=loss, N=N, tolerance=tolerance
        )

    def point(self, realization: int, t: int | None = None, perturbation: Perturbation | None = None) -> Point:
        """Return the point of a run in parameter space, for the measures of flatness.

        The loss is the mean over the images of :meth:`hessian`. Stored eigenvalues are not computed again.

        Args:
            realization: realization of the run.
            t: iteration; None for the end. Only the runs of ``kept`` have other iterations than the end.
            perturbation: displacement of the parameters; by default that of the stored measures, if there are any.

        Raises:
            UserError: the cell has no such realization, or its parameters are not stored at this iteration.
        """
        parameters = self.parameters(realization, t)
        stored = self.read("eigenvalue")
        time = -1 if t is None else stored["iteration"].tolist().index(t)
        eigenvalue = stored["eigenvalue"][self.realizations.index(realization), time]
        files = self._stacks("flatness")
        recorded = hdf5.read_attributes(files[0])["parameters"] if files else {}
        displaced = recorded if perturbation is None else asdict(perturbation)
        return load_points(self.folder / "data.h5", displaced | self._curvature_settings)(parameters, eigenvalue)

    def flatness_measures(
        self,
        realization: int,
        measures: str | Sequence[str] = "all",
        t: int | None = None,
        perturbation: Perturbation | None = None,
    ) -> dict[str, float]:
        """Compute measures of flatness of a run; docs/measures.md describes the measures.

        Args:
            realization: realization of the run.
            measures: names in ``measures.flatness_measures.MEASURES``, or "all".
            t: iteration, see :meth:`point`.
            perturbation: displacement of the parameters, see :meth:`point`.

        Returns:
            values by name. An estimate from random displacements also has its standard error,
            ``<name>_standard_error``.

        Raises:
            UserError: a measure is unknown, or see :meth:`point`.
        """
        return evaluate(self.point(realization, t, perturbation), measures)

    def trajectory(self) -> np.ndarray:
        """Project the weights of the studied layer on the common first two principal components of the kept runs.

        Returns:
            (kept, time, component) coordinates; NaN where the weights are not finite.

        Raises:
            UserError: no run of the cell is kept.
        """
        self._require_kept(None, f"{self!r}.trajectory()")
        name = f"checkpoint_layer{self.layer}_weight"
        weights = self.read(name)[name]
        return project(weights.reshape(*weights.shape[:2], -1))[0]

    def loss_slice(self, realization: int, points: int = 15) -> LossSlice:
        """Compute the loss around the trajectory of a kept run, in the plane of its first two principal components.

        The components are those of the weights of the studied layer. The other layers have their final parameters.

        Args:
            realization: realization of the run.
            points: number of points along each axis of the plane.

        Raises:
            UserError: the run is not kept.
        """
        self._require_kept(realization, f"{self!r}.loss_slice({realization})")
        name = f"checkpoint_layer{self.layer}_weight"
        trajectory = self.read(name)[name][list(self.kept).index(realization)]
        samples = self.inputs.astype(np.float64), self.labels
        final = self.parameters(realization)
        return loss_slice(self.network, trajectory, final, self.layer, samples, points, self._loss)
