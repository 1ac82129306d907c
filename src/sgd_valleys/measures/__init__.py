"""Measures of trained networks: curvature, flatness, gradient noise, similarity, paths, basins and projections."""
