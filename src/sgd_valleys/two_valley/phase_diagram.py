"""Measures of the cells (eta, sigma) of a phase diagram, Figs. 5 C and D, S6 and 6X."""

from collections.abc import Mapping, Sequence

import numpy as np

from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley.run_statistics import Runs, mean_with_error, p_flat

MEASURES = {  # long name and unit
    "p_flat": ("fraction of runs that end at x > 0", "1"),
    "p_flat_error": ("standard error of p_flat", "1"),
    "freezing_time": ("mean iteration of the last change of valley, 1 where there is none", "iterations"),
    "freezing_time_error": ("standard error of freezing_time", "iterations"),
    "freezing_y": ("mean y at the last change of valley, of the runs with one", "1"),
    "freezing_y_error": ("standard error of freezing_y", "1"),
    "changed": ("fraction of runs that change valley after their first step", "1"),
    "diverged": ("number of runs that diverged (non-finite)", "1"),
}


def summarize_cell(runs: Runs) -> dict[str, float]:
    """Return the ``MEASURES`` of the runs of one cell."""
    changed = runs.freezing_time > 1
    freezing = (*mean_with_error(runs.freezing_time), *mean_with_error(runs.freezing_y[changed]))
    values = (*p_flat(runs), *freezing, changed.mean(), np.isnan(runs.x).sum())
    return {name: float(value) for name, value in zip(MEASURES, values, strict=True)}


def format_cell(eta: float, sigma: float, cell: Mapping[str, float]) -> str:
    """Return P_flat and the freezing time of one cell, with standard errors, for a log."""
    return (
        f"eta {eta:g}, sigma {sigma:g}: P_flat {cell['p_flat']:.4g} +- {cell['p_flat_error']:.2g}, "
        f"eta <t_freeze> {eta * cell['freezing_time']:.4g} +- {eta * cell['freezing_time_error']:.2g}, "
        f"{cell['diverged']:.0f} diverged"
    )


def collect_row(sigma: Sequence[float], cells: Sequence[Mapping[str, float]]) -> dict[str, Variable]:
    """Return the variables (sigma) of one row, a learning rate, from the results of `summarize_cell`."""
    return {"sigma": Variable(("sigma",), np.array(sigma), "strength of the noise")} | {
        name: Variable(("sigma",), np.array([cell[name] for cell in cells]), *text) for name, text in MEASURES.items()
    }


def stack_rows(eta: list[float], stable: list[bool], rows: list[dict[str, Variable]]) -> dict[str, Variable]:
    """Return the variables (eta, sigma) of a diagram from its rows, the results of `collect_row`."""
    stable = np.array(stable, dtype=bool)
    return {
        "eta": Variable(("eta",), np.array(eta), "learning rate"),
        "sigma": rows[0]["sigma"],
        "stable": Variable(("eta",), stable, "whether the sharp valley is stable at this learning rate"),
    } | {
        name: Variable(("eta", "sigma"), np.stack([row[name].data for row in rows]), *text)
        for name, text in MEASURES.items()
    }
