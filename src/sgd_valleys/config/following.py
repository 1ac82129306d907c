"""Replace the words ``all``, ``first``, ``last`` and ``{nearest: ...}`` by values of the sweep.

A configuration names runs and cells of a sweep in many places. With these words, other settings follow a change of the
sweep. Plain numbers are never replaced; ``validation.check`` refuses numbers that the sweep lacks.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sgd_valleys.config.figures import ALONG, SPECTRA

Settings = Mapping[str, Any]
Number = int | float
RATES = ("eta", "violin_eta", "spectrum_eta")  # settings of figures that are learning rates


def choose(choice: Any, values: Sequence[Number]) -> Any:
    """Replace a word by the first, the last or the nearest (in the logarithm) of ``values``; keep a number."""
    match choice:
        case "first":
            return values[0]
        case "last":
            return values[-1]
        case {"nearest": number}:
            return min(values, key=lambda value: (abs(math.log(value / number)), value))
    return choice


def choose_several(choice: Any, values: Sequence[Number]) -> list:
    """Replace words by a list of distinct values.

    Args:
        choice: ``all``, one word or number, ``{nearest: [numbers]}``, or a list of words and numbers.
        values: the values of the sweep.
    """
    match choice:
        case "all":
            return list(values)
        case {"nearest": list(numbers)}:
            return list(dict.fromkeys(choose({"nearest": number}, values) for number in numbers))
        case list():
            return list(dict.fromkeys(choose(each, values) for each in choice))
    return [choose(choice, values)]


def follow_cells(settings: Settings, sweep: Settings, several: bool) -> dict[str, Any]:
    """Replace the words in ``eta`` and ``B`` by values of a sweep: by lists if ``several``, else by one value each."""
    function = choose_several if several else choose
    followed = {axis: function(settings[axis], sweep[axis]) for axis in ("eta", "B") if axis in settings}
    return {**settings, **followed}


def follow_experiment(settings: Settings) -> dict[str, Any]:
    """Replace words by values of the sweep in the settings of an experiment, and add defaults.

    Args:
        settings: settings that conform to the schema.
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
    defaults = {"gradient_noise": {"layers": [settings["layer"]], "biases": False, "every": 1}}
    for section in ("edge_of_stability", "continuations", "gradient_noise"):
        if section in settings:
            runs = [follow_cells(each, sweep, several=True) for each in settings[section]["runs"]]
            found[section] = {**defaults.get(section, {}), **settings[section], "runs": runs}
    if "branches" in settings:
        branches = settings["branches"]
        runs = [follow_cells(each, sweep, several=True) for each in branches["runs"]]
        reference = follow_cells(branches["reference"], sweep, several=False)
        found["branches"] = {**branches, "runs": runs, "reference": reference}
    return found


def follow_figure(settings: Settings, sweep: Settings, t_c: Iterable[int]) -> dict[str, Any]:
    """Replace words by values of the sweep in the settings of a figure.

    Args:
        settings: settings of the figure.
        sweep: section ``sweep`` of the figure's experiment.
        t_c: iterations at which branches leave the reference run; may be empty.
    """
    found = {**settings, **{key: choose(settings[key], sweep["eta"]) for key in RATES if key in settings}}
    if "run" in settings:
        found["run"] = follow_cells(settings["run"], sweep, several=False)
    if "t_c" in settings:
        found["t_c"] = choose_times(settings["t_c"], list(t_c))
    return found


def choose_times(choice: Any, times: Sequence[int]) -> list[int]:
    """Replace ``all`` or ``{nearest: [iterations]}`` by values of ``times``; leave a list unchanged.

    Without ``times``, the iterations in ``nearest`` are returned.
    """
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
    """Add the runs whose curvature or spectrum figures show to the settings of an experiment.

    Args:
        settings: settings of the experiment, without words.
        deterministic: batch sizes at which the training is deterministic.
        figures: settings of the figures of this experiment, without words and with ``draw``.
    """
    shown, spectrum = [], list(settings["curvature"]["spectrum"])
    for figure in figures:
        drawn = figure["draw"]
        if drawn in ALONG:
            shown.append({"eta": [figure[ALONG[drawn]]], "B": "all", "realizations": figure["realizations"]})
        if drawn in SPECTRA:
            eta = figure[SPECTRA[drawn]]
            for B in settings["sweep"]["B"]:  # a deterministic cell may have realization 0 alone
                realization = 0 if B in deterministic else figure["realization"]
                spectrum.append({"eta": [eta], "B": [B], "realizations": [realization]})
    return {**settings, "curvature": {**settings["curvature"], "shown": shown, "spectrum": spectrum}}
