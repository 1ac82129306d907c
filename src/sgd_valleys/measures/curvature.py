"""The Hessian of the training loss with respect to one layer's weights, as an operator.

The logits of a ReLU network are piecewise linear in one layer's weights W. With a loss that is convex in the logits
the Hessian is therefore exactly the Gauss-Newton matrix. For V of the shape of W,

    H V = mean_n  J_n^T S_n J_n (V h_n) h_n^T,

where h_n is the layer's input, J_n maps a change of the layer's preactivations to a change of the logits, and S_n is
the Hessian of the loss in the logits: diag(p) - p p^T for softmax cross-entropy with the class probabilities p, and
2 / K for the mean squared error over K classes. For the middle layer of three, J_n = W3 D_n with D_n the layer's active
units. Other activations and losses have further terms (:mod:`~sgd_valleys.measures.true_hessian`). All arrays are
float64.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import first_of_each_class
from sgd_valleys.measures.flatness import flatness
from sgd_valleys.measures.operators import NetworkCurvature
from sgd_valleys.measures.spectra import trace_with_error
from sgd_valleys.measures.true_hessian import TrueHessian
from sgd_valleys.networks.loss import softmax
from sgd_valleys.networks.network import Linearization, Network, Parameters
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage.hdf5 import FilePath, Variable


class _OfCrossEntropy:
    """S = diag(p) - p p^T, from logits (sample, class)."""

    def __init__(self, logits: np.ndarray) -> None:
        self.p = softmax(logits)

    def times(self, tangent: np.ndarray) -> np.ndarray:
        """Compute S_n t_n (sample, class) in place."""
        tangent *= self.p
        tangent -= self.p * tangent.sum(axis=1, keepdims=True)
        return tangent

    def roots(self) -> Iterator[np.ndarray]:
        """Yield the columns (sample, class) of L = diag(sqrt p) - p sqrt(p)^T, with S = L L^T."""
        root = np.sqrt(self.p)
        for c, unit_vector in enumerate(np.eye(self.p.shape[1])):
            yield root[:, [c]] * (unit_vector - self.p)


class _OfSquares:
    """S = 2 / K, the same for all samples."""

    def __init__(self, logits: np.ndarray) -> None:
        self.shape = logits.shape

    def times(self, tangent: np.ndarray) -> np.ndarray:
        """Compute S_n t_n (sample, class) in place."""
        tangent *= 2 / self.shape[1]
        return tangent

    def roots(self) -> Iterator[np.ndarray]:
        """Yield the columns (sample, class) of L = sqrt(2 / K)."""
        for unit_vector in np.eye(self.shape[1]):
            yield np.broadcast_to(np.sqrt(2 / self.shape[1]) * unit_vector, self.shape)


_OUTPUT_CURVATURE = {"cross_entropy": _OfCrossEntropy, "mse": _OfSquares}


class LayerHessian(LinearOperator):
    """The Hessian (out * in, out * in) of the mean loss in one layer's weights, flattened row by row.

    Args:
        linear: linearization of a ReLU network.
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
        self.linear = linear
        self.output_curvature = _OUTPUT_CURVATURE[loss](linear.logits)
        size = linear.out * linear.inputs.shape[1]
        super().__init__(np.dtype(np.float64), (size, size))

    @property
    def is_finite(self) -> bool:
        """Whether the network's outputs are finite, so that the matrix is."""
        return bool(np.isfinite(self.linear.logits).all())

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        h = self.linear.inputs
        tangent = self.output_curvature.times(self.linear.jvp(h @ v.reshape(self.linear.out, -1).T))
        return (self.linear.vjp(tangent).T @ h).ravel() / len(h)

    def _factors(self) -> Iterator[np.ndarray]:
        """Yield q_c (sample, out) for each class c, with J_n^T S_n J_n = sum_c q_nc q_nc^T."""
        for column in self.output_curvature.roots():
            yield self.linear.vjp(column)

    def trace(self) -> float:
        """Compute the trace in closed form, mean_n sum_c |q_nc|^2 |h_n|^2, in nat."""
        h = self.linear.inputs
        length = np.einsum("ni,ni->n", h, h)
        return float(sum(np.einsum("no,no->n", q, q) @ length for q in self._factors()) / len(h))

    def block_traces(self) -> np.ndarray:
        """Compute the traces (out, out) of the blocks of each two units, mean_n |h_n|^2 sum_c q_nc q_nc^T."""
        h = self.linear.inputs
        length = np.einsum("ni,ni->n", h, h)[:, None]
        return sum((length * q).T @ q for q in self._factors()) / len(h)

    def dense(self) -> np.ndarray:
        """Compute the whole matrix, mean_n sum_c (q_nc h_n^T)(q_nc h_n^T)^T with each q_nc h_n^T flattened."""
        h = self.linear.inputs
        rows = np.concatenate([(q[:, :, None] * h[:, None, :]).reshape(len(h), -1) for q in self._factors()])
        return rows.T @ rows / len(h)

    def spectrum(self) -> np.ndarray:
        """Compute all eigenvalues, in descending order."""
        return eigh(self.dense(), eigvals_only=True, driver="evd", check_finite=False)[::-1]


Hessian = LayerHessian | TrueHessian | NetworkCurvature


def is_gauss_newton(network: Network, layer: int, loss: str) -> bool:
    """Whether a layer's Hessian is exactly its Gauss-Newton matrix: logits are piecewise linear in its weights."""
    return loss in _OUTPUT_CURVATURE and (network.activation == "relu" or layer == network.depth)


