"""Largest eigenvalues, trace and spectral density of a symmetric operator, from its products with vectors."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal, qr
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

KNOWN, VECTORS, STEPS = 20, 10, 100  # eigenvalues, vectors and steps in ``eigenvalues_by_rank``


@dataclass(frozen=True)
class Eigenpairs:
    """The k largest eigenvalues with their eigenvectors.

    Attributes:
        eigenvalue: (k) in descending order; all NaN after a failure.
        eigenvector: (parameter, k) of norm 1; all NaN after a failure.
        residual: largest |H v - lambda v| relative to the largest |lambda|.
        failure: reason of the failure; None after a success.
    """

    eigenvalue: np.ndarray
    eigenvector: np.ndarray
    residual: float = np.nan
    failure: str | None = None


def top_eigenpairs(
    operator: LinearOperator, k: int, rng: np.random.Generator, tolerance: float = 1e-6, size: int | None = None
) -> Eigenpairs:
    """Compute the k algebraically largest eigenvalues and their eigenvectors by Lanczos iteration.

    Args:
        operator: symmetric, with a property ``is_finite``.
        k: number of eigenvalues.
        rng: draws the start vector.
        tolerance: largest accepted residual relative to the largest |lambda|.
        size: dimension of the Krylov space between two restarts; the larger of 20 and 3 k by default.
    """
    n = operator.shape[0]
    unknown = np.full(k, np.nan), np.full((n, k), np.nan)
    if not operator.is_finite:
        return Eigenpairs(*unknown, failure="the network's output is not finite")
    start = rng.standard_normal(n)
    try:
        value, vector = eigsh(
            operator, k=k, which="LA", tol=tolerance, v0=start, ncv=min(n, size or max(20, 3 * k)), rng=rng
        )
    except ArpackError as error:
        return Eigenpairs(*unknown, failure=f"the Lanczos iteration did not converge ({error})")
    order = np.argsort(value)[::-1]
    value, vector = value[order], vector[:, order]
    largest = np.abs(value).max()
    residual = float(np.linalg.norm(operator @ vector - vector * value, axis=0).max() / largest) if largest else 0.0
    if residual > tolerance:
        return Eigenpairs(*unknown, residual, f"the residual {residual:.1e} exceeds the tolerance {tolerance:.1e}")
    return Eigenpairs(value, vector, residual)


TRACE_PRODUCTS = 60  # products with vectors in the estimate of a trace


def trace_with_error(operator: LinearOperator, rng: np.random.Generator) -> tuple[float, float]:
    """Return the trace of an operator and its standard error: in closed form (error 0), else by Hutch++.

    Both are NaN if the network's outputs are not finite.

    Args:
        operator: symmetric, with a property ``is_finite``; the method ``trace`` returns the closed form or None.
        rng: draws the vectors of an estimate.
    """
    if not operator.is_finite:
        return np.nan, np.nan
    closed_form = operator.trace()
    return hutch_plus_plus(operator, TRACE_PRODUCTS, rng) if closed_form is None else (closed_form, 0.0)


def hutch_plus_plus(operator: LinearOperator, products: int, rng: np.random.Generator) -> tuple[float, float]:
    """Estimate the trace by Hutch++ (Meyer et al. 2021, arXiv 2010.09649).

    A third of the products finds a subspace with most of the trace. In this subspace a second third computes the trace
    exactly. The last third estimates the trace of the rest from random vectors.

    Args:
        operator: symmetric.
        products: number of products with vectors, at least 6.
        rng: draws the vectors.

    Returns:
        the trace, and the standard error of the estimate.
    """
    n, third = operator.shape[0], min(products // 3, operator.shape[0])
    sketch = operator @ rng.choice([-1.0, 1.0], (n, third))
    basis = qr(sketch, mode="economic", check_finite=False)[0]
    inside = float(np.einsum("ij,ij->", basis, operator @ basis))
    rest = rng.choice([-1.0, 1.0], (n, third))
    rest -= basis @ (basis.T @ rest)
    samples = np.einsum("ij,ij->j", rest, operator @ rest)
    return inside + float(samples.mean()), float(samples.std(ddof=1) / np.sqrt(third))


@dataclass(frozen=True)
class SpectralDensity:
    """A density of eigenvalues by stochastic Lanczos quadrature: points with weights.

    Attributes:
        node: (vector, step) Ritz values.
        weight: (vector, step) weights of the nodes; they add up to 1 for each vector.
    """

    node: np.ndarray
    weight: np.ndarray

    def moment(self, power: int) -> float:
        """Return the mean of lambda^power over the eigenvalues."""
        return float((self.weight * self.node**power).sum(axis=1).mean())

    def density(self, at: np.ndarray, width: float) -> np.ndarray:
        """Return the density at eigenvalues ``at`` (point), smoothed by Gaussians of standard deviation ``width``."""
        z = (at[:, None, None] - self.node) / width
        return (self.weight * np.exp(-(z**2) / 2)).sum(axis=2).mean(axis=1) / (width * np.sqrt(2 * np.pi))


def spectral_density(
    operator: LinearOperator, steps: int, vectors: int, rng: np.random.Generator, deflated: np.ndarray | None = None
) -> SpectralDensity:
    """Compute the density of eigenvalues by stochastic Lanczos quadrature, with full reorthogonalization.

    The quadrature of polynomials up to degree 2 steps - 1 has only the random error of the vectors. Sources: Ubaru et
    al. 2017; Ghorbani et al. 2019 (arXiv 1901.10159).

    Args:
        operator: symmetric.
        steps: Lanczos steps; at most the size of the operator.
        vectors: number of random start vectors.
        rng: draws the start vectors.
        deflated: (parameter, k) orthonormal eigenvectors whose eigenvalues the density omits.
    """
    n = operator.shape[0]
    node, weight = np.zeros((vectors, steps)), np.zeros((vectors, steps))
    known = np.empty((n, 0)) if deflated is None else deflated
    k = known.shape[1]
    basis = np.hstack([known, np.empty((n, steps))])
    for r in range(vectors):
        q = rng.standard_normal(n)
        q -= known @ (known.T @ q)
        alpha, beta = np.zeros(steps), np.zeros(steps)
        q /= np.linalg.norm(q)
        for step in range(steps):
            basis[:, k + step] = q
            w = operator @ q
            alpha[step] = q @ w
            for _ in range(2):  # the second pass removes the rounding errors of the first
                w -= basis[:, : k + step + 1] @ (basis[:, : k + step + 1].T @ w)
            beta[step] = np.linalg.norm(w)
            if beta[step] <= n * np.finfo(float).eps * np.abs(alpha).max():  # the Krylov space is invariant
                break
            q = w / beta[step]
        value, vector = eigh_tridiagonal(alpha[: step + 1], beta[:step])
        node[r, : step + 1], weight[r, : step + 1] = value, vector[0] ** 2
    return SpectralDensity(node, weight)


def eigenvalues_by_rank(operator: LinearOperator, rng: np.random.Generator) -> np.ndarray:
    """Estimate all eigenvalues (parameter), in descending order, without the matrix.

    Lanczos iteration computes the ``KNOWN`` largest eigenvalues. Stochastic Lanczos quadrature computes the cumulative
    density of the rest. Eigenvalue number i of the rest is the value with i - 1/2 eigenvalues of the density above it.
    The number n_x of eigenvalues above x has a relative standard error of about (2 / (``VECTORS`` n_x))^(1/2). If the
    Lanczos iteration fails, the density gives all eigenvalues.

    Args:
        operator: symmetric and finite, with more than ``STEPS + KNOWN`` rows.
        rng: draws the vectors.
    """
    n, top = operator.shape[0], top_eigenpairs(operator, KNOWN, rng)
    known, deflated = (top.eigenvalue[:0], None) if top.failure else (top.eigenvalue, top.eigenvector)
    rest = n - len(known)
    found = spectral_density(operator, STEPS, VECTORS, rng, deflated)
    node, weight = found.node.ravel(), found.weight.ravel()
    order = np.argsort(node)[::-1]
    above = np.cumsum(weight[order])
    rank = np.searchsorted(above / above[-1], (np.arange(rest) + 0.5) / rest)
    return np.concatenate([known, node[order][rank]])
