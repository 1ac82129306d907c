"""What is measured of trained networks: curvature, flatness, similarity, paths, basins, projections."""