def load_hessian(
    data: FilePath, settings: Mapping[str, Any], log: logging.Logger | None = None
) -> Callable[[Parameters], "Hessian"]:
    """Read the images of an experiment, and return the function that maps parameters to their Hessian.

    Args:
        data: the file ``data.h5`` of the experiment.
        settings: ``network`` and ``classes`` of the experiment, ``loss`` (cross-entropy by default), the images
            ``per_class`` (None for all), and ``layer`` for the weights of a layer, or ``layers`` for all parameters of
            several ("all" for the whole network).
        log: receives whether the Hessian is the Gauss-Newton matrix.
    """
    loss = settings.get("loss", "cross_entropy")
    network, samples = load_network_and_samples(data, settings, ["train"])
    images, labels = samples["train"]
    index = first_of_each_class(labels, settings["per_class"])
    inputs, chosen = images[index].astype(np.float64), labels[index]
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
    """Name the Hessian of :func:`load_hessian` for long names."""
    if "layers" not in settings:
        return f"layer-{settings['layer']} Hessian"
    layers = settings["layers"]
    return "Hessian in all parameters" if layers == "all" else f"Hessian in all parameters of layer {layers[0]}"


@dataclass(frozen=True)
class TopEigenvalues:
    """The N largest eigenvalues, in descending order.

    Attributes:
        eigenvalue: (N) in nat; all NaN where they could not be computed.
        failure: why they could not be computed; None where they could.
    """

    eigenvalue: np.ndarray
    failure: str | None = None


def top_eigenvalues(hessian: "Hessian", N: int, rng: np.random.Generator, tolerance: float = 1e-6) -> TopEigenvalues:
    """Compute the N largest eigenvalues by Lanczos iteration, and check the residual of each.

    Args:
        hessian: the operator.
        N: number of eigenvalues.
        rng: draws the start vector.
        tolerance: largest accepted |H v - lambda v| relative to the largest eigenvalue.
    """
    unknown = np.full(N, np.nan)
    if not hessian.is_finite:
        return TopEigenvalues(unknown, "the network's output is not finite")
    start = rng.standard_normal(hessian.shape[0])
    if not hessian.matvec(start).any():
        return TopEigenvalues(unknown, "the Hessian is zero")
    try:
        # a matrix of low rank makes the iteration restart from a vector that it draws: hence rng as well as v0
        value, vector = eigsh(hessian, k=N, which="LA", tol=tolerance, v0=start, rng=rng)
    except ArpackError as error:
        return TopEigenvalues(unknown, f"Lanczos iteration did not converge: {error}")
    order = np.argsort(value)[::-1]
    value, vector = value[order], vector[:, order]
    residual = np.linalg.norm(hessian.matmat(vector) - vector * value, axis=0)
    if value[-1] <= hessian.shape[0] * np.finfo(np.float64).eps * value[0]:
        return TopEigenvalues(unknown, f"fewer than {N} eigenvalues are positive beyond rounding")
    if (residual > tolerance * value[0]).any():
        return TopEigenvalues(unknown, f"residual {residual.max() / value[0]:.1e} above {tolerance:.1e}")
    return TopEigenvalues(value)


@dataclass(frozen=True)
class CurvatureAlongTraining:
    """The curvature of several runs at some of their recorded times.

    Attributes:
        eigenvalue: (run, time, N) largest eigenvalues in nat; NaN where not computed.
        trace: (run, time) in nat; NaN where not computed.
        trace_error: (run, time) standard error of the trace in nat, 0 for a closed form; NaN where not computed.
        spectrum: all eigenvalues in nat, in descending order, by the run's position.
    """

    eigenvalue: np.ndarray
    trace: np.ndarray
    trace_error: np.ndarray
    spectrum: dict[int, np.ndarray]

    def variables(self, axis: str, hessian: str) -> dict[str, Variable]:
        """Describe eigenvalues, trace and flatness for ``hdf5.write``, with the runs along ``axis``.

        Args:
            axis: of the runs.
            hessian: its name, such as "layer-2 Hessian".
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

    Every Lanczos iteration starts from the same vector, so that a result does not depend on the other points.

    Args:
        hessian_at: returns the Hessian at positions (run, time).
        points: (run, time) positions at which the curvature is computed.
        shape: numbers of runs and of recorded times.
        N: number of top eigenvalues.
        tolerance: largest accepted residual relative to the largest eigenvalue.
        seed: master seed.
        label: names the point (run, time) in the log.
        log: receives the progress, and a warning for each point without top eigenvalues.
        spectra: those of the points, at most one a run, at which all eigenvalues are computed.
    """
    eigenvalue, (trace, trace_error) = np.full((*shape, N), np.nan), np.full((2, *shape), np.nan)
    spectrum = {}
    failures = 0
    progress = Progress(len(points), "spectra", log)
    for run, time in points:
        hessian = hessian_at(run, time)
        top = top_eigenvalues(hessian, N, stream(seed, Stage.LANCZOS), tolerance)
        eigenvalue[run, time] = top.eigenvalue
        trace[run, time], trace_error[run, time] = trace_with_error(hessian, stream(seed, Stage.HUTCHINSON))
        if top.failure:
            failures += 1
            log.warning(f"{label(run, time)}: no top {N}: {top.failure}")
        if (run, time) in spectra:
            spectrum[run] = hessian.spectrum()
        progress()
    log.info(f"top {N} eigenvalues at {len(points) - failures} of {len(points)} points, {failures} failures")
    return CurvatureAlongTraining(eigenvalue, trace, trace_error, spectrum)
