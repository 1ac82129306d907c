"""Trajectories seen in the plane of their principal components."""

import numpy as np
from sklearn.decomposition import PCA


def project(weights: np.ndarray, components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of all points of all trajectories together.

    Args:
        weights: (..., parameter), one point of parameter space each.
        components: how many.

    Returns:
        (..., component) coordinates, and (component) the share of the variance each explains.
        Points that are not finite (a diverged run's) are left out and come back as NaN.
    """
    flat = weights.reshape(-1, weights.shape[-1]).astype(np.float64)
    finite = np.isfinite(flat).all(axis=1)
    pca = PCA(n_components=components, svd_solver="covariance_eigh").fit(flat[finite])
    coordinates = np.full((len(flat), components), np.nan)
    coordinates[finite] = pca.transform(flat[finite])
    return coordinates.reshape(*weights.shape[:-1], components), pca.explained_variance_ratio_
