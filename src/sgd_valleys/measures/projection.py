"""Projection of trajectories on the plane of their principal components."""

import numpy as np
from sklearn.decomposition import PCA

LARGEST_COVARIANCE = 4000  # parameters: the time of its eigenvectors grows with the cube


def principal_axes(weights: np.ndarray, components: int = 2) -> PCA:
    """Fit the principal components of all finite points of all trajectories (..., parameter) together."""
    finite = weights[np.isfinite(weights).all(axis=-1)].astype(np.float64)
    solver = "covariance_eigh" if finite.shape[1] <= LARGEST_COVARIANCE else "arpack"
    return PCA(n_components=components, svd_solver=solver, random_state=0).fit(finite)


def coordinates(axes: PCA, weights: np.ndarray) -> np.ndarray:
    """Project points (..., parameter) on principal axes: (..., component), NaN for points that are not finite."""
    finite = np.isfinite(weights).all(axis=-1)
    projected = np.full((*finite.shape, axes.n_components_), np.nan)
    if finite.any():
        projected[finite] = axes.transform(weights[finite].astype(np.float64))
    return projected


def project(weights: np.ndarray, components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Project all points (..., parameter) of all trajectories on their common principal components.

    Returns:
        (..., component) coordinates, NaN for points that are not finite (of a diverged run), and (component) the
        fraction of the variance that each component explains.
    """
    axes = principal_axes(weights, components)
    return coordinates(axes, weights), axes.explained_variance_ratio_
