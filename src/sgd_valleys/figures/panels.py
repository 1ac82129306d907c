"""Reading and arithmetic that the panels of more than one figure share."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from sgd_valleys.statistics.reduce import reduce_finite
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import read_cells

Cells = dict[tuple[float, int], dict[str, np.ndarray]]


def load_grid(path: str, names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Read of ``endpoints.h5`` what every heatmap needs, and ``names``."""
    return hdf5.read(path, ["eta", "B", "runs", "converged", *names])


def load_cells(paths: str | Iterable[str], names: Sequence[str]) -> Cells:
    """Read ``iteration``, ``realization`` and ``names`` (realization, time) of every cell (eta, B).

    A cell's realizations may be spread over several files.
    """
    found = read_cells([paths] if isinstance(paths, str) else list(paths), names, shared=["iteration"])
    return {(float(eta), B): cell for (eta, B), cell in found.items()}


def index_of(values: Iterable[float], value: float) -> int | None:
    """Find ``value`` among rates or batch sizes, or None."""
    found = np.flatnonzero(np.isclose(np.asarray(list(values), dtype=float), value, rtol=1e-9, atol=0))
    return int(found[0]) if found.size else None


def cells_at(cells: Cells, eta: float) -> dict[int, dict[str, np.ndarray]]:
    """Choose the cells of one learning rate, by batch size in ascending order."""
    return {B: cells[rate, B] for rate, B in sorted(cells) if np.isclose(rate, eta, rtol=1e-9, atol=0)}


def converging(converged: np.ndarray) -> np.ndarray:
    """Say for every cell (eta, B) whether any realization converges."""
    return converged.any(axis=-1)


def full_batch(B: np.ndarray, runs: np.ndarray) -> int | None:
    """Find the batch size that is gradient descent: run once where the others are run again and again."""
    once = runs.max(axis=0, initial=0) == 1
    return int(B[once][-1]) if once.any() and runs.max(initial=0) > 1 else None


def reduce_cells(
    values: np.ndarray, reduce: Callable[[np.ndarray], float], among: np.ndarray | None = None
) -> np.ndarray:
    """Reduce (eta, B, realization) to (eta, B) over the finite values (``among`` the marked runs); NaN for none."""
    shown = values if among is None else np.where(among, values, np.nan)
    result = np.empty(values.shape[:2])
    for cell in np.ndindex(result.shape):
        result[cell] = reduce_finite(shown[cell], reduce)
    return result


def mean_curve(values: np.ndarray) -> np.ndarray:
    """Average (realization, time) over the same runs at all times; NaN at the times that none was measured.

    These are the runs that are finite at their end, without those measured at the end alone where others
    were followed along the way: they would make the last point an average over other runs.
    """
    alive = values[np.isfinite(values[:, -1])]
    followed = np.isfinite(alive).sum(axis=1) > 1
    used = alive[followed] if followed.any() else alive
    mean = np.full(values.shape[1], np.nan)
    measured = np.isfinite(used).any(axis=0)
    mean[measured] = np.nanmean(used[:, measured], axis=0)
    return mean


def mean_freezing(data: dict[str, np.ndarray], threshold: int) -> np.ndarray:
    """Give eta <t_freeze> (eta, B) at one threshold, over the runs that reached it."""
    return data["eta"][:, None] * reduce_cells(data["freezing_time"][threshold], np.mean)


def log10_positive(loss: np.ndarray) -> np.ndarray:
    """Take log10 of the loss; NaN where it is 0 or not finite."""
    usable = np.isfinite(loss) & (loss > 0)
    return np.log10(np.where(usable, loss, np.nan))
