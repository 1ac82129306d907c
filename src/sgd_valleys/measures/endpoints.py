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
    file_score: tuple[np.ndarray, np.ndarray],
    layer: int,
    deterministic: bool,
) -> dict[str, np.ndarray]:
    """Compute the quantities of one cell's runs at their end.

    Args:
        run: of the training files, ``SERIES`` (run, time), ``diverged`` (run), ``test_error`` (run, time, test_sample),
            ``initial_layer{layer}_weight`` (out, in), or (run, out, in) where runs have starts of their own;
            ``final_layer{layer}_weight`` (run, out, in).
        curvature: of the curvature files, ``flatness`` and ``trace`` (run, time), ``eigenvalue`` (run, time, N).
        file_score: loss (run) in nat and accuracy (run) on the whole test file.
        layer: layer whose displacement from the start is taken, counted from 1.
        deterministic: whether the training has no noise. A single run then stands for all realizations, which are
            identical; several runs differ in their initialization.

    Returns:
        by name, as ``endpoints.h5`` has them, arrays (run) and numbers of the cell.
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
    file_score: tuple[np.ndarray, np.ndarray],
    run: Mapping[str, np.ndarray],
    L_c: float,
    same_basin: float,
) -> dict[str, np.ndarray]:
    """Compute the quantities of one run's branches at their end, and the freezing times of the run.

    Args:
        branches: ``t_c`` (branch) in iterations; ``final`` (branch), the position of the branch's end among its times;
            ``SERIES`` (branch, time), ``diverged`` (branch), ``test_error`` (branch, time, test_sample).
        curvature: ``flatness`` and ``trace`` (branch, time).
        file_score: loss (branch) in nat and accuracy (branch) on the whole test file.
        run: of the run that the branches leave, ``iteration`` and ``train_loss`` (time), ``test_error``
            (time, test_sample).
        L_c: threshold of the training loss for the freezing time, Eq. 7, in nat.
        same_basin: smallest similarity of two solutions in the same basin.

    Returns:
        by name, as the branches' ``endpoints`` files have them, arrays (branch), ``jaccard`` (branch, branch), and
        numbers of the run.
    """
    t_c = branches["t_c"]
    end = np.arange(len(t_c)), branches["final"]
    final = {name: branches[name][end] for name in SERIES}
    final |= {name: curvature[name][end] for name in ("flatness", "trace")}
    final["test_file_loss"], final["test_file_accuracy"] = np.where(branches["diverged"], np.nan, file_score)

    error = np.concatenate([branches["test_error"][end], run["test_error"][-1:]])  # the run itself is the last
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
