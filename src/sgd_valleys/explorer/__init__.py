"""One HTML page that shows trajectories in 3D and the runs of every cell of the heatmaps."""
