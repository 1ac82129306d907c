"""Projection of trajectories on the plane of their principal components."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr
from sklearn.decomposition import PCA, KernelPCA

LARGEST_GRAM = 2_000  # points up to which the Gram matrix is computed; the time of its eigenvectors grows as their cube


@dataclass(frozen=True)
class PrincipalAxes:
    """The principal components of some points.

    Attributes:
        mean: (parameter) mean of the points.
        components: (component, parameter) orthonormal; the entry of largest magnitude is positive.
        explained: (component) fraction of the variance that the component explains.
    """

    mean: np.ndarray
    components: np.ndarray
    explained: np.ndarray


def principal_axes(weights: np.ndarray, components: int = 2) -> PrincipalAxes:
    """Find the principal components of all finite points of all trajectories (..., parameter) together.

    The components are linear combinations of the centred points. Their coefficients are eigenvectors of the points'
    Gram matrix. This matrix is smaller than the covariance of the parameters if the points are fewer. For more than
    ``LARGEST_GRAM`` points only products with the centred points are computed. Their cost is proportional to points and
    parameters.

    Components are in descending order of their variance.
    """
    centred = weights[np.isfinite(weights).all(axis=-1)].astype(np.float64)
    mean = centred.mean(axis=0)
    centred -= mean
    if len(centred) <= LARGEST_GRAM:
        gram = KernelPCA(components, kernel="precomputed", eigen_solver="dense").fit(centred @ centred.T)
        found = gram.eigenvectors_.T @ centred
    else:
        found = PCA(components, svd_solver="arpack", random_state=0).fit(centred).components_
    axes = qr(found.T, mode="economic", check_finite=False)[0].T  # orthonormal also if a component has no variance
    variance = ((centred @ axes.T) ** 2).sum(axis=0)
    order = np.argsort(variance)[::-1]
    axes, variance = axes[order], variance[order]
    axes *= np.sign(axes[np.arange(components), np.abs(axes).argmax(axis=1)])[:, None]
    return PrincipalAxes(mean, axes, variance / np.vdot(centred, centred))


def coordinates(axes: PrincipalAxes, weights: np.ndarray) -> np.ndarray:
    """Return the coordinates (..., component) of points (..., parameter) on principal axes; NaN if not finite."""
    finite = np.isfinite(weights).all(axis=-1)
    projected = np.full((*finite.shape, len(axes.components)), np.nan)
    if finite.any():
        centred = weights[finite].astype(np.float64)
        centred -= axes.mean
        projected[finite] = centred @ axes.components.T
    return projected


def project(weights: np.ndarray, components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Project all points (..., parameter) of all trajectories on their common principal components.

    Returns:
        (..., component) coordinates, NaN for points that are not finite (of a diverged run), and (component) the
        fraction of the variance that each component explains.
    """
    axes = principal_axes(weights, components)
    return coordinates(axes, weights), axes.explained
