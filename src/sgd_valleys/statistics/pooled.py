"""Rank correlation inside groups, such as the runs of one cell, pooled over the groups."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from sgd_valleys.statistics.bootstrap import central_interval


@dataclass(frozen=True)
class Pooled:
    """A rank correlation inside groups, pooled over the groups.

    Attributes:
        correlation: of the ranks inside groups, each minus the mean rank of the group; NaN if x or y does not vary.
        interval: central 95% of the bootstrap (low, high); NaN if groups, or members of a group, are too few.
        null: central 95% of permutations of y inside the groups (low, high), for which x and y are independent.
        members: number of members in groups of at least two.
    """

    correlation: float
    interval: tuple[float, float]
    null: tuple[float, float]
    members: int

    @property
    def is_positive(self) -> bool:
        """Whether the correlation is above 0 with its interval, and above its null."""
        return self.interval[0] > 0 and self.correlation > self.null[1]


def pooled_correlation(
    x: np.ndarray,
    y: np.ndarray,
    group: np.ndarray,
    rng: np.random.Generator,
    resamples: int,
    unit: Literal["group", "member"],
) -> Pooled:
    """Correlate the ranks of two quantities of members inside groups, pooled over the groups.

    Args:
        x: (member); NaN for a member that does not count.
        y: (member) likewise.
        group: (member) number of its group.
        rng: draws the resamples and permutations.
        resamples: number of resamples, and of permutations.
        unit: what the bootstrap resamples: whole groups, or the members of each group.
    """
    used = np.isfinite(x) & np.isfinite(y)
    positions = [np.flatnonzero(used & (group == each)) for each in np.unique(group)]
    groups = [(x[own], y[own]) for own in positions if len(own) > 1]
    sizes = [len(a) for a, _ in groups]
    if not groups:
        return Pooled(np.nan, (np.nan, np.nan), (np.nan, np.nan), 0)
    products = np.stack([_products(*each) for each in groups])
    permuted = sum((_products(a, rng.permuted(np.tile(b, (resamples, 1)), axis=1)) for a, b in groups), np.zeros(3))
    if unit == "group":
        resampled = products[rng.integers(0, len(groups), (resamples, len(groups)))].sum(axis=1)
    else:
        positions = [rng.integers(0, size, (resamples, size)) for size in sizes]
        resampled = sum(_products(a[own], b[own]) for (a, b), own in zip(groups, positions, strict=True))
    interval = central_interval(_correlation(resampled), len(groups) if unit == "group" else min(sizes))
    null = central_interval(_correlation(permuted), sum(sizes))
    correlation = float(_correlation(products.sum(axis=0)))
    return Pooled(correlation, tuple(interval.tolist()), tuple(null.tolist()), sum(sizes))


def _products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the sums (..., 3) of the products xy, xx and yy of the centred ranks of x and y (..., member)."""
    a, b = (rank - rank.mean(axis=-1, keepdims=True) for rank in (rankdata(x, axis=-1), rankdata(y, axis=-1)))
    return np.stack(np.broadcast_arrays(*((left * right).sum(axis=-1) for left, right in ((a, b), (a, a), (b, b)))), -1)


def _correlation(products: np.ndarray) -> np.ndarray:
    """Return the correlation (...) of sums of products (..., 3); NaN where one of the quantities does not vary."""
    xy, xx, yy = np.moveaxis(products, -1, 0)
    size = np.sqrt(xx * yy)
    return np.where(size > 0, xy / np.where(size > 0, size, 1), np.nan)
