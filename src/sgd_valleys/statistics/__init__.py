"""NaN-aware reductions, bootstrap intervals, straight-line fits, and rank correlations."""
