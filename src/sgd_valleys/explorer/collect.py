"""What the page shows, from files of results to plain values that JSON can hold: null where nothing finite is."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sgd_valleys.config.sweep import canonical
from sgd_valleys.figures import panels
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import grid, read_cells

DIGITS = 12  # to which averages count as the same in a ranking: their last bits depend on the order of summation


@dataclass(frozen=True)
class Map:
    """A heatmap: its symbol as HTML, what it is, and which cell comes first in it ("flattest").

    ``lowest`` ranks the smallest first; ``log`` colours by the logarithm; ``span`` is what its colours go over, where
    that is not from the smallest value to the largest.
    """

    symbol: str
    title: str
    place: str
    lowest: bool = False
    log: bool = False
    span: tuple[float, float] | None = None


MAPS = {
    "similarity": Map("⟨Sim<sub>J</sub>⟩", "similarity of a cell’s solutions", "most alike"),
    "convergence_probability": Map(
        "P<sub>converge</sub>", "share of runs that converge", "most often converged", span=(0, 1)
    ),
    "max_test_accuracy": Map("max(Acc<sub>test</sub>)", "best test accuracy", "most accurate"),
    "mean_test_accuracy": Map("⟨Acc<sub>test</sub>⟩", "mean test accuracy", "most accurate"),
    "max_test_file_accuracy": Map("max(Acc<sub>file</sub>)", "best accuracy on the whole test file", "most accurate"),
    "mean_test_file_accuracy": Map("⟨Acc<sub>file</sub>⟩", "mean accuracy on the whole test file", "most accurate"),
    "max_flatness": Map("max(F)", "flatness of the flattest solution", "flattest"),
    "mean_flatness": Map("⟨F⟩", "mean flatness", "flattest"),
    "eta_t_freeze": Map("η⟨t<sub>freeze</sub>⟩", "mean time of freezing", "latest to freeze", log=True),
    "mean_train_loss": Map("⟨ℒ<sub>train</sub>⟩", "mean final training loss", "lowest in loss", lowest=True, log=True),
    "mean_test_loss": Map("⟨ℒ<sub>test</sub>⟩", "mean final test loss", "lowest in loss", lowest=True, log=True),
    "mean_train_accuracy": Map("⟨Acc<sub>train</sub>⟩", "mean training accuracy", "most accurate"),
    "displacement_cosine": Map("⟨cos⟩", "cosine of displacements from the start", "most alike"),
    "mean_displacement": Map("⟨‖Δθ‖⟩", "mean displacement from the start", "farthest"),
}
CONVERGED, NOT_CONVERGED, DIVERGED = STATES = ("converged", "not converged", "diverged")


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array as base64 of its float32 in little-endian order, with its shape; not finite values become NaN."""
    values = np.where(np.isfinite(array), array, np.nan).astype("<f4")
    return {"shape": list(values.shape), "f4": base64.b64encode(values.tobytes()).decode()}


def plain(array: np.ndarray) -> Any:
    """An array as nested lists, to the last digit; None where it is not finite."""
    if array.dtype.kind != "f":
        return array.tolist()
    return np.where(np.isfinite(array), array.astype(object), None).tolist()


