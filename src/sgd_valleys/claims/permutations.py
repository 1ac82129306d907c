"""Permutation tests: of independent runs, and of maps over the cells of a grid.

The side of a test is the sign of the measured correlation. The verdict decides whether the paper states this side.
"""

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import rankdata

from sgd_valleys.statistics.rank import axis_correlation, rank_correlation


def over_map(values: np.ndarray) -> np.ndarray:
    """Return maps (..., eta, B) with their cells along one axis, (..., cell)."""
    return values.reshape(*values.shape[:-2], -1)


def permutation_p(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int) -> float:
    """Return the one-sided p-value of the rank correlation of independent points (point); NaN where there is none."""
    used = np.isfinite(x) & np.isfinite(y)
    found = float(rank_correlation(x[used], y[used]))
    if not np.isfinite(found):
        return np.nan
    a, b = ((rank - rank.mean()) / rank.std() for rank in (rankdata(x[used]), rankdata(y[used])))
    permuted = np.array([a @ rng.permutation(b) for _ in range(permutations)]) / len(a)
    return _p_value(found, permuted, every=False)


def grid_permutation_p(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int) -> float:
    """Return the one-sided p-value of the rank correlation of two maps, permuting whole rows and whole columns.

    Cells of one row or column are similar in any map. Permutations of single cells would therefore not give the null
    distribution. The maps are (row, column), NaN where they have no value. ``y`` is permuted. If all permutations,
    which include the measured order, are at most ``permutations``, all are used. Otherwise this number is drawn.
    """
    every, (row, column) = _orders(y.shape, rng, permutations)
    permuted = over_map(y[row[:, :, None], column[:, None, :]])
    return _p_value(float(rank_correlation(x.ravel(), y.ravel())), rank_correlation(x.ravel(), permuted), every)


def axis_permutation_p(
    values: np.ndarray, at: np.ndarray, axis: int, rng: np.random.Generator, permutations: int
) -> float:
    """Return the one-sided p-value of the mean rank correlation of a map (row, column) with one of its axes.

    Whole rows are permuted for axis 0, and whole columns for axis 1; see ``grid_permutation_p`` and
    ``axis_correlation``.
    """
    every, (order,) = _orders(values.shape[axis : axis + 1], rng, permutations)
    permuted = values[order] if axis == 0 else np.moveaxis(values[:, order], 1, 0)
    return _p_value(float(axis_correlation(values, at, axis)), axis_correlation(permuted, at, axis), every)


def _orders(lengths: Sequence[int], rng: np.random.Generator, permutations: int) -> tuple[bool, list[np.ndarray]]:
    """Return whether all orders of several axes are used, and the orders (permutation, position) of each axis."""
    every = math.prod(map(math.factorial, lengths)) <= permutations
    orders: Iterator = (
        itertools.product(*(itertools.permutations(range(length)) for length in lengths))
        if every
        else (tuple(rng.permutation(length) for length in lengths) for _ in range(permutations))
    )
    return every, [np.array(order) for order in zip(*orders, strict=True)]


def _p_value(found: float, permuted: np.ndarray, every: bool) -> float:
    """Return the share of the permuted correlations that are at least as large as the measured one, on its side.

    The measured correlation counts as one of them, and is added if not ``every`` permutation is used.
    """
    if not np.isfinite(found):
        return np.nan
    permuted = permuted[np.isfinite(permuted)]
    count = (np.sign(found) * permuted >= abs(found) - 1e-9).sum()
    return float(count / len(permuted)) if every else float((1 + count) / (1 + len(permuted)))
