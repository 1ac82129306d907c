"""Whether the runs that an experiment names exist, and are recorded where branches leave them."""

from collections.abc import Iterator, Mapping
from typing import Any

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.sweep import Cell, Run, Selection, canonical

Settings = Mapping[str, Any]
MIN_BRANCHES = 3


def not_in_sweep(where: str, experiment: Experiment, selection: Selection) -> Iterator[str]:
    """Refuse rates, batch sizes and realizations that the sweep does not run."""
    sweep = experiment.sweep
    for eta in selection.eta or ():
        if eta not in sweep.eta:
            yield f"{where}: eta = {eta} is not in sweep.eta, which has {', '.join(sweep.eta)}."
    for B in selection.B or ():
        if B not in sweep.B:
            yield f"{where}: B = {B} is not in sweep.B, which has {', '.join(map(str, sweep.B))}."
    for realization in () if isinstance(selection.realizations, range) else selection.realizations or ():
        cells = [cell for cell in sweep.cells if Run(*cell, realization) in selection]
        stochastic = [cell for cell in cells if not sweep.is_deterministic(cell)]
        lacking = [cell for cell in stochastic if realization >= sweep.count(cell)]
        if lacking:
            eta, B = lacking[0]
            yield (
                f"{where}: realization {realization} does not exist: the sweep has 0 to {sweep.count(lacking[0]) - 1} "
                f"of eta = {eta}, B = {B} (sweep.realizations, sweep.counts)."
            )
        elif cells and not stochastic and realization >= sweep.initializations:
            last = sweep.initializations - 1
            yield f"{where}: realization {realization} does not exist: gradient descent has " + (
                f"0 to {last}, one for each of training.initializations." if last else "realization 0 alone."
            )


def selection_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse selections of runs that the sweep does not have."""
    for selection, _ in experiment.sweep.counts:
        yield from not_in_sweep("sweep.counts", experiment, selection)
    for key, selections in (
        ("recording.checkpoints", experiment["recording"]["checkpoints"]),
        ("curvature.along", experiment["curvature"]["along"]),
        ("curvature.spectrum", experiment["curvature"]["spectrum"]),
        ("edge_of_stability.runs", experiment.settings.get("edge_of_stability", {}).get("runs", ())),
    ):
        for selection in selections:
            yield from not_in_sweep(key, experiment, Selection.from_settings(selection))
    block = experiment["projection"]["block"]
    rates, realizations = tuple(map(canonical, block["eta"])), (block["realization"],)
    yield from not_in_sweep("projection.block", experiment, Selection(rates, tuple(block["B"]), realizations))
    for cell in experiment["projection"].get("cells", ()):
        chosen = Selection((canonical(cell["eta"]),), (cell["B"],), None)
        yield from not_in_sweep("projection.cells", experiment, chosen)


def branch_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse branches of runs that do not exist, or at times that are not recorded."""
    if "branches" in experiment:
        entries = [
            f"branches.{sentence}"
            for k, entry in enumerate(experiment["branches"]["runs"])
            for sentence in _entry_errors(experiment, f"runs[{k}]", entry)
        ]
        yield from [*entries, *_twice_branched(experiment)] or _reference_errors(experiment)


def _entry_errors(experiment: Experiment, where: str, entry: Settings) -> Iterator[str]:
    """Refuse branches that start or end where nothing is recorded."""
    missing = list(not_in_sweep(where, experiment, Selection.from_settings(entry)))
    yield from missing
    absent = [key for key in ("t_c", "iterations") if key not in {**experiment["branches"], **entry}]
    yield from (f"{where} lacks {key}: set it here or as branches.{key}." for key in absent)
    times = {**experiment["branches"], **entry}.get("t_c")
    whole = isinstance(times, Mapping) and all(isinstance(each, int) for each in times.values())
    if whole and (times["last"] - times["first"]) % times["step"]:
        yield (
            f"{where}.t_c goes from {times['first']} to {times['last']} in steps of {times['step']}: "
            "it has to reach its last in whole steps."
        )
    for eta in () if missing or absent else map(canonical, entry["eta"]):
        yield from _branch_time_errors(experiment, where, entry, eta)


def _branch_time_errors(experiment: Experiment, where: str, entry: Settings, eta: str) -> Iterator[str]:
    """Refuse branches of the runs of one learning rate at times, or of lengths, that are not recorded."""
    points, T = experiment["branches"]["points"], experiment.sweep.iterations(eta)
    recorded = T // (experiment["recording"]["points"] - 1)
    t_c, iterations = experiment.branch_times(entry, eta), experiment.branch_iterations(entry, eta)
    spacing, rest = divmod(iterations, points - 1)
    if rest:
        yield (
            f"{where}.iterations: {iterations} cannot be recorded at branches.points = "
            f"{points} equally spaced whole ones: change one of them."
        )
        return
    if len(t_c) < MIN_BRANCHES:
        yield f"{where}.t_c names {len(t_c)} branches of a run of eta = {eta}: at least {MIN_BRANCHES} are needed."
    for t in t_c:
        if t > T:
            yield f"{where}.t_c: {t} is beyond the run of eta = {eta}, which lasts {T} iterations."
        elif t % recorded:
            yield (
                f"{where}.t_c: {t} is no checkpoint of a run of eta = {eta}, which is recorded every "
                f"{recorded} iterations (recording.points)."
            )
        elif T - t > iterations or (T - t) % spacing:
            yield (
                f"{where}.iterations: the branch from t_c = {t} is recorded every {spacing} of its "
                f"{iterations} iterations, and not at its {T - t}th, the end of the run of "
                f"eta = {eta}, where final values are taken: change iterations or branches.points."
            )
        else:
            continue
        return  # the first wrong branch shows what is wrong with all


def _twice_branched(experiment: Experiment) -> Iterator[str]:
    seen: set[Cell] = set()
    for k, entry in enumerate(experiment["branches"]["runs"]):
        for cell in (Cell(canonical(eta), B) for eta in entry["eta"] for B in entry["B"]):
            if cell in seen:
                yield (f"branches.runs[{k}]: eta = {cell.eta}, B = {cell.B} is branched by two entries: keep one.")
            seen.add(cell)


def _reference_errors(experiment: Experiment) -> Iterator[str]:
    """Refuse a reference run that does not exist or is not branched."""
    run = experiment.reference_run
    missing = list(not_in_sweep("branches.reference", experiment, Selection.of(run)))
    yield from missing
    branched = experiment.branchings.get(run.cell)
    if not missing and (branched is None or run.realization not in branched.realizations):
        yield (
            f"branches.reference: the run of eta = {run.eta}, B = {run.B}, realization {run.realization} is not "
            "branched: name it in branches.runs."
        )
