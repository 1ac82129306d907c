"""Reuse of runs from other training files of the same cell.

A run does not depend on the other runs of its stack. A larger number of realizations changes the file name of a stack
that was not full, but not the runs of the stack. The workflow then copies these runs instead of training them again.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import RUNS_OF_A_STACK
from sgd_valleys.storage.parameters import read_parameters
from sgd_valleys.training.recording import SERIES, Recording, Trajectory

# attributes that are not compared, since equal code and equal parameters are enough
OF_FILE = {hdf5.CHECKSUM, "git_revision", "eta", "B"}


def code_digest(code: Iterable[str]) -> str:
    """Return one SHA-256 (hexadecimal) of the names and checksums of the code that a job executes."""
    return hashlib.sha256("\n".join(code).encode()).hexdigest()


def find_runs(
    result: str | Path,
    attributes: Mapping[str, Any],
    realizations: Sequence[int],
    checkpoints: Collection[int],
    log: logging.Logger,
) -> dict[Path, list[int]]:
    """Find the runs of a training file in other files of its cell, made with the same settings, data and code.

    Args:
        result: the file to be written, named ``..._r{first}-{last}.h5``.
        attributes: attributes of ``result``; those that do not depend on the stack have to agree.
        realizations: the realizations of ``result``.
        checkpoints: realizations for which ``result`` needs all parameters at every recorded time.
        log: receives a message for every file with such runs, and for every file that cannot be read.

    Returns:
        realizations by file, each realization once; a run without the checkpoints that it needs is left out.
    """
    result, found, wanted = Path(result), {}, _comparable(attributes)
    missing = set(realizations)
    for path in sorted(result.parent.glob(f"{result.name.rpartition('_r')[0]}_r*.h5")):
        if path == result:
            continue
        try:
            if _comparable(hdf5.read_attributes(path)) != wanted:
                continue
            stored = set(hdf5.read(path, ["realization"])["realization"].tolist())
            whole = set(_checkpoints(path))
        except UserError as error:
            log.info(f"no run is reused: {error}")
            continue
        runs = sorted(r for r in missing & stored if r in whole or r not in checkpoints)
        if runs:
            log.info(f"realizations {', '.join(map(str, runs))} are reused from {path}")
            found[path] = runs
            missing -= set(runs)
    return found


def _comparable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    found = json.loads(json.dumps({name: value for name, value in attributes.items() if name not in OF_FILE}))
    found["parameters"] = {name: value for name, value in found["parameters"].items() if name not in RUNS_OF_A_STACK}
    return found


def _checkpoints(path: Path) -> list[int]:
    return hdf5.read(path, ["checkpoint"])["checkpoint"].tolist() if "checkpoint" in hdf5.describe(path) else []


def load_runs(path: Path, runs: Sequence[int], checkpoints: Collection[int]) -> Trajectory:
    """Read runs of a training file.

    Args:
        path: the training file.
        runs: realizations, ascending.
        checkpoints: realizations whose parameters are also read at every recorded time.

    Raises:
        UserError: the file cannot be read.
    """
    stored = hdf5.read(path, ["realization", "iteration"])
    rows = {"realization": np.searchsorted(stored["realization"], runs)}
    series = hdf5.read(path, SERIES, rows)
    whole = sorted(set(runs) & set(checkpoints))
    points = len(stored["iteration"])
    subset = hdf5.read_attributes(path)["parameters"].get("train_samples")
    recording = Recording(points, {runs.index(r): range(points) for r in whole}, subset)
    at = {"checkpoint": [_checkpoints(path).index(r) for r in whole]}
    checkpoint = read_parameters(path, "checkpoint", at) if whole else {}
    final = read_parameters(path, "final", rows)
    return Trajectory(recording, stored["iteration"], **series, final=final, checkpoint=checkpoint)


def join(parts: Sequence[tuple[Sequence[int], Trajectory]]) -> Trajectory:
    """Join trajectories of different realizations of one cell, in the order of the realizations.

    Args:
        parts: realizations of each trajectory, and the trajectory.
    """
    if len(parts) == 1:  # without copies
        return parts[0][1]
    realizations = np.concatenate([own for own, _ in parts])
    order = np.argsort(realizations)
    series = {name: np.concatenate([getattr(part, name) for _, part in parts])[order] for name in SERIES}
    first = parts[0][1]
    final = {name: np.concatenate([part.final[name] for _, part in parts])[order] for name in first.final}
    whole = {own[run]: points for own, part in parts for run, points in part.recording.checkpoints.items()}
    rows = np.argsort(list(whole))
    stored = [part.checkpoint for _, part in parts if part.checkpoint]
    names = stored[0] if stored else ()
    checkpoint = {name: np.concatenate([arrays[name] for arrays in stored])[rows] for name in names}
    position = {int(r): k for k, r in enumerate(realizations[order])}
    points, subset = first.recording.points, first.recording.train_samples
    recording = Recording(points, {position[r]: whole[r] for r in sorted(whole)}, subset)
    return Trajectory(recording, first.iteration, **series, final=final, checkpoint=checkpoint)
