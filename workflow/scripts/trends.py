"""What rises and what falls with the noise eta / B over the cells of a sweep: rank correlations with intervals."""

import numpy as np

from sgd_valleys.measures import cell_maps
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.rank import trend
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

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

with job(snakemake) as log:
    p = snakemake.params.settings
    names = ["eta", "B", "runs", "converged", "diverged", *cell_maps.REDUCED]
    ends = hdf5.read(snakemake.input.endpoints, names)
    M = len(hdf5.read(snakemake.input.data, ["train_label"])["train_label"])
    times = hdf5.read(snakemake.input.freezing, ["freezing_time"])["freezing_time"][0]
    pairs = hdf5.read(snakemake.input.similarity, ["solution_eta", "solution_B", "jaccard"])
    noise, shape = cell_maps.noise(ends["eta"], ends["B"], M), ends["runs"].shape
    measures = cell_maps.measures(ends, times, pairs, M)
    axes = (ends["eta"], 1 / ends["B"])

    variables = {
        "eta": Variable(("eta",), ends["eta"], "learning rate"),
        "B": Variable(("B",), ends["B"], "batch size", "samples"),
        "noise": Variable(("eta", "B"), noise, "noise eta / B; 0 for gradient descent", "1/samples"),
    }
    for name, (what, unit) in QUANTITIES.items():
        rng = stream(p["seed"], Stage.TREND_BOOTSTRAP)
        found = trend(noise.ravel(), axes, ends["runs"].ravel().tolist(), measures[name], rng, p["resamples"])
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
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data))