def ranks(values: np.ndarray, lowest: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Places of values among the finite ones, 1 for the largest (or the smallest), alike where values are.

    Args:
        values: of any shape.
        lowest: whether the smallest comes first.

    Returns:
        of the values' shape: the place, 0 for what is not finite; and how many share it.
    """
    place, share = np.zeros((2, *values.shape), dtype=int)
    finite = np.isfinite(values)
    signed = np.round(values[finite] if lowest else -values[finite], DIGITS)
    _, which, count = np.unique(signed, return_inverse=True, return_counts=True)
    before = np.cumsum(count) - count
    place[finite], share[finite] = 1 + before[which], count[which]
    return place, share


def maps_of(thresholds: np.ndarray) -> dict[str, Map]:
    """The maps there are, with one for each threshold of the freezing time after the first, which Fig. S3 is about."""
    first = MAPS["eta_t_freeze"]
    others = {
        f"eta_t_freeze_{L_c:g}": replace(
            first, symbol=f"{first.symbol}, L<sub>c</sub> = {L_c:g}", title=f"{first.title}, L<sub>c</sub> = {L_c:g}"
        )
        for L_c in thresholds[1:]
    }
    return MAPS | others


def heatmap(name: str, known: Map, values: np.ndarray) -> dict[str, Any]:
    """A map with its values (eta, B) and each cell's place among the others."""
    place, share = ranks(values, known.lowest)
    return {
        "name": name,
        **{key: getattr(known, key) for key in ("symbol", "title", "place", "log", "span")},
        "values": plain(values),
        "rank": plain(place),
        "share": plain(share),
    }


def heatmaps(ends: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """The heatmaps of a sweep, from ``endpoints.h5`` and ``freezing.h5``.

    As in the figures, accuracy and flatness are over the converged runs, freezing times over the runs that freeze, and
    losses, training accuracy and displacement over all that stay finite; a cell without a converged run is empty, but
    in the map that says so.
    """
    values = {name: ends[name] for name in ("similarity", "convergence_probability", "displacement_cosine")}
    for quantity in ("test_accuracy", "test_file_accuracy", "flatness"):
        for prefix, reduce in (("max", np.max), ("mean", np.mean)):
            values[f"{prefix}_{quantity}"] = panels.reduce_cells(ends[quantity], reduce, among=ends["converged"])
    known = maps_of(ends["threshold"])
    for k, name in enumerate(name for name in known if name.startswith("eta_t_freeze")):
        values[name] = panels.mean_freezing(dict(ends), k)
    for quantity in ("train_loss", "test_loss", "train_accuracy", "displacement"):
        values[f"mean_{quantity}"] = panels.reduce_cells(ends[quantity], np.mean)
    shown = panels.converging(ends["converged"])
    values |= {
        name: np.where(shown, each, np.nan) for name, each in values.items() if name != "convergence_probability"
    }
    return [heatmap(name, each, values[name]) for name, each in known.items()]


def cell_runs(
    ends: Mapping[str, np.ndarray], at: tuple[int, int], train: Mapping[str, np.ndarray], bent: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """The runs of a cell: how they went, and where they ended.

    Args:
        ends: of the whole sweep, ``endpoints.h5`` and ``freezing.h5``.
        at: the cell's place in it.
        train: the cell's ``realization``, and its ``train_loss`` (realization, time).
        bent: its ``flatness`` (realization, time), NaN at times at which it was not taken.
    """
    runs = train["realization"]
    final = {name: ends[name][at][runs] for name in ("train_loss", "test_accuracy", "test_file_accuracy", "flatness")}
    final["freezing_time"] = ends["freezing_time"][0][at][runs]
    state = np.where(ends["converged"][at], CONVERGED, np.where(ends["diverged"][at], DIVERGED, NOT_CONVERGED))[runs]
    followed = np.flatnonzero(np.isfinite(bent["flatness"]).sum(axis=1) > 1)
    return {
        "realization": plain(runs),
        "state": plain(state),
        "loss": packed(train["train_loss"]),
        "final": {name: plain(values) for name, values in final.items()},
        "followed": plain(bent["realization"][followed]),
        "flatness": packed(bent["flatness"][followed]),
    }


def block(path: str) -> dict[str, Any]:
    """The trajectories of Fig. 1A, from ``projection.h5``.

    Returns:
        of the block's runs ``eta`` and ``B`` (run), packed ``pc`` (run, time, component) and ``loss`` (run, time, nat),
        NaN for a diverged run; ``explained`` (component), the share of the variance.

    Raises:
        UserError: the file is missing or damaged.
    """
    found = hdf5.read(path, ["block_pc", "block_loss", "block_eta", "block_B", "block_explained"])
    # a diverged run has no place in the plane, but a loss up to its end, which would stretch the height
    placed = np.isfinite(found["block_pc"]).all(axis=-1)
    return {
        "eta": [canonical(rate) for rate in found["block_eta"]],
        "B": plain(found["block_B"]),
        "pc": packed(found["block_pc"]),
        "loss": packed(np.where(placed, found["block_loss"], np.nan)),
        "explained": plain(found["block_explained"]),
    }


def branches(paths: Mapping[str, str], reference: Sequence[Any]) -> dict[str, Any]:
    """The SGD run of Fig. 4A and its branches.

    Args:
        paths: ``run``, the file of the run's stack, and of its branches ``train``, ``projection`` and ``endpoints``.
        reference: (eta, B, realization) of the run.

    Returns:
        the run's ``eta``, ``B``, ``realization``, ``freezing_time`` and ``run_iteration`` (run time), packed ``run_pc``
        (run time, component) and ``run_loss`` (run time, nat); of the branches ``t_c`` and final ``flatness`` (branch,
        1/nat), ``iteration`` (time), packed ``pc`` (branch, time, component) and ``loss`` (branch, time, nat);
        ``explained`` (component), the share of the variance.

    Raises:
        UserError: a file is missing or damaged.
    """
    eta, B, realization = reference
    place = hdf5.read(paths["projection"], ["t_c", "iteration", "pc", "run_iteration", "run_pc", "explained"])
    ends = hdf5.read(paths["endpoints"], ["flatness", "freezing_time"])
    run = hdf5.read(paths["run"], ["train_loss"], hdf5.position(paths["run"], "realization", realization))
    return {
        "eta": eta,
        "B": B,
        "realization": realization,
        **{name: plain(place[name]) for name in ("t_c", "iteration", "run_iteration", "explained")},
        **{name: packed(place[name]) for name in ("pc", "run_pc")},
        "loss": packed(hdf5.read(paths["train"], ["train_loss"])["train_loss"]),
        "run_loss": packed(run["train_loss"]),
        "flatness": plain(ends["flatness"]),
        "freezing_time": plain(ends["freezing_time"]),
    }


def experiment(paths: Mapping[str, Any], reference: Sequence[Any] | None) -> dict[str, Any]:
    """All that the page shows of an experiment.

    Args:
        paths: ``endpoints``, ``freezing`` and ``projection``; the lists ``train`` and ``curvature``, a file each stack;
            and what ``branches`` needs under the names ``branch_...``, where there are any.
        reference: (eta, B, realization) of the run with branches; None without them.

    Returns:
        the sweep's ``eta``, ``B``, ``full_batch`` (the B of gradient descent, or None) and ``L_c`` (nat), ``iteration``
        (time) by rate, the list ``maps``, ``cells`` (eta, B) as of ``cell_runs``, None where a cell was not run,
        ``block``, and ``branches`` or None.

    Raises:
        UserError: a file is missing or damaged.
    """
    ends = hdf5.read(paths["endpoints"]) | hdf5.read(paths["freezing"], ["threshold", "freezing_time"])
    train = read_cells(paths["train"], ["train_loss"], shared=["iteration"])
    bent = read_cells(paths["curvature"], ["flatness"])
    etas, Bs = grid(train)
    cells: list[list[dict[str, Any] | None]] = [[None] * len(Bs) for _ in etas]
    for (eta, B), runs in train.items():
        at = etas.index(eta), Bs.index(B)
        cells[at[0]][at[1]] = cell_runs(ends, at, runs, bent[eta, B])
    found = {
        "eta": [canonical(eta) for eta in etas],
        "B": Bs,
        "full_batch": panels.full_batch(ends["B"], ends["runs"]),
        "L_c": float(ends["threshold"][0]),
        "iteration": {canonical(eta): plain(runs["iteration"]) for (eta, _), runs in train.items()},
        "maps": heatmaps(ends),
        "cells": cells,
        "block": block(paths["projection"]),
        "branches": None,
    }
    if reference:
        own = {name.removeprefix("branch_"): path for name, path in paths.items() if name.startswith("branch_")}
        found["branches"] = branches(own, reference)
    return found


def diagram(path: str) -> dict[str, Any]:
    """A phase diagram of the two-valley model.

    Returns:
        ``eta`` and ``sigma`` as text, ``stable`` (eta), and of ``p_flat`` and ``eta_t_freeze``, eta <t_freeze>, the
        ``values`` and their standard ``error`` (eta, sigma).

    Raises:
        UserError: the file is missing or damaged.
    """
    names = ["eta", "sigma", "stable", "p_flat", "p_flat_error", "freezing_time", "freezing_time_error"]
    found = hdf5.read(path, names)
    rate = found["eta"][:, None]
    quantities = {
        "p_flat": (found["p_flat"], found["p_flat_error"]),
        "eta_t_freeze": (rate * found["freezing_time"], rate * found["freezing_time_error"]),
    }
    return {
        "eta": [f"{value:.4g}" for value in found["eta"]],
        "sigma": [f"{value:.4g}" for value in found["sigma"]],
        "stable": plain(found["stable"]),
        **{name: {"values": plain(values), "error": plain(error)} for name, (values, error) in quantities.items()},
    }
