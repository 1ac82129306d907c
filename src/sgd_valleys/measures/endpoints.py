"""Quantities of runs at their end: losses, accuracies, curvature, displacement, and similarity to other runs."""

from collections.abc import Mapping

import numpy as np

from sgd_valleys.measures.basins import basin_freezing_time, similarity_by_freezing
from sgd_valleys.measures.freezing import freezing_time
from sgd_valleys.measures.similarity import cosine, jaccard, mask_solutions, pair_mean
from sgd_valleys.statistics.fits import fit_line

SERIES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


def cell_endpoints(
    run: Mapping[str, np.ndarray],
    curvature: Mapping[str, np.ndarray],
    file_score: tuple[np.ndarray, np.ndarray, np.ndarray],
    layer: int,
    deterministic: bool,
) -> dict[str, np.ndarray]:
    """Compute the quantities of one cell's runs at their end.

    Args:
        run: arrays of the training files: ``SERIES`` (run, time), ``diverged`` (run), ``test_error``
            (run, time, test_sample), and ``final_layer{layer}_weight`` (run, out, in). The array
            ``initial_layer{layer}_weight`` is (out, in), or (run, out, in) if the runs differ in initialization.
        curvature: arrays of the curvature files: ``flatness``, ``trace`` (run, time), ``eigenvalue`` (run, time, N).
        file_score: loss (run) in units of the loss, accuracy (run) and errors (run, image) on the whole test file.
        layer: number of the layer whose displacement from the start is computed, counted from 1.
        deterministic: whether the training has no noise. A single run then stands for all realizations, which are
            identical. Several runs differ in their initialization.

    Returns:
        by the names of ``endpoints.h5``, arrays (run, ...) and numbers of the cell.
    """
    finite = ~run["diverged"]
    runs = len(finite)
    displacement = (run[f"final_layer{layer}_weight"] - run[f"initial_layer{layer}_weight"]).reshape(runs, -1)
    converged = run["train_accuracy"][:, -1] == 1
    if deterministic and runs == 1:
        mean_similarity = mean_cosine = 1.0 if finite.all() else np.nan
    else:
        mean_similarity = pair_mean(jaccard(run["test_error"][finite, -1]))
        mean_cosine = pair_mean(cosine(displacement[finite]))
    return {
        **{name: run[name][:, -1] for name in SERIES},
        "test_file_loss": file_score[0],
        "test_file_accuracy": file_score[1],
        "test_error": run["test_error"][:, -1].astype(bool),
        "test_file_error": file_score[2],
        "flatness": curvature["flatness"][:, -1],
        "trace": curvature["trace"][:, -1],
        "top_sum": curvature["eigenvalue"][:, -1].sum(axis=1),
        "displacement": np.linalg.norm(displacement, axis=1),
        "converged": converged,
        "diverged": run["diverged"],
        "similarity": np.float64(mean_similarity),
        "displacement_cosine": np.float64(mean_cosine),
        "runs": np.int64(runs),
        "convergence_probability": converged.mean(),
    }


def branch_endpoints(
    branches: Mapping[str, np.ndarray],
    curvature: Mapping[str, np.ndarray],
    file_score: tuple[np.ndarray, ...],
    run: Mapping[str, np.ndarray],
    L_c: float,
    same_basin: float,
) -> dict[str, np.ndarray]:
    """Compute the quantities of one run's branches at their end, and the freezing times of the run.

    Args:
        branches: ``t_c`` (branch) in iterations, ``final`` (branch), the position of the endpoint among the times,
            ``SERIES`` (branch, time), ``diverged`` (branch), and ``test_error`` (branch, time, test_sample).
        curvature: ``flatness`` and ``trace`` (branch, time).
        file_score: loss (branch) and accuracy (branch) on the whole test file; further arrays are ignored.
        run: ``iteration`` and ``train_loss`` (time) and ``test_error`` (time, test_sample) of the run that the branches
            leave.
        L_c: threshold of the training loss for the freezing time, Eq. 7, in units of the loss.
        same_basin: smallest Jaccard similarity of two solutions in the same basin.

    Returns:
        by the names of the branches' ``endpoints`` files, arrays (branch), ``jaccard`` (branch, branch), and numbers of
        the run.
    """
    t_c = branches["t_c"]
    end = np.arange(len(t_c)), branches["final"]
    final = {name: branches[name][end] for name in SERIES}
    final |= {name: curvature[name][end] for name in ("flatness", "trace")}
    final["test_file_loss"], final["test_file_accuracy"] = np.where(branches["diverged"], np.nan, file_score[:2])

    error = np.concatenate([branches["test_error"][end], run["test_error"][-1:]])  # the run follows its branches
    diverged = np.append(branches["diverged"], ~np.isfinite(run["train_loss"][-1]))
    similarity = mask_solutions(jaccard(error), diverged)
    among = similarity[:-1, :-1]
    t_freeze = float(freezing_time(run["iteration"], run["train_loss"], L_c))
    before, after = similarity_by_freezing(t_c, among, t_freeze)
    found = {
        **final,
        "jaccard": among,
        "similarity_to_last": among[-1],
        "similarity_to_run": similarity[-1, :-1],
        "similarity_before": before,
        "similarity_after": after,
        "freezing_time": t_freeze,
        "basin_freezing_time": basin_freezing_time(t_c, among[-1], same_basin),
    }
    for name in ("test_loss", "test_file_loss"):
        usable = np.isfinite(final[name]) & np.isfinite(final["flatness"])
        line = fit_line(final[name][usable], final["flatness"][usable]) if usable.any() else [np.nan] * 3
        found[f"{name}_slope"], found[f"{name}_intercept"], found[f"{name}_r_squared"] = line
    return found
