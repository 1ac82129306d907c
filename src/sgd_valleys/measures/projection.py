"""Trajectories seen in the plane of their principal components."""

import numpy as np
from sklearn.decomposition import PCA


def principal_axes(weights: np.ndarray, components: int = 2) -> PCA:
    """Principal components of all points of all trajectories (..., parameter) together, those not finite left out."""
    flat = weights.reshape(-1, weights.shape[-1]).astype(np.float64)
    return PCA(n_components=components, svd_solver="covariance_eigh").fit(flat[np.isfinite(flat).all(axis=1)])


def coordinates(axes: PCA, weights: np.ndarray) -> np.ndarray:
    """Points (..., parameter) seen along principal axes: (..., component), NaN where they are not finite."""
    flat = weights.reshape(-1, weights.shape[-1]).astype(np.float64)
    finite = np.isfinite(flat).all(axis=1)
    found = np.full((len(flat), axes.n_components_), np.nan)
    if finite.any():
        found[finite] = axes.transform(flat[finite])
    return found.reshape(*weights.shape[:-1], -1)


def project(weights: np.ndarray, components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of all points of all trajectories together.

    Args:
        weights: (..., parameter), one point of parameter space each.
        components: how many.

    Returns:
        (..., component) coordinates, and (component) the share of the variance each explains.
        Points that are not finite (a diverged run's) are left out and come back as NaN.
    """
    axes = principal_axes(weights, components)
    return coordinates(axes, weights), axes.explained_variance_ratio_
