"""Values of the explorer, from files of results to plain values for JSON; None for non-finite numbers."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sgd_valleys.config.sweep import canonical
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import locate_cell, read_cells

Arrays = Mapping[str, np.ndarray]
RANK_DIGITS = 12  # digits for ranks, since the last bits of a mean depend on the order of summation
ENDPOINTS = ("converged", "diverged", "train_loss", "test_file_loss", "test_accuracy", "test_file_accuracy", "flatness")


@dataclass(frozen=True)
class MapStyle:
    """How the page shows a map over (eta, B)."""

    symbol: str  # HTML
    title: str
    superlative: str  # description of the cell with rank 1, as in "flattest"
    lowest: bool = False  # whether rank 1 is the smallest value
    log: bool = False  # whether colours follow the logarithm
    span: tuple[float, float] | None = None  # range of the colours; by default from the smallest to the largest value


TEST_FILE = "the whole test file"
LOSS: dict[str, Any] = {"superlative": "lowest in loss", "lowest": True, "log": True}
MAPS = {  # by their names in cell_maps.h5
    "similarity": MapStyle("⟨Sim<sub>J</sub>⟩", "similarity of a cell’s solutions", "most similar"),
    "convergence_probability": MapStyle(
        "P<sub>converge</sub>", "fraction of runs that converge", "most often converged", span=(0, 1)
    ),
    "max_test_accuracy": MapStyle("max(Acc<sub>test</sub>)", "best test accuracy", "most accurate"),
    "mean_test_accuracy": MapStyle("⟨Acc<sub>test</sub>⟩", "mean test accuracy", "most accurate"),
    "max_test_file_accuracy": MapStyle("max(Acc<sub>file</sub>)", f"best accuracy on {TEST_FILE}", "most accurate"),
    "mean_test_file_accuracy": MapStyle("⟨Acc<sub>file</sub>⟩", f"mean accuracy on {TEST_FILE}", "most accurate"),
    "max_flatness": MapStyle("max(F)", "flatness of the flattest solution", "flattest"),
    "mean_flatness": MapStyle("⟨F⟩", "mean flatness", "flattest"),
    "eta_t_freeze": MapStyle("η⟨t<sub>freeze</sub>⟩", "mean freezing time", "latest to freeze", log=True),
    "mean_train_loss": MapStyle("⟨ℒ<sub>train</sub>⟩", "mean final training loss", **LOSS),
    "mean_test_loss": MapStyle("⟨ℒ<sub>test</sub>⟩", "mean final test loss", **LOSS),
    "mean_train_accuracy": MapStyle("⟨Acc<sub>train</sub>⟩", "mean training accuracy", "most accurate"),
    "displacement_cosine": MapStyle("⟨cos⟩", "cosine of displacements from the start", "most similar"),
    "mean_displacement": MapStyle("⟨‖Δθ‖⟩", "mean displacement from the start", "farthest"),
}


def pack(array: np.ndarray) -> dict[str, Any]:
    """Return an array as base64 of little-endian float32, with its shape; non-finite values become NaN."""
    values = np.where(np.isfinite(array), array, np.nan).astype("<f4")
    return {"shape": list(values.shape), "f4": base64.b64encode(values.tobytes()).decode()}


def to_json(array: np.ndarray) -> Any:
    """Return an array as nested lists without rounding; None where it is not finite."""
    if array.dtype.kind != "f":
        return array.tolist()
    return np.where(np.isfinite(array), array.astype(object), np.array(None)).tolist()


def ranks(values: np.ndarray, lowest: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Rank the finite values, the largest first unless ``lowest``; equal values share a rank.

    Returns:
        two arrays of the shape of ``values``: the rank, 0 for non-finite values, and the number of values of that rank.
    """
    rank, share = np.zeros((2, *values.shape), dtype=int)
    finite = np.isfinite(values)
    signed = np.round(values[finite] if lowest else -values[finite], RANK_DIGITS)
    _, which, count = np.unique(signed, return_inverse=True, return_counts=True)
    rank[finite], share[finite] = (1 + np.cumsum(count) - count)[which], count[which]
    return rank, share


