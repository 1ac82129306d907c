"""Compare schedules of the noise at equal iterations and at equal training loss (control C8: when does noise matter?).

The first experiment is the reference, trained by minibatches throughout. The others switch noise or learning rate once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sgd_valleys.controls.arms import read_arms, tabulate
from sgd_valleys.controls.crossing import value_at_loss
from sgd_valleys.controls.text import format_known
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import interval
from sgd_valleys.storage.cells import read_cells
from sgd_valleys.storage.hdf5 import Variable

KEY = 8  # of the random streams of this control
KINDS = ("constant", "noise until", "noise from", "eta until")  # of a schedule, stored by their position


def classify(training: Mapping[str, Any]) -> tuple[int, float]:
    """Return the kind of a section ``training``, a position in ``KINDS``, and the share of the run at its switch.

    A training without a switch, or with a switch of another kind, has kind 0 and the share NaN.
    """
    schedule = training.get("schedule", [])
    if len(schedule) != 2 or not isinstance(schedule[0]["until"], int | float):
        return 0, np.nan
    first, last = schedule
    switch = float(first["until"])
    if "eta" in last:
        return KINDS.index("eta until"), switch
    if last.get("noise") == "none":
        return KINDS.index("noise until"), switch
    return (KINDS.index("noise from"), switch) if first.get("noise") == "none" else (0, np.nan)


def equal_loss(losses: Sequence[np.ndarray], kinds: Sequence[int]) -> float:
    """Return the training loss (nat) of the comparison: the largest final loss of the arms of constant learning rate.

    Every run of these arms reaches this loss. Arms that lower the learning rate are left out: their descent stops at a
    high loss, which most runs reach before their switch. NaN if no final loss is finite.

    Args:
        losses: (run, time) training loss of each arm in nat.
        kinds: position in ``KINDS`` of each arm.
    """
    constant = [loss for loss, kind in zip(losses, kinds, strict=True) if KINDS[kind] != "eta until"]
    final = np.concatenate([loss[:, -1] for loss in constant])
    return float(np.nanmax(final)) if np.isfinite(final).any() else np.nan


def analyze(files: Mapping[str, Any], settings: Mapping[str, Any], log: Any) -> dict[str, Variable]:
    """Compute the numbers of Fig. C8: the schedules at the end of the runs, and F at equal training loss.

    Args:
        files: the files of ``arms.read_arm``; ``NAME/train`` and ``NAME/curvature``, lists.
        settings: ``experiments``, the reference first; ``training``, the changed settings of each; ``seed`` and
            ``resamples``.
        log: receives one line for each headline number.
    """
    experiments = settings["experiments"]
    arms = read_arms(files, settings, KEY)
    variables = tabulate(arms, experiments, log)
    kinds, switches = zip(*(classify(settings["training"][name]) for name in experiments), strict=True)
    variables |= {
        "kind": Variable(
            ("arm",), kinds, "kind of the schedule: " + ", ".join(f"{k} {n}" for k, n in enumerate(KINDS))
        ),
        "switch": Variable(("arm",), switches, "share of the iterations at which the schedule switches"),
    }
    along = {}
    for name in experiments:
        (trained,) = read_cells(files[f"{name}/train"], ["train_loss"]).values()
        (measured,) = read_cells(files[f"{name}/curvature"], ["flatness"]).values()
        runs = np.flatnonzero(np.isfinite(measured["flatness"]).sum(axis=1) > 1)
        along[name] = trained["train_loss"][runs], measured["flatness"][runs]
    level = equal_loss([loss for loss, _ in along.values()], kinds)
    rows = []
    for name, (loss, flatness) in along.items():
        rng = stream(settings["seed"], Stage.CONTROLS, KEY, *name.encode())
        rows.append(interval(value_at_loss(loss, flatness, level), rng, settings["resamples"]))
        found = format_known(np.array(rows[-1])) if np.isfinite(rows[-1][0]) else "not reached"
        log.info(f"{name}: F at the training loss {level:.3g}: {found} of {len(loss)} runs")
    mean, low, high = np.transpose(rows)
    return variables | {
        "level": Variable((), level, "training loss that all runs of a constant learning rate reach", "nat"),
        "flatness_at_level": Variable(("arm",), mean, "mean F where the training loss first falls to level", "1/nat"),
        "flatness_at_level_interval": Variable(
            ("bound", "arm"), [low, high], "of flatness_at_level: central 95% of the bootstrap over runs", "1/nat"
        ),
    }
