"""One HTML page in which a reader turns the trajectories and asks every cell of a heatmap for its runs."""
