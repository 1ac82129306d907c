"""Check the runs, images and branches that the settings of an experiment name."""

from collections.abc import Iterator, Mapping
from typing import Any

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.sweep import Cell, Run, Selection, canonical

Settings = Mapping[str, Any]
MIN_BRANCHES = 3


def not_in_sweep(where: str, experiment: Experiment, selection: Selection) -> Iterator[str]:
    """Yield a sentence for every learning rate, batch size and realization that the sweep lacks.

    Args:
        where: name of the setting, for the sentence.
        experiment: the experiment with the sweep.
        selection: the selected runs; a range of realizations is not checked.
    """
    sweep = experiment.sweep
    for eta in selection.eta or ():
        if eta not in sweep.eta:
            yield (
                f"{where}, eta = {eta}: not in sweep.eta; allowed are {', '.join(sweep.eta)}; choose one of these, "
                "or extend sweep.eta."
            )
    for B in selection.B or ():
        if B not in sweep.B:
            yield (
                f"{where}, B = {B}: not in sweep.B; allowed are {', '.join(map(str, sweep.B))}; choose one of these, "
                "or extend sweep.B."
            )
    for realization in () if isinstance(selection.realizations, range) else selection.realizations or ():
        cells = [cell for cell in sweep.cells if Run(*cell, realization) in selection]
        stochastic = [cell for cell in cells if not sweep.is_deterministic(cell)]
        lacking = [cell for cell in stochastic if realization >= sweep.count(cell)]
        if lacking:
            eta, B = lacking[0]
            yield (
                f"{where}, realization {realization}: not in the sweep; allowed are 0 to {sweep.count(lacking[0]) - 1} "
                f"for eta = {eta}, B = {B}; choose one of these, or raise sweep.realizations or sweep.counts."
            )
        elif cells and not stochastic and realization >= sweep.initializations:
            last = sweep.initializations - 1
            yield f"{where}, realization {realization}: not in the sweep; allowed for gradient descent " + (
                f"are 0 to {last}, one for each of training.initializations; choose one of these."
                if last
                else "is 0 only; choose 0."
            )


def selection_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every selected run or cell that the sweep lacks."""
    for selection, _ in experiment.sweep.counts:
        yield from not_in_sweep("sweep.counts", experiment, selection)
    for key, selections in (
        ("recording.checkpoints", experiment["recording"]["checkpoints"]),
        ("curvature.along", experiment["curvature"]["along"]),
        ("curvature.spectrum", experiment["curvature"]["spectrum"]),
        ("edge_of_stability.runs", experiment.settings.get("edge_of_stability", {}).get("runs", ())),
        ("continuations.runs", experiment.settings.get("continuations", {}).get("runs", ())),
    ):
        for selection in selections:
            yield from not_in_sweep(key, experiment, Selection.from_settings(selection))
    block = experiment["projection"]["block"]
    rates, realizations = tuple(map(canonical, block["eta"])), (block["realization"],)
    yield from not_in_sweep("projection.block", experiment, Selection(rates, tuple(block["B"]), realizations))
    for cell in experiment["projection"].get("cells", ()):
        chosen = Selection((canonical(cell["eta"]),), (cell["B"],), None)
        yield from not_in_sweep("projection.cells", experiment, chosen)


def subset_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every number of training images that is out of range or unequal for the classes."""
    images, classes = experiment["dataset"]["train_per_class"], experiment.classes
    for section in ("curvature", "edge_of_stability", "gradient_noise", "barriers", "paths"):
        per_class = experiment.settings.get(section, {}).get("per_class", 1)
        if images != "all" and per_class > images:
            yield (
                f"{section}.per_class = {per_class}: too many images; allowed are at most {images} "
                "(dataset.train_per_class); lower per_class."
            )
    for section in ("edge_of_stability", "gradient_noise"):
        settings = experiment.settings.get(section, {})
        drawn_from = settings.get("per_class", experiment.M) * classes
        for selection in map(Selection.from_settings, settings.get("runs", ())):
            for B in experiment.sweep.B if selection.B is None else selection.B:
                if drawn_from < B < experiment.M:
                    yield (
                        f"{section}.per_class = {settings['per_class']}: too few images ({drawn_from}) for minibatches "
                        f"of B = {B}; allowed are at least {-(-B // classes)}; raise per_class, or leave B = {B} out."
                    )
    number, largest = experiment["recording"].get("train_samples", "all"), experiment.M
    if number != "all" and (number > largest or number % classes):
        yield (
            f"recording.train_samples = {number}: too large, or not equal parts of {classes} classes; allowed are all, "
            f"and multiples of {classes} up to {largest // classes * classes}; change the value."
        )


