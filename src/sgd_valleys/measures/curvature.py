"""The Hessian of the training loss with respect to one layer's weights, as an operator.

The logits of a ReLU network are piecewise linear in one layer's weights W. With a loss that is convex in the logits
the Hessian is therefore exactly the Gauss-Newton matrix. For V of the shape of W,

    H V = mean_n  J_n^T S_n J_n (V h_n) h_n^T.

Here h_n is the layer's input, and J_n maps a change of the layer's preactivations to a change of the logits. S_n is the
Hessian of the loss in the logits. For softmax cross-entropy with the class probabilities p, S_n = diag(p) - p p^T. For
the mean squared error over K classes, S_n = 2 / K times the identity. For the middle layer of three, J_n = W3 D_n with
the layer's active units D_n. Other activations and losses have further terms
(:mod:`~sgd_valleys.measures.true_hessian`). All arrays are float64.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackError, eigsh

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import select_first
from sgd_valleys.measures.flatness import flatness
from sgd_valleys.measures.layer_operator import LayerOperator
from sgd_valleys.measures.operators import NetworkCurvature
from sgd_valleys.measures.output_curvature import CONVEX, OutputCurvature
from sgd_valleys.measures.sample_gradients import slices
from sgd_valleys.measures.spectra import trace_with_error
from sgd_valleys.measures.true_hessian import TrueHessian
from sgd_valleys.networks.network import Linearization, Network, Parameters
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage.hdf5 import FilePath, Variable


class LayerHessian(LayerOperator):
    """The Hessian (out * in, out * in) of the mean loss in one layer's weights, flattened row by row.

    Args:
        linear: linearization of logits that are piecewise linear in the weights; see :func:`is_gauss_newton`.
        loss: "cross_entropy" or "mse".

    >>> import numpy as np
    >>> from sgd_valleys.networks.mlp import MLP
    >>> rng = np.random.default_rng(0)
    >>> network = MLP((5, 4, 3, 2))
    >>> linear = network.linearize(network.initialize(rng), rng.normal(size=(20, 5)), layer=2)
    >>> hessian = LayerHessian(linear)
    >>> hessian.shape
    (12, 12)
    >>> bool(np.isclose(np.trace(hessian.dense()), hessian.trace()))
    True
    """

    def __init__(self, linear: Linearization, loss: str = "cross_entropy") -> None:
        self.output_curvature = OutputCurvature(loss, linear.logits)
        super().__init__(linear)

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        V, M = v.reshape(self.linear.out, -1).T, len(self.linear.inputs)
        return np.ravel(sum(self._product(V, part) for part in slices(M))) / M

    def _product(self, V: np.ndarray, part: slice) -> np.ndarray:
        """Compute the sum (out, in) of J_n^T S_n J_n (V h_n) h_n^T over some samples; the argument is V^T (in, out)."""
        h = self.linear.inputs[part]
        tangent = self.output_curvature.times(self.linear.jvp(h @ V, part).T, part).T
        return self.linear.vjp(tangent, part).T @ h

    def _factors(self) -> Iterator[np.ndarray]:
        """Yield q_c (sample, out) for each class c, with J_n^T S_n J_n = sum_c q_nc q_nc^T."""
        for column in self.output_curvature.roots():
            yield self.linear.vjp(column)

    def trace(self) -> float:
        """Compute the trace in closed form, mean_n sum_c |q_nc|^2 |h_n|^2, in units of the loss."""
        length = self._lengths()
        return float(sum(np.einsum("no,no->n", q, q) @ length for q in self._factors()) / len(length))

    def block_traces(self) -> np.ndarray:
        """Compute the traces (out, out) of the blocks of all pairs of units, mean_n |h_n|^2 sum_c q_nc q_nc^T."""
        length = self._lengths()[:, None]
        return sum((length * q).T @ q for q in self._factors()) / len(length)

    @cached_property
    def _kept_factors(self) -> list[np.ndarray]:
        return list(self._factors())

    def blocks(self, part: slice = slice(None)) -> np.ndarray:
        """Compute A_n = sum_c q_nc q_nc^T (sample, out, out) of some samples."""
        q = np.stack([each[part] for each in self._kept_factors], axis=1)  # (sample, class, out)
        return q.transpose(0, 2, 1) @ q


Hessian = LayerHessian | TrueHessian | NetworkCurvature


def is_gauss_newton(network: Network, layer: int, loss: str) -> bool:
    """Return whether a layer's Hessian is exactly its Gauss-Newton matrix.

    The two are equal for a convex loss and logits that are piecewise linear in the layer's weights.
    """
    return loss in CONVEX and (network.activation == "relu" or layer == network.depth)


def load_hessian(
    data: FilePath, settings: Mapping[str, Any], log: logging.Logger | None = None
) -> Callable[[Parameters], "Hessian"]:
    """Read the images of an experiment, and return the function that maps parameters to their Hessian.

    Args:
        data: the file ``data.h5`` of the experiment.
        settings: ``network`` and ``classes`` of the experiment, ``loss`` (cross-entropy by default), and ``per_class``,
            the number of images of each class (None for all). ``layer`` selects the weights of one layer. ``layers``
            selects all parameters of several layers ("all" for the whole network).
        log: receives whether the Hessian is the Gauss-Newton matrix.

    Raises:
        UserError: a class has fewer than ``per_class`` images.
    """
    loss = settings.get("loss", "cross_entropy")
    network, samples = load_network_and_samples(data, settings, ["train"])
    inputs, chosen = select_first(samples.pop("train"), settings["per_class"], "curvature.per_class")
    inputs = inputs.astype(np.float64)
    if "layers" in settings:
        return lambda parameters: NetworkCurvature(network, parameters, (inputs, chosen), settings["layers"], loss)

    exactly = is_gauss_newton(network, settings["layer"], loss)
    if log is not None:
        log.info("the Hessian is exactly Gauss-Newton" if exactly else "the true Hessian by automatic differentiation")

    def hessian(parameters: Parameters) -> LayerHessian | TrueHessian:
        exact = {name: array.astype(np.float64) for name, array in parameters.items()}
        linear = network.linearize(exact, inputs, settings["layer"])
        return LayerHessian(linear, loss) if exactly else TrueHessian(linear, loss, chosen)

    return hessian


def name_of(settings: Mapping[str, Any]) -> str:
    """Return the name of the Hessian of :func:`load_hessian`, for the long names of stored arrays."""
    if "layers" not in settings:
        return f"layer-{settings['layer']} Hessian"
    layers = settings["layers"]
    return "Hessian in all parameters" if layers == "all" else f"Hessian in all parameters of layer {layers[0]}"


@dataclass(frozen=True)
class TopEigenvalues:
    """The N largest eigenvalues, in descending order.

    Attributes:
        eigenvalue: (N) in units of the loss; all NaN after a failure.
        failure: reason of the failure; None after a success.
    """

    eigenvalue: np.ndarray
    failure: str | None = None


def top_eigenvalues(hessian: "Hessian", N: int, rng: np.random.Generator, tolerance: float = 1e-6) -> TopEigenvalues:
    """Compute the N largest eigenvalues by Lanczos iteration, and check the residual of each.

    An eigenvalue that is not positive beyond rounding is a failure, since the flatness F needs positive eigenvalues.

    Args:
        hessian: the operator.
        N: number of eigenvalues.
        rng: draws the start vector.
        tolerance: largest accepted residual |H v - lambda v| relative to the largest eigenvalue.
    """
    unknown = np.full(N, np.nan)
    if not hessian.is_finite:
        return TopEigenvalues(unknown, "the network's output is not finite")
    start = rng.standard_normal(hessian.shape[0])
    if not hessian.matvec(start).any():
        return TopEigenvalues(unknown, "the Hessian is zero")
    try:
        # for a matrix of low rank ARPACK draws a new start vector: hence rng as well as v0
        value, vector = eigsh(hessian, k=N, which="LA", tol=tolerance, v0=start, rng=rng)
    except ArpackError as error:
        return TopEigenvalues(unknown, f"the Lanczos iteration did not converge ({error})")
    order = np.argsort(value)[::-1]
    value, vector = value[order], vector[:, order]
    residual = np.linalg.norm(hessian.matmat(vector) - vector * value, axis=0)
    if value[-1] <= hessian.shape[0] * np.finfo(np.float64).eps * value[0]:
        return TopEigenvalues(unknown, f"fewer than {N} eigenvalues are positive beyond rounding")
    if (residual > tolerance * value[0]).any():
        return TopEigenvalues(
            unknown, f"the residual {residual.max() / value[0]:.1e} exceeds the tolerance {tolerance:.1e}"
        )
    return TopEigenvalues(value)


@dataclass(frozen=True)
class CurvatureAlongTraining:
    """The curvature of several runs at some of their recorded times.

    Attributes:
        eigenvalue: (run, time, N) largest eigenvalues in units of the loss; NaN where not computed.
        trace: (run, time) in units of the loss; NaN where not computed.
        trace_error: (run, time) standard error of the trace, 0 for a closed form; NaN where not computed.
        spectrum: (parameter) all eigenvalues in descending order, by the run's position.
        spectrum_method: method of the spectrum, such as "dense"; None without a spectrum.
    """

    eigenvalue: np.ndarray
    trace: np.ndarray
    trace_error: np.ndarray
    spectrum: dict[int, np.ndarray]
    spectrum_method: str | None = None

    def variables(self, axis: str, hessian: str) -> dict[str, Variable]:
        """Describe eigenvalues, trace and flatness for ``hdf5.write``, with the runs along ``axis``.

        The units are those of the cross-entropy.

        Args:
            axis: name of the axis of the runs.
            hessian: name of the Hessian, such as "layer-2 Hessian".
        """
        axes = axis, "time"
        error = Variable(axes, self.trace_error, f"standard error of the trace of the {hessian}", "nat")
        return {
            "eigenvalue": Variable((*axes, "rank"), self.eigenvalue, f"largest eigenvalues of the {hessian}", "nat"),
            "trace": Variable(axes, self.trace, f"trace of the {hessian}", "nat"),
            "flatness": Variable(axes, flatness(self.eigenvalue), "flatness F, Eq. 6", "1/nat"),
            **({"trace_error": error} if np.nansum(self.trace_error) else {}),
        }


def along_training(
    hessian_at: Callable[[int, int], "Hessian"],
    points: Sequence[tuple[int, int]],
    shape: tuple[int, int],
    *,
    N: int,
    tolerance: float,
    seed: int,
    label: Callable[[int, int], str],
    log: logging.Logger,
    spectra: Collection[tuple[int, int]] = (),
) -> CurvatureAlongTraining:
    """Compute the top eigenvalues and the trace of several runs at some of their recorded times.

    Every Lanczos iteration starts from the same vector. The result at a point therefore depends on no other point.

    Args:
        hessian_at: returns the Hessian at positions (run, time).
        points: (run, time) positions at which the curvature is computed.
        shape: numbers of runs and of recorded times.
        N: number of top eigenvalues.
        tolerance: largest accepted residual of an eigenvalue, relative to the largest eigenvalue.
        seed: master seed.
        label: names the point (run, time) in the log.
        log: receives the progress, and a warning for each point without top eigenvalues.
        spectra: points at which all eigenvalues are computed, at most one for each run.
    """
    eigenvalue, (trace, trace_error) = np.full((*shape, N), np.nan), np.full((2, *shape), np.nan)
    spectrum, method = {}, None
    failures = 0
    progress = Progress(len(points), "spectra", log)
    for run, time in points:
        hessian = hessian_at(run, time)
        top = top_eigenvalues(hessian, N, stream(seed, Stage.LANCZOS), tolerance)
        eigenvalue[run, time] = top.eigenvalue
        trace[run, time], trace_error[run, time] = trace_with_error(hessian, stream(seed, Stage.HUTCHINSON))
        if top.failure:
            failures += 1
            log.warning(f"{label(run, time)}: the top {N} eigenvalues and the flatness are NaN, because {top.failure}.")
        if (run, time) in spectra:
            method = hessian.spectrum_method
            spectrum[run] = hessian.spectrum(stream(seed, Stage.SPECTRUM))
        progress()
    log.info(f"top {N} eigenvalues at {len(points) - failures} of {len(points)} points, {failures} failures")
    return CurvatureAlongTraining(eigenvalue, trace, trace_error, spectrum, method)
