"""Reduce the runs of every cell to one number, and correlate the maps over (eta, B) with the noise eta / B."""

import numpy as np

from sgd_valleys.measures import cell_maps
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.rank import trend
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    ends = hdf5.read(snakemake.input.endpoints)
    M = len(hdf5.read(snakemake.input.data, ["train_label"])["train_label"])
    freezing = hdf5.read(snakemake.input.freezing, ["threshold", "freezing_time"])
    pairs = hdf5.read(snakemake.input.jaccard, ["solution_eta", "solution_B", "jaccard"])
    noise, shape = cell_maps.noise(ends["eta"], ends["B"], M), ends["runs"].shape
    measures = cell_maps.measures(ends, freezing["freezing_time"][0], pairs, M)
    axes = (ends["eta"], 1 / ends["B"])

    plane = ("eta", "B")
    variables = {
        "eta": Variable(("eta",), ends["eta"], "learning rate"),
        "B": Variable(("B",), ends["B"], "batch size", "samples"),
        "threshold": Variable(("threshold",), freezing["threshold"], "threshold L_c of Eq. 7", "nat"),
        "gradient_descent": Variable(("B",), ends["B"] == M, "whether B = M, full-batch gradient descent"),
        "runs": Variable(plane, ends["runs"], "runs of the cell"),
        "noise": Variable(plane, noise, "noise eta / B; 0 for gradient descent", "1/samples"),
        **{
            name: Variable(plane, values, *cell_maps.MAPS[name]) for name, values in cell_maps.reduce_runs(ends).items()
        },
        "eta_t_freeze_by_threshold": Variable(
            ("threshold", *plane),
            cell_maps.eta_t_freeze(ends["eta"], freezing["freezing_time"]),
            "eta times the mean freezing time of the runs that freeze, by threshold, Eq. 7",
        ),
    }
    for name, measure in measures.items():
        what, unit = cell_maps.TRENDS[name]
        rng = stream(p["seed"], Stage.TREND_BOOTSTRAP)
        found = trend(noise.ravel(), axes, ends["runs"].ravel().tolist(), measure, rng, p["resamples"])
        low, high = found.interval
        log.info(
            f"{name} against noise over {np.isfinite(found.value).sum()} cells: rank correlation "
            f"{found.correlation:.2f} [{low:.2f}, {high:.2f}]"
        )
        variables |= {
            name: Variable(plane, found.value.reshape(shape), what, unit),
            f"{name}_correlation": Variable((), found.correlation, f"Spearman's rank correlation with noise: {what}"),
            f"{name}_interval": Variable(
                ("bound",), np.array(found.interval), "its 95% bootstrap interval, over each cell's runs"
            ),
            f"{name}_axes": Variable(
                ("axis",), found.axes, "mean rank correlation with eta at fixed B, and with 1 / B at fixed eta"
            ),
            f"{name}_axes_interval": Variable(
                ("axis", "bound"), found.axes_interval, "their 95% bootstrap intervals, over each cell's runs"
            ),
        }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data))
