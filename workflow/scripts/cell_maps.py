"""Reduce the runs of every cell to one number, and correlate the maps over (eta, B) with the noise eta / B."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.measures import cell_maps
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.rank import trend
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates

with job(snakemake) as log:
    settings = snakemake.params.settings
    endpoints = hdf5.read(snakemake.input.endpoints)
    freezing = hdf5.read(snakemake.input.freezing, ["threshold", "freezing_time"])
    solutions = hdf5.read(snakemake.input.jaccard, ["solution_eta", "solution_B", "jaccard"])
    eta, B, runs, gradient_descent = (endpoints[name] for name in ("eta", "B", "runs", "gradient_descent"))
    noise, freezing_time = cell_maps.noise(eta, B, gradient_descent), freezing["freezing_time"][0]

    plane = ("eta", "B")
    variables = {
        **coordinates(eta=eta, B=B, threshold=freezing["threshold"]),
        **hdf5.read_variables(snakemake.input.endpoints, ["gradient_descent"]),
        "runs": Variable(plane, runs, "runs of the cell"),
        "noise": Variable(plane, noise, "noise eta / B; 0 for gradient descent", "1/samples"),
        "eta_t_freeze_by_threshold": Variable(
            ("threshold", *plane),
            cell_maps.eta_t_freeze(eta, freezing["freezing_time"]),
            "eta times the mean freezing time of the runs that freeze, by threshold, Eq. 7",
        ),
    }
    for name, values in cell_maps.reduce_runs(endpoints).items():
        variables[name] = Variable(plane, values, *cell_maps.MAPS[name])
    fewest, counted = cell_maps.fewest_runs(runs, gradient_descent), cell_maps.count_runs(endpoints, freezing_time)
    for name, measure in cell_maps.measures(endpoints, freezing_time, solutions).items():
        long_name, units = cell_maps.TRENDS[name]
        rng = stream(settings["seed"], Stage.TREND_BOOTSTRAP)
        axes, own_runs = (eta, 1 / B), runs.ravel().tolist()
        found = trend(noise.ravel(), axes, own_runs, measure, min(fewest, counted[name]), rng, settings["resamples"])
        low, high = found.interval
        log.info(
            f"{name} against noise over {np.isfinite(found.value).sum()} cells: rank correlation "
            f"{found.correlation:.2f} [{low:.2f}, {high:.2f}]"
        )
        along_axes = "mean rank correlation with eta at fixed B, and with 1 / B at fixed eta"
        resampled = "95% bootstrap interval, resampling each cell's runs"
        variables |= {
            name: Variable(plane, found.value.reshape(noise.shape), long_name, units),
            f"{name}_correlation": Variable((), found.correlation, f"rank correlation with noise: {long_name}"),
            f"{name}_interval": Variable(("bound",), found.interval, f"rank correlation: {resampled}"),
            f"{name}_axes": Variable(("axis",), found.axes, along_axes),
            f"{name}_axes_interval": Variable(("axis", "bound"), found.axes_interval, f"{along_axes}: {resampled}"),
        }
    hdf5.write(
        snakemake.output[0],
        in_units_of(settings.get("loss", "cross_entropy"), variables),
        provenance.attributes(settings, snakemake.input.data),
    )
