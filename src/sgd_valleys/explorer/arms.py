"""Means with intervals over the runs of a cell, for the comparison of arms that differ only in their training."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from sgd_valleys.controls.arms import on_resampled_images, run_values
from sgd_valleys.controls.arms import summarize as average
from sgd_valleys.measures import cell_maps
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import central_interval
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import locate_cell

INTERVALS_OF_ARMS = 1  # stream key, unlike that of the trends, which resample the same runs
SHOWN = ("flatness", "test_file_accuracy", "train_loss", "test_file_loss", "eta_t_freeze")


def summarize(
    endpoints: Mapping[str, np.ndarray],
    freezing_time: np.ndarray,
    solutions: Mapping[str, np.ndarray],
    cell: tuple[int, int],
    rng: np.random.Generator,
    resamples: int,
) -> dict[str, dict[str, Any]]:
    """Average the final values over the runs of a cell, with central 95% intervals from resampling its runs.

    The means are those of the heatmaps. The mean similarity of a resample is over the pairs of distinct runs in the
    resample. The interval of the accuracy also resamples the test images.

    Args:
        endpoints: arrays of ``endpoints.h5``.
        freezing_time: (eta, B, realization) in iterations, NaN for a run that does not freeze.
        solutions: ``solution_eta``, ``solution_B`` and ``jaccard`` of ``jaccard.h5``.
        cell: position on the axes (eta, B).
        rng: generator of the resamples.
        resamples: number of resamples.

    Returns:
        for each quantity ``mean``, ``low``, ``high`` and ``runs``, the number of runs with a value. A mean without a
        value is None. The bounds are None for fewer than ``MIN_RUNS_FOR_INTERVAL`` runs.
    """
    similarity = cell_maps.measures(endpoints, freezing_time, solutions)["similarity"]
    position = int(np.ravel_multi_index(cell, freezing_time.shape[:2]))
    values = run_values(endpoints, freezing_time, cell)
    accuracy = on_resampled_images(endpoints, cell, rng.spawn(1)[0], resamples)
    arm = average(values, lambda drawn: similarity(position, drawn), False, rng, resamples, accuracy)
    found = {}
    for name in (*SHOWN, "similarity"):
        numbers = [arm.mean[name], *central_interval(arm.resampled[name], arm.runs[name])]
        plain = [float(number) if np.isfinite(number) else None for number in numbers]
        found[name] = {**dict(zip(("mean", "low", "high"), plain, strict=True)), "runs": arm.runs[name]}
    return found


def read_summaries(
    paths: Mapping[str, str], cells: Collection[tuple[str, int]], seed: int, resamples: int
) -> list[list[dict[str, Any] | None]]:
    """Read and average the runs of some cells of an experiment.

    Args:
        paths: the files ``endpoints``, ``freezing`` and ``jaccard``.
        cells: (eta, B) of the cells.
        seed: master seed; every cell of every experiment uses the same stream, so that their order has no effect.
        resamples: number of resamples.

    Returns:
        nested lists (eta, B) of the results of ``summarize``; None for other cells.

    Raises:
        UserError: a file is missing or damaged.
    """
    endpoints = hdf5.read(paths["endpoints"])
    freezing_time = hdf5.read(paths["freezing"], ["freezing_time"])["freezing_time"][0]
    solutions = hdf5.read(paths["jaccard"], ["solution_eta", "solution_B", "jaccard"])
    found: list[list[dict[str, Any] | None]] = [[None] * len(endpoints["B"]) for _ in endpoints["eta"]]
    for eta, B in cells:
        i, j = locate_cell(endpoints["eta"], endpoints["B"], float(eta), B)
        if endpoints["runs"][i, j]:
            rng = stream(seed, Stage.TREND_BOOTSTRAP, INTERVALS_OF_ARMS)
            found[i][j] = summarize(endpoints, freezing_time, solutions, (i, j), rng, resamples)
    return found
