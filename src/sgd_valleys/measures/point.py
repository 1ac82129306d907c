"""A point of parameter space, with the quantities that several measures of flatness share.

All arrays are float64.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import select_first
from sgd_valleys.measures.curvature import LayerHessian, is_gauss_newton, top_eigenvalues
from sgd_valleys.measures.output_curvature import OutputCurvature
from sgd_valleys.measures.perturbation import Perturbation
from sgd_valleys.measures.true_hessian import TrueHessian
from sgd_valleys.networks.loss import LOSSES, softmax
from sgd_valleys.networks.network import Linearization, Network, Parameters
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage.hdf5 import FilePath

if TYPE_CHECKING:  # torch imports slowly: the methods that need automatic differentiation import it
    import torch

DEFAULT = Perturbation()
SLICE = 500  # samples that are differentiated at once; bounds the memory


@dataclass(frozen=True)
class Point:
    """One network at one point of parameter space.

    Attributes:
        network: architecture.
        parameters: parameters by name, float64.
        inputs: (sample, ...) in the network's form, float64.
        labels: (sample) classes.
        layer: number of the fully connected layer whose Hessian is computed, counted from 1.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        eigenvalue: known largest eigenvalues of this Hessian, in descending order; may be empty.
        perturbation: settings of the measures that displace the parameters.
        tolerance: largest accepted residual of an eigenvalue, relative to the largest one.
        seed: master seed.
    """

    network: Network
    parameters: Parameters
    inputs: np.ndarray
    labels: np.ndarray
    layer: int
    loss: str = "cross_entropy"
    eigenvalue: Sequence[float] = ()
    perturbation: Perturbation = DEFAULT
    tolerance: float = 1e-6
    seed: int = 0

    @property
    def weight(self) -> np.ndarray:
        """The weights (out, in) of the layer."""
        return self.parameters[f"layer{self.layer}_weight"]

    @cached_property
    def linear(self) -> Linearization:
        """The linearization of the logits in the layer's weights."""
        return self.network.linearize(self.parameters, self.inputs, self.layer)

    @cached_property
    def is_finite(self) -> bool:
        """Whether the network's outputs are finite."""
        return bool(np.isfinite(self.linear.logits).all())

    @cached_property
    def hessian(self) -> LayerHessian | TrueHessian:
        """The Hessian of the mean loss in the layer's weights."""
        if is_gauss_newton(self.network, self.layer, self.loss):
            return LayerHessian(self.linear, self.loss)
        return TrueHessian(self.linear, self.loss, self.labels)

    @cached_property
    def trace(self) -> float:
        """The trace of the layer's Hessian, in units of the loss."""
        return self.hessian.trace()

    def top(self, N: int) -> np.ndarray:
        """Return the N largest eigenvalues of the layer's Hessian, descending; all NaN if the computation fails."""
        found = self._known
        if self.weight.size <= N:
            return np.full(N, np.nan)
        if len(found["eigenvalue"]) < N:
            top = top_eigenvalues(self.hessian, N, stream(self.seed, Stage.LANCZOS), self.tolerance)
            if top.failure:
                return top.eigenvalue
            found["eigenvalue"] = top.eigenvalue
        return found["eigenvalue"][:N]

    @cached_property
    def _known(self) -> dict[str, np.ndarray]:
        known = np.asarray(self.eigenvalue, dtype=np.float64)
        return {"eigenvalue": known if np.isfinite(known).all() else known[:0]}

    @cached_property
    def loss_here(self) -> float:
        """The mean loss at the point."""
        return self._evaluate(self.linear.logits)

    def _evaluate(self, outputs: np.ndarray) -> float:
        return float(LOSSES[self.loss].evaluate(outputs, self.labels))

    @cached_property
    def _first_preactivation(self) -> np.ndarray:
        return self.network.first_preactivation(self.parameters, self.inputs)

    def mean_increase_of_pair(self, displacement: Parameters) -> float:
        """Compute (L(theta + d) + L(theta - d)) / 2 - L(theta) for a displacement d of all parameters, by name.

        The first layer's preactivations are linear in the parameters. Both signs therefore share the largest product.
        """
        z, dz = self._first_preactivation, self.network.first_preactivation(displacement, self.inputs)
        losses = []
        for sign in (1, -1):
            moved = {name: array + sign * displacement[name] for name, array in self.parameters.items()}
            losses.append(self._evaluate(self.network.forward_from_first(moved, z + sign * dz)))
        return sum(losses) / 2 - self.loss_here

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw a standard normal number for every parameter, by name."""
        return {name: rng.standard_normal(array.shape) for name, array in self.parameters.items()}

    def loss_and_gradient(self, parameters: Parameters) -> tuple[float, dict[str, np.ndarray]]:
        """Compute the mean loss at other parameters, and its gradient by name."""
        import torch

        from sgd_valleys.networks.tensor_functions import LOSSES as TENSOR_LOSSES
        from sgd_valleys.networks.tensor_functions import gradient_of, logits

        tensors = {name: torch.from_numpy(array).requires_grad_() for name, array in parameters.items()}
        total = 0.0
        for inputs, labels in zip(self._tensors[0].split(SLICE), self._tensors[1].split(SLICE), strict=True):
            part = TENSOR_LOSSES[self.loss].total(logits(self.network, tensors, inputs), labels) / len(self.labels)
            part.backward()
            total += part.item()
        return total, {name: gradient_of(tensor).numpy() for name, tensor in tensors.items()}

    @cached_property
    def _tensors(self) -> tuple["torch.Tensor", "torch.Tensor"]:
        import torch

        return torch.from_numpy(self.inputs), torch.from_numpy(self.labels)

    @cached_property
    def radial_derivative(self) -> np.ndarray:
        """The derivative (sample, class) of the logits along the parameters themselves, d f(t theta) / dt at t = 1."""
        if len(self.network.dense_layers) < self.network.depth:
            return self._radial_derivative_of_tensors()
        # linear in the layer's parameters, the preactivations are their own derivative along these parameters
        layers = (self.network.linearize(self.parameters, self.inputs, k) for k in self.network.dense_layers)
        return np.asarray(sum(layer.jvp(layer.preactivation) for layer in layers))

    def _radial_derivative_of_tensors(self) -> np.ndarray:
        import torch
        from torch.func import jvp

        from sgd_valleys.networks.tensor_functions import logits

        theta = {name: torch.from_numpy(array) for name, array in self.parameters.items()}
        parts = self._tensors[0].split(SLICE)
        return np.concatenate(
            [jvp(lambda p, x=x: logits(self.network, p, x), (theta,), (theta,))[1].numpy() for x in parts]
        )

    def radial_slope(self, labels: np.ndarray) -> np.ndarray:
        """Compute theta . grad l_n (sample) of every sample's loss, with ``labels`` (sample) in place of its own.

        The chain rule through the logits avoids the gradients of single samples.
        """
        slope = OutputCurvature(self.loss, self.linear.logits, labels).gradient
        return np.einsum("nk,nk->n", slope, self.radial_derivative)

    @cached_property
    def probability(self) -> np.ndarray:
        """The softmax (sample, class) of the logits."""
        return softmax(self.linear.logits)


def load_points(data: FilePath, settings: Mapping[str, Any]) -> Callable[[Parameters, Sequence[float]], Point]:
    """Read the images of an experiment, and return the function that maps parameters and eigenvalues to their point.

    Args:
        data: the file ``data.h5`` of the experiment.
        settings: ``network`` and ``classes`` of the experiment, ``loss`` (cross-entropy by default), ``layer``,
            ``tolerance``, ``seed``, ``per_class``, the number of images of each class (None for all), and the settings
            of ``Perturbation``.

    Raises:
        UserError: a class has fewer than ``per_class`` images.
    """
    network, samples = load_network_and_samples(data, settings, ["train"])
    inputs, chosen = select_first(samples.pop("train"), settings["per_class"], "curvature.per_class")
    inputs = inputs.astype(np.float64)

    def point(parameters: Parameters, eigenvalue: Sequence[float] = ()) -> Point:
        return Point(
            network,
            {name: array.astype(np.float64) for name, array in parameters.items()},
            inputs,
            chosen,
            settings["layer"],
            settings.get("loss", "cross_entropy"),
            eigenvalue,
            Perturbation.from_settings(settings),
            settings["tolerance"],
            settings["seed"],
        )

    return point
