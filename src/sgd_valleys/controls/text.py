"""Format headline numbers with their intervals for the logs of the controls."""

import numpy as np


def format_interval(value: float, low: float, high: float) -> str:
    """Format a value and its interval, such as "0.82 [0.75, 0.9]"; unknown bounds read nan."""
    return f"{value:.3g} [{low:.3g}, {high:.3g}]"


def format_known(estimate: np.ndarray) -> str:
    """Format a value and the bounds of its interval (3); unknown bounds are left out."""
    value, low, high = estimate
    return format_interval(value, low, high) if np.isfinite(low) else f"{value:.3g}"
