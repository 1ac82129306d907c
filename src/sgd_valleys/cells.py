"""What the runs of a cell are reduced to."""

from collections.abc import Callable

import numpy as np


def over_finite(values: np.ndarray, reduce: Callable[[np.ndarray], float]) -> float:
    """Reduce the finite ones of some values to one number; NaN where none is."""
    finite = values[np.isfinite(values)]
    return reduce(finite) if finite.size else np.nan
