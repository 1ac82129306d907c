"""Tables of docs/theory.md: simulation of the two-valley model, continuous time and theory, from files of Fig. 6X.

A simulated number has its standard error. "none" is a number that does not exist.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from sgd_valleys.claims.estimates import Arrays
from sgd_valleys.claims.formatting import format_with_error
from sgd_valleys.claims.two_valley import freezing_point, root_mean_square, stationary_p_flat, until_freezing
from sgd_valleys.markdown import escape, table
from sgd_valleys.statistics.reduce import finite_mean
from sgd_valleys.storage import hdf5

TRANSITION = 0.75  # P_flat halfway between no preference and all runs in the flat valley
ALONG = (2.0, 4.0)  # y over which courses are averaged
SIMULATED = "simulation"


def tables(files: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the lines of every table by the name of its block; none without ``files``, the inputs of Fig. 6X."""
    if not files:
        return {}
    names = ("diagram", "occupancy", "theory", "ito", "printed")
    diagram, occupancy, theory, ito, printed = (hdf5.read(files[name]) for name in names)
    iterations = hdf5.read_attributes(files["diagram"])["parameters"]["iterations"]
    continuous = hdf5.read_attributes(files["ito"])["parameters"]
    ends = {"p_flat_halving": continuous["small_eta_limit_time"], "p_flat_longest": continuous["longest_time"]}
    limits = {float(hdf5.read_attributes(path)["delta_S"]): hdf5.read(path) for path in files["small_eta_limit"]}
    return {
        "model corners": corners(diagram, iterations, ito, ends),
        "model transition": transition(diagram),
        "model ends": ends_of_courses(occupancy, theory, ito, printed),
        "model small eta": small_eta_limit(limits, ito, printed),
        "model courses": courses(occupancy, theory, ito),
    }


def corners(diagram: Arrays, iterations: int, ito: Arrays, ends: Mapping[str, float]) -> list[str]:
    """Return a table of the corner cells of a phase diagram, beside the Ito equation at equal Delta_S and time.

    ``ends`` are the times eta t of the arrays of ``ito``. A cell with another time has no value of the Ito equation.
    """
    columns = ("eta", "sigma", "P_flat", "Ito", "runs that change valley", "eta <t_freeze>", "late runs")
    rows = []
    for i, j in product((0, -1), repeat=2):
        eta, sigma = diagram["eta"][i], diagram["sigma"][j]
        time, error = (eta * diagram[name][i, j] for name in ("freezing_time", "freezing_time_error"))
        same = [ito[name] for name, end in ends.items() if np.isclose(end, eta * iterations)]
        limit = _at(eta * sigma, ito["delta_S"], same[0]) if same else np.nan
        rows.append([
            f"{eta:g}", f"{sigma:g}", format_with_error(diagram["p_flat"][i, j], diagram["p_flat_error"][i, j]),
            _number(limit, ".3f"), _number(diagram["changed"][i, j], ".1%"), format_with_error(time, error),
            _number(diagram["late"][i, j], ".1%"),
        ])  # fmt: skip
    return _table(columns, rows)


def transition(diagram: Arrays) -> list[str]:
    """Return a table of Delta_S at which P_flat first exceeds ``TRANSITION``, interpolated in the logarithm.

    A learning rate whose cells do not cross this value has no row.
    """
    rows = []
    for eta, p_flat, error in zip(diagram["eta"], diagram["p_flat"], diagram["p_flat_error"], strict=True):
        crossing = np.flatnonzero((p_flat[:-1] < TRANSITION) & (p_flat[1:] >= TRANSITION))
        if crossing.size:
            k = crossing[0]
            step, rise = np.log(diagram["sigma"][k + 1] / diagram["sigma"][k]), p_flat[k + 1] - p_flat[k]
            weight = (TRANSITION - p_flat[k]) / rise
            delta_S = 1e4 * eta * diagram["sigma"][k] * np.exp(weight * step)
            relative_error = np.hypot((1 - weight) * error[k], weight * error[k + 1]) * step / rise
            rows.append([f"{eta:.3g}", format_with_error(delta_S, relative_error * delta_S)])
    return _table(("eta", f"10^4 Delta_S at P_flat = {TRANSITION:g}"), rows)


def ends_of_courses(occupancy: Arrays, theory: Arrays, ito: Arrays, printed: Arrays) -> list[str]:
    """Return a table of P_flat at the end of the runs of Fig. 6B, of both Fokker-Planck equations and of Eq. 26."""
    rows = []
    for k, delta_S in enumerate(occupancy["delta_S"]):
        simulated = format_with_error(occupancy["p_flat"][k, -1], occupancy["p_flat_error"][k, -1])
        transient = _at(delta_S, theory["delta_S"], theory["p_flat_transient_here"])
        theories = ito["p_flat"][k, -1], printed["p_flat"][k, -1], transient
        rows.append([f"{delta_S:g}", simulated, *(_number(each, ".3f") for each in theories)])
    return _table(("Delta_S", SIMULATED, "Ito", "Eq. 16", "Eq. 26"), rows)


def small_eta_limit(limits: Mapping[float, Arrays], ito: Arrays, printed: Arrays) -> list[str]:
    """Return a table of P_flat at falling eta and equal Delta_S, beside both Fokker-Planck equations.

    ``limits`` has the arrays of small_eta_limit/*.h5 by Delta_S, all with the same learning rates.
    """
    rates = next(iter(limits.values()))["eta"]
    rows = []
    for delta_S, limit in sorted(limits.items()):
        simulated = map(format_with_error, limit["p_flat"], limit["p_flat_error"])
        equations = (_at(delta_S, each["delta_S"], each["p_flat_halving"]) for each in (ito, printed))
        rows.append([f"{delta_S:g}", *simulated, *(_number(each, ".4f") for each in equations)])
    return _table(("Delta_S", *(f"eta = {eta:g}" for eta in rates), "Ito", "Eq. 16"), rows)


def courses(occupancy: Arrays, theory: Arrays, ito: Arrays) -> list[str]:
    """Return a table of mean P_flat over the recorded times with y in ``ALONG``, and of the deviation from Eq. 22.

    The deviation is the root mean square until y_freeze of Eq. 25, without the sampling variance.
    """
    rows = []
    for k, delta_S in enumerate(occupancy["delta_S"]):
        y = occupancy["mean_y"][k]
        inside = (y >= ALONG[0]) & (y <= ALONG[1])
        simulated, y = occupancy["p_flat"][k][inside], y[inside]
        theories = stationary_p_flat(theory, delta_S, y), np.interp(y, ito["mean_y"][k], ito["p_flat"][k])
        means = (_number(float(finite_mean(course)), ".3f") for course in (simulated, *theories))
        deviation = root_mean_square(*until_freezing(theory, occupancy, k))
        rows.append(
            [f"{delta_S:g}", *means, _number(freezing_point(theory, delta_S), ".1f"), _number(deviation, ".3f")]
        )
    columns = ("Delta_S", SIMULATED, "Eq. 22", "Ito", "y_freeze, Eq. 25", "root mean square difference from Eq. 22")
    return _table(columns, rows)


def _at(delta_S: float, grid: np.ndarray, values: np.ndarray) -> float:
    """Interpolate in the logarithm of Delta_S; NaN outside of the grid, whose ends may be off by rounding errors."""
    x, known = np.round(np.log(delta_S), 9), np.round(np.log(grid), 9)
    return float(np.interp(x, known, values, left=np.nan, right=np.nan))


def _number(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else "none"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return table([escape(name) for name in columns], rows)
