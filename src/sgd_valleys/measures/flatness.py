"""Flatness of the training loss around a solution."""

import numpy as np


def flatness(eigenvalue: np.ndarray) -> np.ndarray:
    """Compute the flatness F, the inverse geometric mean of N eigenvalues, Eq. 6.

    Args:
        eigenvalue: (..., N) largest eigenvalues of the Hessian, in units of the loss.

    Returns:
        (...) F in inverse units of the loss; NaN where an eigenvalue is NaN or not positive.
    """
    return np.exp(-np.log(np.where(eigenvalue > 0, eigenvalue, np.nan)).mean(axis=-1))