def heatmaps(cell_maps: Arrays) -> list[dict[str, Any]]:
    """Return the heatmaps of a sweep, from the arrays of ``cell_maps.h5``, with their values (eta, B) and ranks.

    A cell without a converged run is empty in every map except that of the convergence probability. Every threshold of
    the freezing time after the first, L_c, has its own map, as in Fig. S3.
    """
    styles, values = dict(MAPS), {name: cell_maps[name] for name in MAPS}
    first = MAPS["eta_t_freeze"]
    for L_c, times in list(zip(cell_maps["threshold"], cell_maps["eta_t_freeze_by_threshold"], strict=True))[1:]:
        name, suffix = f"eta_t_freeze_{L_c:g}", f", L<sub>c</sub> = {L_c:g}"
        styles[name], values[name] = replace(first, symbol=first.symbol + suffix, title=first.title + suffix), times
    found = []
    for name, style in styles.items():
        hidden = (cell_maps["convergence_probability"] == 0) & (name != "convergence_probability")
        shown = np.where(hidden, np.nan, values[name])
        rank, share = ranks(shown, style.lowest)
        arrays = {"values": to_json(shown), "rank": to_json(rank), "share": to_json(share)}
        found.append({"name": name, **asdict(style), **arrays})
    return found


def final_values(endpoints: Arrays, cell: tuple[int, int], runs: np.ndarray) -> dict[str, Any]:
    """Return the state and final values of ``runs`` (run) of a cell, from the arrays of ``cell_runs``."""
    own = {name: array[cell][runs] for name, array in endpoints.items()}
    state = np.where(own.pop("converged"), "converged", np.where(own.pop("diverged"), "diverged", "not converged"))
    return {
        "realization": to_json(runs),
        "state": to_json(state),
        "final": {name: to_json(values) for name, values in own.items()},
    }


def cell_runs(endpoints: Arrays, cell: tuple[int, int], train: Arrays, curvature: Arrays) -> dict[str, Any]:
    """Return the state, final values and curves of the runs of a cell.

    Args:
        endpoints: arrays (eta, B, realization): ``ENDPOINTS``, and ``freezing_time`` at the first threshold.
        cell: position on the axes (eta, B).
        train: the cell's ``realization``, and ``train_loss`` (realization, time).
        curvature: its ``realization``, and ``flatness`` (realization, time), NaN where it was not measured.
    """
    has_curve = np.flatnonzero(np.isfinite(curvature["flatness"]).sum(axis=1) > 1)
    return {
        **final_values(endpoints, cell, train["realization"]),
        "loss": pack(train["train_loss"]),
        "flatness_realization": to_json(curvature["realization"][has_curve]),
        "flatness": pack(curvature["flatness"][has_curve]),
    }


def read_block(path: str) -> dict[str, Any]:
    """Read the trajectories of Fig. 1A from ``projection.h5``.

    Returns:
        ``eta`` and ``B`` (run) of the block's runs; packed ``pc`` (run, time, component) and ``loss`` (run, time), NaN
        for a diverged run; ``explained`` (component), the fraction of the variance.

    Raises:
        UserError: the file is missing or damaged.
    """
    block = hdf5.read(path, ["block_pc", "block_loss", "block_eta", "block_B", "block_explained"])
    # A diverged run has no coordinates, but its finite losses before divergence would stretch the height.
    finite = np.isfinite(block["block_pc"]).all(axis=-1)
    return {
        "eta": [canonical(rate) for rate in block["block_eta"]],
        "B": to_json(block["block_B"]),
        "pc": pack(block["block_pc"]),
        "loss": pack(np.where(finite, block["block_loss"], np.nan)),
        "explained": to_json(block["block_explained"]),
    }


def read_branches(paths: Mapping[str, str], reference: Sequence[Any]) -> dict[str, Any]:
    """Read the SGD run of Fig. 4A and its branches.

    Args:
        paths: ``branch_run``, the file of the run; ``branch_train``, ``branch_projection`` and ``branch_endpoints``,
            the files of its branches.
        reference: (eta, B, realization) of the run.

    Returns:
        the run's ``eta``, ``B``, ``realization``, ``freezing_time`` and ``run_iteration`` (run time), packed ``run_pc``
        (run time, component) and ``run_loss`` (run time); the branches' ``t_c`` and final ``flatness`` (branch),
        ``iteration`` (time), packed ``pc`` (branch, time, component) and ``loss`` (branch, time); ``explained``
        (component), the fraction of the variance.

    Raises:
        UserError: a file is missing or damaged.
    """
    eta, B, realization = reference
    names = ["t_c", "iteration", "pc", "run_iteration", "run_pc", "explained"]
    projection = hdf5.read(paths["branch_projection"], names)
    endpoints = hdf5.read(paths["branch_endpoints"], ["flatness", "freezing_time"])
    row = hdf5.position(paths["branch_run"], "realization", realization)
    return {
        "eta": eta,
        "B": B,
        "realization": realization,
        **{name: (pack if name in ("pc", "run_pc") else to_json)(array) for name, array in projection.items()},
        "loss": pack(hdf5.read(paths["branch_train"], ["train_loss"])["train_loss"]),
        "run_loss": pack(hdf5.read(paths["branch_run"], ["train_loss"], row)["train_loss"]),
        **{name: to_json(array) for name, array in endpoints.items()},
    }


