"""Projection of trajectories on the plane of their principal components."""

import numpy as np
from sklearn.decomposition import PCA


def principal_axes(weights: np.ndarray, components: int = 2) -> PCA:
    """Fit the principal components of all finite points of all trajectories (..., parameter) together."""
    flat = weights.reshape(-1, weights.shape[-1]).astype(np.float64)
    return PCA(n_components=components, svd_solver="covariance_eigh").fit(flat[np.isfinite(flat).all(axis=1)])


def coordinates(axes: PCA, weights: np.ndarray) -> np.ndarray:
    """Project points (..., parameter) on principal axes: (..., component), NaN for points that are not finite."""
    flat = weights.reshape(-1, weights.shape[-1]).astype(np.float64)
    finite = np.isfinite(flat).all(axis=1)
    projected = np.full((len(flat), axes.n_components_), np.nan)
    if finite.any():
        projected[finite] = axes.transform(flat[finite])
    return projected.reshape(*weights.shape[:-1], -1)


def project(weights: np.ndarray, components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Project all points of all trajectories on their common principal components.

    Args:
        weights: (..., parameter), one point of parameter space each.
        components: number of components.

    Returns:
        (..., component) coordinates, NaN for points that are not finite (of a diverged run), and (component) the
        fraction of the variance that each component explains.
    """
    axes = principal_axes(weights, components)
    return coordinates(axes, weights), axes.explained_variance_ratio_
