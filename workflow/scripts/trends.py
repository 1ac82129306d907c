"""What rises and what falls with the noise eta / B over the cells of a sweep: rank correlations with intervals."""

from collections.abc import Callable

import numpy as np

from job import job
from sgd_valleys import inference, storage
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import Variable

QUANTITIES = {
    "similarity": ("mean Jaccard similarity of pairs of the cell's runs, Eq. 4", "1"),
    "mean_test_accuracy": ("mean test accuracy of the converged runs", "1"),
    "max_test_accuracy": ("largest test accuracy of the converged runs", "1"),
    "mean_test_file_accuracy": ("mean accuracy of the converged runs on the whole test file", "1"),
    "max_test_file_accuracy": ("largest accuracy of the converged runs on the whole test file", "1"),
    "mean_flatness": ("mean flatness F of the converged runs, Eq. 6", "1/nat"),
    "max_flatness": ("largest flatness F of the converged runs, Eq. 6", "1/nat"),
    "eta_t_freeze": ("eta times the mean freezing time of the runs that freeze, Eq. 7", "1"),
    "convergence_probability": ("share of the runs that converge", "1"),
}
REDUCED = ("test_accuracy", "test_file_accuracy", "flatness")

with job(snakemake) as log:
    p = snakemake.params.settings
    names = ["eta", "B", "realization", "runs", "converged", "diverged", *REDUCED]
    ends = storage.read(snakemake.input.endpoints, names)
    M = len(storage.read(snakemake.input.data, ["train_label"])["train_label"])
    times = storage.read(snakemake.input.freezing, ["freezing_time"])["freezing_time"][0]
    pairs = storage.read(snakemake.input.similarity, ["solution_eta", "solution_B", "jaccard"])
    cells = list(np.ndindex(ends["runs"].shape))
    count = [int(ends["runs"][cell]) for cell in cells]
    # full-batch gradient descent has no noise, whatever its rate
    noise = np.array([0 if ends["B"][j] == M else ends["eta"][i] / ends["B"][j] for i, j in cells])
    blocks = []  # of each cell the similarities of its runs; NaN on the diagonal and where a run was lost
    for i, j in cells:
        own = np.flatnonzero((pairs["solution_eta"] == ends["eta"][i]) & (pairs["solution_B"] == ends["B"][j]))
        block = pairs["jaccard"][np.ix_(own, own)].copy()
        lost = ends["diverged"][i, j, : len(own)]
        block[lost] = block[:, lost] = np.nan
        np.fill_diagonal(block, np.nan)  # a run drawn twice is no pair
        blocks.append(block)

    def over(
        values: np.ndarray, reduce: Callable[[np.ndarray], float], among: np.ndarray | None = None
    ) -> Callable[[int, np.ndarray], float]:
        """Reduce a cell's finite values (among the marked runs) to one."""
        shown = values if among is None else np.where(among, values, np.nan)

        def measure(cell: int, chosen: np.ndarray) -> float:
            taken = shown[cells[cell]][chosen]
            taken = taken[np.isfinite(taken)]
            return reduce(taken) if taken.size else np.nan

        return measure

    def similarity(cell: int, chosen: np.ndarray) -> float:
        """Mean over the pairs of distinct runs; gradient descent is one run, which stands for all."""
        if ends["B"][cells[cell][1]] == M:
            return np.nan if ends["diverged"][cells[cell]][0] else 1.0
        block = blocks[cell][np.ix_(chosen, chosen)]
        return np.nanmean(block) if np.isfinite(block).any() else np.nan

    converged, time = ends["converged"], ends["eta"][:, None, None] * times
    measures = {
        "similarity": similarity,
        **{f"mean_{name}": over(ends[name], np.mean, converged) for name in REDUCED},
        **{f"max_{name}": over(ends[name], np.max, converged) for name in REDUCED},
        "eta_t_freeze": over(time, np.mean),
        "convergence_probability": over(converged.astype(float), np.mean),
    }
    shape = ends["runs"].shape
    axes = (ends["eta"], 1 / ends["B"])
    variables = {
        "eta": Variable(("eta",), ends["eta"], "learning rate"),
        "B": Variable(("B",), ends["B"], "batch size", "samples"),
        "noise": Variable(("eta", "B"), noise.reshape(shape), "noise eta / B; 0 for gradient descent", "1/samples"),
    }
    for name, (what, unit) in QUANTITIES.items():
        rng = stream(p["seed"], Stage.TREND_BOOTSTRAP)
        found = inference.trend(noise, axes, count, measures[name], rng, p["resamples"])
        low, high = found.interval
        log.info(
            f"{name} against noise over {np.isfinite(found.value).sum()} cells: rank correlation "
            f"{found.correlation:.2f} [{low:.2f}, {high:.2f}]"
        )
        bounds = np.array(found.interval)
        variables |= {
            name: Variable(("eta", "B"), found.value.reshape(shape), what, unit),
            f"{name}_correlation": Variable((), found.correlation, f"Spearman's rank correlation with noise: {what}"),
            f"{name}_interval": Variable(("bound",), bounds, "its 95% bootstrap interval, over each cell's runs"),
            f"{name}_axes": Variable(
                ("axis",), found.axes, "mean rank correlation with eta at fixed B, and with 1 / B at fixed eta"
            ),
            f"{name}_axes_interval": Variable(
                ("axis", "bound"), found.axes_interval, "their 95% bootstrap intervals, over each cell's runs"
            ),
        }
    storage.write(snakemake.output[0], variables, storage.provenance(p, snakemake.input.data))
