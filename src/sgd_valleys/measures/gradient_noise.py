"""The covariance of minibatch gradients compared with the Hessian, as a test of Eq. 15.

The gradients g_n of M samples in the weights of the chosen layers, with mean g, have the covariance

    C = mean_n (g_n - g)(g_n - g)^T.

The gradient of a minibatch of B samples, drawn without replacement, has the covariance (1/B - 1/M) M / (M - 1) C. Eq.
15 is C ~ H^p with p = 1; arXiv 2602.05600 finds 1 < p < 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, eigsh

from sgd_valleys.measures.curvature import is_gauss_newton
from sgd_valleys.measures.curvature_matrix import (
    CurvatureMatrix,
    LayerMatrix,
    ProductMatrix,
    WeightHessian,
    gauss_newton_matrix,
)
from sgd_valleys.measures.output_curvature import OutputCurvature
from sgd_valleys.measures.sample_gradients import Covariance, SampleGradients, linearize, slices
from sgd_valleys.measures.spectra import Eigenpairs, top_eigenpairs
from sgd_valleys.measures.true_hessian import TrueHessian
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.network import Linearization, Network, Parameters
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.statistics.sampling import variance_of_mean

LARGEST_GRAM = 4_000  # samples up to which the Gram matrix is a dense matrix (128 MB)
MINIBATCHES = 100  # minibatches whose gradients are computed at once
ROUNDING = 1e-13  # relative to the largest value; smaller values are rounding errors
NOISE_TOLERANCE = 1e-6  # relative tolerance of the largest eigenvalues of a covariance


@dataclass(frozen=True)
class Draws:
    """Random directions and minibatches, drawn once for all checkpoints of a cell.

    Attributes:
        directions: (parameter, direction) unit vectors, uniform on the sphere.
        minibatches: (minibatch, sample) 1 / B for the samples of a minibatch, else 0.
        B: batch size.
        seed: master seed.
    """

    directions: np.ndarray
    minibatches: csr_array
    B: int
    seed: int

    @classmethod
    def of(cls, seed: int, *, size: int, M: int, B: int, directions: int, minibatches: int) -> "Draws":
        """Draw directions and minibatches.

        Args:
            seed: master seed.
            size: number of parameters.
            M: number of training samples.
            B: batch size; M for gradient descent.
            directions: number of directions.
            minibatches: number of minibatches, drawn independently, each without replacement.
        """
        V = stream(seed, Stage.GRADIENT_NOISE, 0).standard_normal((size, directions))
        rng = stream(seed, Stage.GRADIENT_NOISE, 1, B)
        index = np.concatenate([rng.choice(M, B, replace=False, shuffle=False) for _ in range(minibatches)])
        start = np.arange(0, minibatches * B + 1, B)
        weights = csr_array((np.full(len(index), 1 / B), index, start), shape=(minibatches, M))
        return cls(V / np.linalg.norm(V, axis=0), weights, B, seed)


@dataclass(frozen=True)
class GradientNoise:
    """The noise of minibatch gradients at one point of parameter space, with the Hessian H and Gauss-Newton matrix G.

    G is the Fisher matrix if the loss is the cross-entropy. P is the number of parameters. H and G have the units of
    the loss, and C has the square of these units. All values are NaN if the network's outputs are not finite. Values
    that need eigenvectors are NaN if the computation of the eigenvectors failed.

    Attributes:
        loss: mean loss.
        covariance_trace: Tr C.
        hessian_trace: Tr H.
        covariance_norm: Frobenius norm of C.
        hessian_norm: Frobenius norm of H; an estimate for several layers with more than
            ``curvature_matrix.LARGEST_DENSE`` parameters.
        gauss_newton_norm: Frobenius norm of G.
        hessian_overlap: Tr(H C) / (|H| |C|), the Frobenius cosine.
        gauss_newton_overlap: Tr(G C) / (|G| |C|).
        power: Tr(H C), the power of the noise along the curvature, in the cube of the loss's units.
        relative_power: P Tr(H C) / (Tr H Tr C), the power relative to isotropic noise of equal trace.
        eigenvalue: (N) largest eigenvalues lambda_i of H.
        eigenvector_noise: (N) v_i^T C v_i along the eigenvectors v_i of these eigenvalues.
        top_share: share of Tr C in the span of these eigenvectors.
        direction_curvature: (direction) v^T H v along random directions.
        direction_noise: (direction) v^T C v along these directions.
        eigenvector_exponent: p of v^T C v ~ lambda^p over the eigenvectors, by least squares of the logarithms.
        direction_exponent: p of v^T C v ~ (v^T H v)^p over the random directions.
        predicted_trace: trace of the predicted covariance of a minibatch gradient.
        measured_trace: trace of the measured covariance mean_k (g_k - g)(g_k - g)^T over drawn minibatches k.
        predicted_eigenvalue: (N) largest eigenvalues of the predicted covariance.
        measured_eigenvalue: (N) of the measured covariance; larger than predicted for few minibatches.
    """

    loss: float
    covariance_trace: float
    hessian_trace: float
    covariance_norm: float
    hessian_norm: float
    gauss_newton_norm: float
    hessian_overlap: float
    gauss_newton_overlap: float
    power: float
    relative_power: float
    eigenvalue: np.ndarray
    eigenvector_noise: np.ndarray
    top_share: float
    direction_curvature: np.ndarray
    direction_noise: np.ndarray
    eigenvector_exponent: float
    direction_exponent: float
    predicted_trace: float
    measured_trace: float
    predicted_eigenvalue: np.ndarray
    measured_eigenvalue: np.ndarray


def gradient_noise(
    network: Network,
    parameters: Parameters,
    samples: tuple[np.ndarray, np.ndarray],
    draws: Draws,
    *,
    layers: Sequence[int],
    biases: bool = False,
    loss: str = "cross_entropy",
    N: int = 10,
    tolerance: float = 1e-6,
) -> GradientNoise:
    """Measure the noise of minibatch gradients at one point of parameter space.

    Args:
        network: the architecture.
        parameters: by name, float64.
        samples: all training images (sample, ...) in the network's form, float64, and their classes (sample).
        draws: directions and minibatches.
        layers: numbers of fully connected layers; the weights of these layers are the parameters.
        biases: whether the biases of these layers are parameters too.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        N: number of eigenvectors and eigenvalues.
        tolerance: largest accepted residual of an eigenvector of H, relative to the largest eigenvalue.

    Raises:
        UserError: no layer is given, a layer is named twice, or a layer is not fully connected.
    """
    inputs, labels = samples
    with np.errstate(over="ignore", invalid="ignore"):  # the parameters of a diverged run are not finite
        linear = linearize(network, parameters, inputs, layers, biases)
    if not np.isfinite(linear[0].logits).all():
        return _unknown(N, draws.directions.shape[1])
    S, V = OutputCurvature(loss, linear[0].logits, labels), draws.directions
    operator = WeightHessian(network, parameters, linear, sorted(layers), labels, loss)
    top = top_eigenpairs(operator, N, stream(draws.seed, Stage.LANCZOS), tolerance)
    C, G = Covariance(SampleGradients.of(linear, S.gradient)), gauss_newton_matrix(linear, S)
    exactly = len(linear) == 1 and is_gauss_newton(network, layers[0], loss)
    H = G if exactly else _true_matrix(linear, operator, loss, labels, top, V)

    trace, hessian_trace, power = C.trace(), H.trace(), H.power(C)
    gram, norm = _gram(C)
    hessian_norm = H.norm()
    gauss_newton_norm, gauss_newton_power = (hessian_norm, power) if G is H else (G.norm(), G.power(C))
    along = C.along(top.eigenvector)
    direction_curvature, direction_noise = H.along(V), C.along(V)
    M, factor = C.gradients.samples, variance_of_mean(draws.B, C.gradients.samples)
    measured_trace, measured_eigenvalue = _measured(gram, C, draws, N) if draws.B < M else (0.0, np.zeros(N))
    with np.errstate(divide="ignore", invalid="ignore"):
        return GradientNoise(
            loss=float(LOSSES[loss].evaluate(linear[0].logits, labels)),
            covariance_trace=trace,
            hessian_trace=hessian_trace,
            covariance_norm=norm,
            hessian_norm=hessian_norm,
            gauss_newton_norm=gauss_newton_norm,
            hessian_overlap=float(np.divide(power, hessian_norm * norm)),
            gauss_newton_overlap=float(np.divide(gauss_newton_power, gauss_newton_norm * norm)),
            power=power,
            relative_power=float(np.divide(C.shape[0] * power, hessian_trace * trace)),
            eigenvalue=top.eigenvalue,
            eigenvector_noise=along,
            top_share=float(np.divide(along.sum(), trace)),
            direction_curvature=direction_curvature,
            direction_noise=direction_noise,
            eigenvector_exponent=exponent(top.eigenvalue, along),
            direction_exponent=exponent(direction_curvature, direction_noise),
            predicted_trace=factor * trace,
            measured_trace=measured_trace,
            predicted_eigenvalue=factor * _largest(gram, N) / M,
            measured_eigenvalue=measured_eigenvalue,
        )


def exponent(x: np.ndarray, y: np.ndarray) -> float:
    """Fit p of y ~ x^p by least squares of the logarithms, over points of positive x and y; NaN for fewer than 3.

    Values that are zero up to rounding do not count as positive.
    """
    with np.errstate(invalid="ignore"):
        used = np.logical_and(*(each > ROUNDING * np.nanmax(each, initial=0) for each in (x, y)))
    return fit_line(np.log(x[used]), np.log(y[used]))[0] if used.sum() > 2 else np.nan


def _true_matrix(
    linear: Sequence[Linearization],
    operator: WeightHessian,
    loss: str,
    labels: np.ndarray,
    top: Eigenpairs,
    directions: np.ndarray,
) -> CurvatureMatrix:
    """Return the Hessian where it is not the Gauss-Newton matrix."""
    own = [TrueHessian(each, loss, labels) for each in linear]
    if len(own) == 1:
        return LayerMatrix(own[0].blocks, linear[0].inputs)
    return ProductMatrix(operator, sum(each.trace() for each in own), top, directions)


def _gram(C: Covariance) -> tuple[np.ndarray | LinearOperator, float]:
    """Return the Gram matrix (sample, sample) of the deviations g_n - g, or its operator, and the norm of C."""
    M = C.gradients.samples
    if M <= LARGEST_GRAM:
        gram = C.gram()
        return gram, float(np.linalg.norm(gram)) / M
    norm = _norm_by_weights(C) if _fewer_weights(C) else np.sqrt(sum(np.sum(C.gram(p) ** 2) for p in slices(M))) / M

    def times(w: np.ndarray) -> np.ndarray:
        w = w.reshape(M, -1)
        return C.project(C.gradients.combine(w - w.mean(axis=0)))

    return LinearOperator((M, M), matvec=times, matmat=times, dtype=np.float64), float(norm)


def _fewer_weights(C: Covariance) -> bool:
    """Return whether a single layer has fewer products of two inputs than there are samples."""
    (_, h), *others = C.gradients.factors
    return not others and h.shape[1] * (h.shape[1] + 1) // 2 < len(h)


def _norm_by_weights(C: Covariance) -> float:
    """Compute the Frobenius norm of C = S - g g^T in a time proportional to the samples; S is a ``LayerMatrix``."""
    S, length = LayerMatrix.of_gradients(C.gradients), np.vdot(C.mean, C.mean)
    return np.sqrt(S.norm() ** 2 - 2 * S.along(C.mean)[0] + length**2)


def _largest(gram: np.ndarray | LinearOperator, N: int) -> np.ndarray:
    """Compute the N largest eigenvalues of a positive semidefinite matrix, in descending order; padded by 0."""
    size = gram.shape[0]
    start = np.random.default_rng(0).standard_normal(size)
    if not (gram @ start).any():
        return np.zeros(N)
    found = eigsh(gram, k=min(N, size - 1), which="LA", tol=NOISE_TOLERANCE, v0=start, return_eigenvectors=False)
    return np.pad(np.sort(found)[::-1], (0, N - len(found)))


def _measured(gram: np.ndarray | LinearOperator, C: Covariance, draws: Draws, N: int) -> tuple[float, np.ndarray]:
    """Compute trace and largest eigenvalues of the measured covariance of minibatch gradients.

    With the minibatches W, W gram W^T / K has the nonzero eigenvalues of the covariance over K minibatches.
    """
    W = draws.minibatches
    K = W.shape[0]

    def times(w: np.ndarray) -> np.ndarray:
        return W @ (gram @ (W.T @ w)) / K

    total, index = 0.0, W.indices.reshape(K, draws.B)
    for start in range(0, K, MINIBATCHES):
        total += np.sum((C.gradients.means(index[start : start + MINIBATCHES]) - C.mean.T) ** 2)
    return float(total) / K, _largest(LinearOperator((K, K), matvec=times, dtype=np.float64), N)


def _unknown(N: int, directions: int) -> GradientNoise:
    """Return the measures of a point at which the network's outputs are not finite: all NaN."""
    length = {name: N for name in ("eigenvalue", "eigenvector_noise", "predicted_eigenvalue", "measured_eigenvalue")}
    length |= dict.fromkeys(("direction_curvature", "direction_noise"), directions)
    names = [field.name for field in fields(GradientNoise)]
    unknown: dict[str, Any] = {name: np.full(length[name], np.nan) if name in length else np.nan for name in names}
    return GradientNoise(**unknown)
