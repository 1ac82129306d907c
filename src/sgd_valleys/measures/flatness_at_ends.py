"""Measures of flatness at the endpoints of several runs."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sgd_valleys.measures.flatness_measures import evaluate, find_measures
from sgd_valleys.measures.point import Point
from sgd_valleys.progress import Progress
from sgd_valleys.storage.hdf5 import Variable


def at_ends(points: Sequence[Point], names: str | Sequence[str], log: logging.Logger) -> dict[str, np.ndarray]:
    """Compute measures of flatness at the endpoints of several runs.

    Args:
        points: the endpoint of each run, at least one.
        names: names of measures, or "all".
        log: receives the progress, and a warning for each run with a value that is not finite.

    Returns:
        arrays (run) by name, with the standard errors of random measures.

    Raises:
        UserError: a name is not a measure.
    """
    progress, found = Progress(len(points), "endpoints", log), []
    for r, point in enumerate(points):
        found.append(evaluate(point, names))
        if missing := [name for name, value in found[-1].items() if not np.isfinite(value)]:
            log.warning(f"run {r}: NaN or infinite values of {', '.join(missing)}.")
        progress()
    return {name: np.array([values[name] for values in found]) for name in found[0]}


def measure_variables(arrays: Mapping[str, np.ndarray], names: str | Sequence[str]) -> dict[str, Variable]:
    """Describe arrays (realization) of measures for ``hdf5.write``, in the units of the cross-entropy."""
    variables = {}
    for each in find_measures(names):
        title = f"{each.name.replace('_', ' ')}, {each.formula}"
        variables[each.name] = Variable(("realization",), arrays[each.name], title, each.units)
        if each.random:
            name = each.name_of_error
            variables[name] = Variable(("realization",), arrays[name], f"standard error of {each.name}", each.units)
    return variables


def measure_properties(names: str | Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return formula, source and invariances of measures by name, for the attribute ``measures`` of a file."""
    keys = ("formula", "source", "invariant", "unit_invariant")
    return {each.name: {key: getattr(each, key) for key in keys} for each in find_measures(names)}
