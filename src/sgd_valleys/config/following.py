"""Settings that follow the sweep: the words ``all``, ``first``, ``last`` and ``{nearest: ...}`` as values of the sweep.

A configuration names runs and cells of a sweep in many places. With these words a change of the sweep is one edit: the
other settings follow. A plain number is never replaced; the check refuses it where the sweep lacks it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sgd_valleys.config.figures import ALONG, SPECTRA

Settings = Mapping[str, Any]
Number = int | float
RATES = ("eta", "violin_eta", "spectrum_eta")  # settings of figures


def choose(choice: Any, values: Sequence[Number]) -> Any:
    """Return one value: a number as it is, or the first, the last, or the nearest (in the logarithm) of ``values``."""
    match choice:
        case "first":
            return values[0]
        case "last":
            return values[-1]
        case {"nearest": number}:
            return min(values, key=lambda value: (abs(math.log(value / number)), value))
    return choice


def choose_several(choice: Any, values: Sequence[Number]) -> list:
    """Return distinct values: ``all`` of them, one by its word, those nearest to a list, or a list with words in it."""
    match choice:
        case "all":
            return list(values)
        case {"nearest": list(numbers)}:
            return list(dict.fromkeys(choose({"nearest": number}, values) for number in numbers))
        case list():
            return list(dict.fromkeys(choose(each, values) for each in choice))
    return [choose(choice, values)]


def follow_cells(settings: Settings, sweep: Settings, several: bool) -> dict[str, Any]:
    """Return settings whose ``eta`` and ``B`` are values of a sweep: lists of them, or one of each."""
    function = choose_several if several else choose
    followed = {axis: function(settings[axis], sweep[axis]) for axis in ("eta", "B") if axis in settings}
    return {**settings, **followed}


def follow_experiment(settings: Settings) -> dict[str, Any]:
    """Return the settings of an experiment with values of its sweep in place of words.

    Args:
        settings: of the shape that the schema asks for.
    """
    sweep, projection = settings["sweep"], settings["projection"]
    counts = [follow_cells(each, sweep, several=True) for each in sweep.get("counts", ())]
    sweep = {**sweep, "counts": counts} if counts else sweep
    found = {**settings, "sweep": sweep, "recording": {"checkpoints": [], **settings["recording"]}}
    found["curvature"] = {"along": [], "spectrum": [], **settings["curvature"]}
    for section, key in (("recording", "checkpoints"), ("curvature", "along"), ("curvature", "spectrum")):
        found[section][key] = [follow_cells(each, sweep, several=True) for each in found[section][key]]
    found["projection"] = {**projection, "block": follow_cells(projection["block"], sweep, several=True)}
    if "cells" in projection:
        found["projection"]["cells"] = [follow_cells(each, sweep, several=False) for each in projection["cells"]]
    if "edge_of_stability" in settings:
        edge = settings["edge_of_stability"]
        runs = [follow_cells(each, sweep, several=True) for each in edge["runs"]]
        found["edge_of_stability"] = {**edge, "runs": runs}
    if "branches" in settings:
        branches = settings["branches"]
        runs = [follow_cells(each, sweep, several=True) for each in branches["runs"]]
        reference = follow_cells(branches["reference"], sweep, several=False)
        found["branches"] = {**branches, "runs": runs, "reference": reference}
    return found


def follow_figure(settings: Settings, sweep: Settings, t_c: Iterable[int]) -> dict[str, Any]:
    """Return the settings of a figure with values of a sweep in place of words.

    Args:
        settings: of the figure.
        sweep: that of the experiment that the figure shows.
        t_c: iterations at which the branches of the reference run leave it; may be empty.
    """
    found = {**settings, **{key: choose(settings[key], sweep["eta"]) for key in RATES if key in settings}}
    if "run" in settings:
        found["run"] = follow_cells(settings["run"], sweep, several=False)
    if "t_c" in settings:
        found["t_c"] = choose_times(settings["t_c"], list(t_c))
    return found


def choose_times(choice: Any, times: Sequence[int]) -> list[int]:
    """Return iterations: ``all``, those nearest to a list, or a list as it is."""
    match choice:
        case "all":
            return list(times)
        case {"nearest": numbers} if times:
            nearest = (min(times, key=lambda t: (abs(t - number), t)) for number in numbers)
            return list(dict.fromkeys(nearest))
        case {"nearest": numbers}:
            return list(numbers)
    return choice


def add_shown(settings: Settings, deterministic: Sequence[int], figures: Iterable[Settings]) -> dict[str, Any]:
    """Return the settings of an experiment with the curvature that its figures show.

    Args:
        settings: of the experiment, with values in place of words.
        deterministic: the batch sizes at which its training is deterministic.
        figures: settings of the figures that show the experiment, with values in place of words, and ``draw``.
    """
    along, spectrum = list(settings["curvature"]["along"]), list(settings["curvature"]["spectrum"])
    for figure in figures:
        drawn = figure["draw"]
        if drawn in ALONG:
            along.append({"eta": [figure[ALONG[drawn]]], "B": "all", "realizations": figure["realizations"]})
        if drawn in SPECTRA:
            eta = figure[SPECTRA[drawn]]
            for B in settings["sweep"]["B"]:  # of deterministic cells, realization 0 is shown
                realization = 0 if B in deterministic else figure["realization"]
                spectrum.append({"eta": [eta], "B": [B], "realizations": [realization]})
    return {**settings, "curvature": {**settings["curvature"], "along": along, "spectrum": spectrum}}
