"""Reduce the runs of every cell to one number, and correlate the maps over (eta, B) with the noise eta (1/B - 1/M)."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.measures import cell_maps
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.rank import trend
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates

TEST_IMAGES = 2  # key of the stream that resamples the test images

with job(snakemake) as log:
    settings = snakemake.params.settings
    endpoints = hdf5.read(snakemake.input.endpoints)
    freezing = hdf5.read(snakemake.input.freezing, ["threshold", "freezing_time"])
    solutions = hdf5.read(snakemake.input.jaccard, ["solution_eta", "solution_B", "jaccard"])
    eta, B, runs, gradient_descent = (endpoints[name] for name in ("eta", "B", "runs", "gradient_descent"))
    M = len(hdf5.read(snakemake.input.data, ["train_label"])["train_label"])
    noise, freezing_time = cell_maps.noise(eta, B, M), freezing["freezing_time"][0]
    images = stream(settings["seed"], Stage.TREND_BOOTSTRAP, TEST_IMAGES)
    accuracies = {
        name: cell_maps.resample_accuracy(endpoints, name, images, settings["resamples"])
        for name in cell_maps.ON_IMAGES
    }

    plane = ("eta", "B")
    variables = {
        **coordinates(eta=eta, B=B, threshold=freezing["threshold"]),
        **hdf5.read_variables(snakemake.input.endpoints, ["gradient_descent"]),
        "runs": Variable(plane, runs, "runs of the cell"),
        "noise": Variable(plane, noise, "noise eta (1/B - 1/M) of minibatches of B of M samples", "1/samples"),
        "eta_t_freeze_by_threshold": Variable(
            ("threshold", *plane),
            cell_maps.eta_t_freeze(eta, freezing["freezing_time"]),
            "eta times the mean freezing time of the runs that freeze, by threshold, Eq. 7",
        ),
    }
    for name, values in cell_maps.reduce_runs(endpoints).items():
        variables[name] = Variable(plane, values, *cell_maps.MAPS[name])
    fewest, counted = cell_maps.fewest_runs(runs, gradient_descent), cell_maps.count_runs(endpoints, freezing_time)
    for name, measure in cell_maps.measures(endpoints, freezing_time, solutions, accuracies).items():
        long_name, units = cell_maps.TRENDS[name]
        rng = stream(settings["seed"], Stage.TREND_BOOTSTRAP)
        axes, own_runs = (eta, 1 / B), runs.ravel().tolist()
        enough = min(fewest, counted[name])
        found = trend(noise.ravel(), axes, gradient_descent, own_runs, measure, enough, rng, settings["resamples"])
        low, high = found.interval
        log.info(
            f"{name} against noise over {np.isfinite(found.value).sum()} cells: rank correlation "
            f"{found.correlation:.2f} [{low:.2f}, {high:.2f}]; with 1 / B at fixed eta {found.axes[1]:.2f}, with eta "
            f"at fixed B < M {found.axes[0]:.2f}, with eta along gradient descent {found.control:.2f}"
        )
        along_axes = "mean rank correlation with eta at fixed B where B has noise, and with 1 / B at fixed eta"
        along_descent = "rank correlation with eta along gradient descent"
        of_images = " and the test images" if "accuracy" in name else ""
        resampled = f"95% bootstrap interval, resampling each cell's runs{of_images}"
        variables |= {
            name: Variable(plane, found.value.reshape(noise.shape), long_name, units),
            f"{name}_correlation": Variable((), found.correlation, f"rank correlation with noise: {long_name}"),
            f"{name}_interval": Variable(("bound",), found.interval, f"rank correlation: {resampled}"),
            f"{name}_axes": Variable(("axis",), found.axes, along_axes),
            f"{name}_axes_interval": Variable(("axis", "bound"), found.axes_interval, f"{along_axes}: {resampled}"),
            f"{name}_descent": Variable((), found.control, f"{along_descent}: {long_name}"),
            f"{name}_descent_interval": Variable(("bound",), found.control_interval, f"{along_descent}: {resampled}"),
        }
    hdf5.write(
        snakemake.output[0],
        in_units_of(settings.get("loss", "cross_entropy"), variables),
        provenance.attributes(settings, snakemake.input.data),
    )
