"""Measures of the cells (eta, sigma) of a phase diagram, Figs. 5 C and D, S6 and 6X."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley.run_statistics import Runs, mean_with_error, p_flat

MEASURES = {  # long name and unit
    "p_flat": ("fraction of runs that end at x > 0", "1"),
    "p_flat_error": ("standard error of p_flat", "1"),
    "freezing_time": ("mean iteration of the last change of valley, of the runs with one", "iterations"),
    "freezing_time_error": ("standard error of freezing_time", "iterations"),
    "freezing_y": ("mean y at the last change of valley, of the runs with one", "1"),
    "freezing_y_error": ("standard error of freezing_y", "1"),
    "changed": ("fraction of runs that change valley after their first step", "1"),
    "changed_relaxed": ("fraction of runs that change valley after eta t = tau_x_max of Eq. A7", "1"),
    "late": ("fraction of these whose last change comes after freezing.late times the iterations", "1"),
    "diverged": ("number of runs that diverged (non-finite)", "1"),
}


@dataclass(frozen=True)
class FreezingThresholds:
    """Thresholds for a cell to enter statements about freezing, and to count as frozen: ``two_valley.freezing``."""

    changed: float  # smallest fraction of runs that change valley after tau_x_max of Eq. A7
    late: float  # fraction of the iterations after which a last change of valley is late
    frozen: float  # smallest fraction of these runs whose last change is not late


def freezing_state(
    changed_relaxed: np.ndarray, late: np.ndarray, thresholds: FreezingThresholds
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether cells have enough changes of valley, and whether they are frozen.

    The first two arguments are ``MEASURES`` of equal shape, which is also the shape of the results. A mean freezing
    time has no meaning where few runs change valley. Changes while runs relax from their start beside the ridge do not
    count. A mean time well before the end does not make a cell frozen, because some runs may still change valley. A
    cell with too few changes does not count as frozen.
    """
    enough = np.asarray(changed_relaxed) >= thresholds.changed
    return enough, enough & (1 - np.asarray(late) >= thresholds.frozen)  # NaN compares as False


def summarize_cell(runs: Runs, iterations: int, relaxation: float, late: float) -> dict[str, float]:
    """Return the ``MEASURES`` of the runs of one cell.

    Runs without a change of valley have t_freeze = 1 by the paper's convention. The means of freezing leave them out,
    because eta <t_freeze> would rise with eta by this convention alone.

    ``relaxation`` is the longest relaxation time across, tau_x_max/eta, in iterations. ``late`` is the threshold of
    `FreezingThresholds`.
    """
    changed = runs.freezing_time > 1
    time, y = runs.freezing_time[changed], runs.freezing_y[changed]
    freezing = *mean_with_error(time), *mean_with_error(y)
    relaxed = runs.freezing_time > max(1, relaxation)
    is_late = (runs.freezing_time[relaxed] > late * iterations).mean() if relaxed.any() else np.nan
    shares = changed.mean(), relaxed.mean(), is_late
    values = (*p_flat(runs), *freezing, *shares, np.isnan(runs.x).sum())
    return {name: float(value) for name, value in zip(MEASURES, values, strict=True)}


def format_cell(eta: float, sigma: float, cell: Mapping[str, float]) -> str:
    """Format P_flat and the freezing time of one cell, with standard errors, for a log."""
    return (
        f"eta {eta:g}, sigma {sigma:g}: P_flat {cell['p_flat']:.4g} +- {cell['p_flat_error']:.2g}, "
        f"eta <t_freeze> {eta * cell['freezing_time']:.4g} +- {eta * cell['freezing_time_error']:.2g} of the "
        f"{cell['changed']:.1%} of runs that change valley, "
        f"{cell['diverged']:.0f} diverged"
    )


def collect_row(sigma: Sequence[float], cells: Sequence[Mapping[str, float]]) -> dict[str, Variable]:
    """Return the variables (sigma) of one row, a learning rate, from the results of `summarize_cell`."""
    return {"sigma": Variable(("sigma",), np.array(sigma), "strength of the noise")} | {
        name: Variable(("sigma",), np.array([cell[name] for cell in cells]), *text) for name, text in MEASURES.items()
    }


def stack_rows(
    eta: list[float], stable: list[bool], rows: list[dict[str, Variable]], thresholds: FreezingThresholds
) -> dict[str, Variable]:
    """Return the variables (eta, sigma) of a diagram from its rows, the results of `collect_row`."""
    is_stable, cells = np.array(stable, dtype=bool), ("eta", "sigma")
    changed, late = (np.stack([row[name].data for row in rows]) for name in ("changed_relaxed", "late"))
    enough, frozen = freezing_state(changed, late, thresholds)
    return (
        {
            "eta": Variable(("eta",), np.array(eta), "learning rate"),
            "sigma": rows[0]["sigma"],
            "stable": Variable(("eta",), is_stable, "whether the sharp valley is stable at this learning rate"),
        }
        | {name: Variable(cells, np.stack([row[name].data for row in rows]), *text) for name, text in MEASURES.items()}
        | {
            "enough_changes": Variable(cells, enough, "whether enough runs change valley to speak of freezing"),
            "frozen": Variable(
                cells, frozen, "whether nearly all of these runs last change valley well before their end"
            ),
        }
    )