def _read_endpoints(paths: Mapping[str, Any]) -> dict[str, np.ndarray]:
    endpoints = hdf5.read(paths["endpoints"], ENDPOINTS)
    return endpoints | {"freezing_time": hdf5.read(paths["freezing"], ["freezing_time"])["freezing_time"][0]}


def _read_axes(paths: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``eta``, ``B``, ``deterministic`` and ``units`` as in ``read_experiment``."""
    described, axes = hdf5.describe(paths["endpoints"]), hdf5.read(paths["endpoints"], ["eta", "B", "gradient_descent"])
    return {
        "eta": [canonical(eta) for eta in axes["eta"]],
        "B": to_json(axes["B"]),
        "deterministic": axes["B"][axes["gradient_descent"] == 1].tolist(),
        "units": {name: described[name].units for name in ("train_loss", "flatness")},
    }


def read_arm(paths: Mapping[str, Any], reference: None = None) -> dict[str, Any]:
    """Read an experiment of one cell that the page shows only as an arm.

    Args:
        paths: ``endpoints`` and ``freezing``.
        reference: not used, since arms have no branches on the page.

    Returns:
        ``eta``, ``B``, ``deterministic``, ``units`` and ``cells`` as in ``read_experiment``, without curves.
    """
    endpoints = _read_endpoints(paths)
    count = int(hdf5.read(paths["endpoints"], ["runs"])["runs"][0, 0])
    return _read_axes(paths) | {"cells": [[final_values(endpoints, (0, 0), np.arange(count))]]}


def read_experiment(paths: Mapping[str, Any], reference: Sequence[Any] | None) -> dict[str, Any]:
    """Read the values of an experiment on the page.

    Args:
        paths: ``cell_maps``, ``endpoints``, ``freezing`` and ``projection``; the lists ``train`` and ``curvature``;
            with branches also those of ``read_branches``.
        reference: (eta, B, realization) of the run with branches; None without branches.

    Returns:
        the sweep's ``eta``, ``B``, ``deterministic`` (B without noise) and ``L_c``; ``units`` of ``train_loss`` and
        ``flatness``; ``iteration`` (time) by learning rate; the list ``maps``; ``cells`` (eta, B) from ``cell_runs``,
        None without runs; ``block``; ``branches`` or None.

    Raises:
        UserError: a file is missing or damaged.
    """
    cell_maps = hdf5.read(paths["cell_maps"])
    endpoints = _read_endpoints(paths)
    train = read_cells(paths["train"], ["train_loss"], shared=["iteration"])
    curvature = read_cells(paths["curvature"], ["flatness"])
    cells: list[list[dict[str, Any] | None]] = [[None] * len(cell_maps["B"]) for _ in cell_maps["eta"]]
    for (eta, B), runs in train.items():
        i, j = locate_cell(cell_maps["eta"], cell_maps["B"], eta, B)
        cells[i][j] = cell_runs(endpoints, (i, j), runs, curvature[eta, B])
    return {
        **_read_axes(paths),
        "L_c": float(cell_maps["threshold"][0]),
        "iteration": {canonical(eta): to_json(runs["iteration"]) for (eta, _), runs in train.items()},
        "maps": heatmaps(cell_maps),
        "cells": cells,
        "block": read_block(paths["projection"]),
        "branches": read_branches(paths, reference) if reference else None,
    }


def read_diagram(path: str) -> dict[str, Any]:
    """Read a phase diagram of the two-valley model.

    Returns:
        ``eta`` and ``sigma`` as text; ``stable`` (eta); ``p_flat``, and ``eta_t_freeze``, eta <t_freeze> over the runs
        that change valley, both with ``values`` and their standard ``error`` (eta, sigma).

    Raises:
        UserError: the file is missing or damaged.
    """
    names = ["eta", "sigma", "stable", "p_flat", "p_flat_error", "freezing_time", "freezing_time_error"]
    diagram = hdf5.read(path, names)
    for suffix in ("", "_error"):
        diagram[f"eta_t_freeze{suffix}"] = diagram["eta"][:, None] * diagram[f"freezing_time{suffix}"]
    quantities = {name: (diagram[name], diagram[f"{name}_error"]) for name in ("p_flat", "eta_t_freeze")}
    return {
        **{axis: [f"{value:.4g}" for value in diagram[axis]] for axis in ("eta", "sigma")},
        "stable": to_json(diagram["stable"]),
        **{name: {"values": to_json(values), "error": to_json(error)} for name, (values, error) in quantities.items()},
    }