def path_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence if ``paths`` has more Bezier curves than pairs of solutions."""
    paths = experiment.path_settings or {"pairs": 0}
    curves = paths.get("bezier", {}).get("pairs", 0)
    if curves > paths["pairs"]:
        yield (
            f"paths.bezier.pairs = {curves}: more curves than pairs of solutions; allowed are 1 to {paths['pairs']} "
            "(paths.pairs); lower the value, or raise paths.pairs."
        )


def continuation_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence if continuations have too few steps to meet the criterion of convergence."""
    settings = experiment.settings.get("continuations", {"steps": 1, "looks": 1, "every": 1})
    needed = settings["looks"] * settings["every"]
    if settings["steps"] < needed:
        yield (
            f"continuations.steps = {settings['steps']}: too few for {settings['looks']} looks every "
            f"{settings['every']} steps (looks, every); allowed are at least {needed}; raise steps."
        )


def branch_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence for every branched run that does not exist, and every t_c that is not recorded."""
    if "branches" in experiment:
        entries = [
            f"branches.{sentence}"
            for k, entry in enumerate(experiment["branches"]["runs"])
            for sentence in _entry_errors(experiment, f"runs[{k}]", entry)
        ]
        yield from [*entries, *_twice_branched(experiment)] or _reference_errors(experiment)


def _entry_errors(experiment: Experiment, where: str, entry: Settings) -> Iterator[str]:
    """Yield a sentence for every invalid setting of one entry of ``branches.runs``."""
    missing = list(not_in_sweep(where, experiment, Selection.from_settings(entry)))
    yield from missing
    absent = [key for key in ("t_c", "iterations") if key not in {**experiment["branches"], **entry}]
    yield from (
        f"{where}: missing required setting {key}; set {key} in the entry, or branches.{key}." for key in absent
    )
    times: Any = {**experiment["branches"], **entry}.get("t_c")
    whole = isinstance(times, Mapping) and all(isinstance(each, int) for each in times.values())
    if whole and (times["last"] - times["first"]) % times["step"]:
        yield (
            f"{where}.t_c = {{first: {times['first']}, last: {times['last']}, step: {times['step']}}}: last is not "
            f"reached; allowed for last - first are multiples of {times['step']}; change first, last or step."
        )
    for eta in () if missing or absent else map(canonical, entry["eta"]):
        yield from _branch_time_errors(experiment, where, entry, eta)


def _branch_time_errors(experiment: Experiment, where: str, entry: Settings, eta: str) -> Iterator[str]:
    """Yield a sentence for a t_c or a length of branches that does not match the recorded iterations.

    The branches are those of one entry of ``branches.runs`` and one learning rate.
    """
    points, T = experiment["branches"]["points"], experiment.sweep.iterations(eta)
    recorded = T // (experiment["recording"]["points"] - 1)
    t_c, iterations = experiment.branch_times(entry, eta), experiment.branch_iterations(entry, eta)
    spacing, rest = divmod(iterations, points - 1)
    if rest:
        yield (
            f"{where}.iterations = {iterations}: not divisible into equal recording steps; allowed are multiples "
            f"of branches.points - 1 = {points - 1}; change iterations or branches.points."
        )
        return
    count = len(t_c) * experiment["branches"].get("copies", 1)
    if count < MIN_BRANCHES:
        yield (
            f"{where}.t_c: too few branches ({count}) of a run of eta = {eta}; allowed are at least {MIN_BRANCHES}; "
            "add values of t_c."
        )
    for t in t_c:
        if t > T:
            yield (
                f"{where}.t_c = {t}: after the end of the run of eta = {eta}; allowed are at most {T} iterations; "
                "lower t_c."
            )
        elif t % recorded:
            yield (
                f"{where}.t_c = {t}: not a recorded iteration of the run of eta = {eta}; allowed are multiples of "
                f"{recorded} (recording.points); change t_c."
            )
        elif T - t > iterations or (T - t) % spacing:
            yield (
                f"{where}.iterations = {iterations}: the branch from t_c = {t} is not recorded at the end of the run "
                f"of eta = {eta}, after {T - t} iterations. Final values are taken there; allowed are at least {T - t} "
                f"iterations, and a recording step that divides {T - t} (now {spacing}); change iterations or "
                "branches.points."
            )
        else:
            continue
        return  # one sentence suffices: the other branches have the same fault


def _twice_branched(experiment: Experiment) -> Iterator[str]:
    seen: set[Cell] = set()
    for k, entry in enumerate(experiment["branches"]["runs"]):
        for cell in (Cell(canonical(eta), B) for eta in entry["eta"] for B in entry["B"]):
            if cell in seen:
                yield (
                    f"branches.runs[{k}], eta = {cell.eta}, B = {cell.B}: the cell is in two entries; allowed is one; "
                    "delete one entry."
                )
            seen.add(cell)


def _reference_errors(experiment: Experiment) -> Iterator[str]:
    """Yield a sentence if the reference run does not exist or is not branched."""
    run = experiment.reference_run
    missing = list(not_in_sweep("branches.reference", experiment, Selection.of(run)))
    yield from missing
    branched = experiment.branchings.get(run.cell)
    if not missing and (branched is None or run.realization not in branched.realizations):
        yield (
            f"branches.reference, eta = {run.eta}, B = {run.B}, realization {run.realization}: the run has no "
            "branches; allowed are runs in branches.runs; change the reference, or add the run to branches.runs."
        )
