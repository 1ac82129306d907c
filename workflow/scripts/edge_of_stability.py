"""Compute the sharpness of all parameters along some runs, with 2 / eta, and the batch sharpness."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import select_first
from sgd_valleys.measures.edge_of_stability import sharpness
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss, eta, B = settings.get("loss", "cross_entropy"), float(settings["eta"]), settings["B"]
    network, samples = load_network_and_samples(snakemake.input.data, settings, ["train"])
    inputs, labels = select_first(samples["train"], settings.get("per_class"), "edge_of_stability.per_class")
    samples = inputs.astype(np.float64), labels
    minibatches = settings["minibatches"] if len(labels) > B else 0  # all minibatches of gradient descent are equal
    iteration = hdf5.read(snakemake.input.train, ["iteration"])["iteration"][:: settings["every"]]
    shape = len(settings["runs"]), len(iteration)
    largest, batch, error = np.full((3, *shape), np.nan)
    progress = Progress(shape[0] * shape[1], "points", log)
    for row, run in enumerate(settings["runs"]):
        at = hdf5.position(snakemake.input.train, "checkpoint", run)
        for column in range(shape[1]):
            point = at | {"time": column * settings["every"]}
            parameters = read_parameters(snakemake.input.train, "checkpoint", point)
            rng = stream(settings["seed"], Stage.SHARPNESS, eta, B, run, int(iteration[column]))
            found = sharpness(network, parameters, samples, B, minibatches, rng, loss, settings["tolerance"])
            largest[row, column], batch[row, column], error[row, column] = found.largest, found.batch, found.batch_error
            progress()
        log.info(f"realization {run}: sharpness at the end {largest[row, -1]:.3g}, 2 / eta = {2 / eta:.3g}")
    axes = "realization", "time"
    variables = {
        **coordinates(realization=settings["runs"]),
        "iteration": Variable(("time",), iteration, "iteration t", "iterations"),
        "sharpness": Variable(axes, largest, "largest eigenvalue of the Hessian in all parameters", "nat"),
        "edge": Variable((), 2 / eta, "2 / eta, the edge of stability of gradient descent", "nat"),
        "batch_sharpness": Variable(axes, batch, "batch sharpness, E_B[g^T H g / |g|^2] of minibatches", "nat"),
        "batch_sharpness_error": Variable(axes, error, "standard error of the batch sharpness", "nat"),
    }
    attributes = provenance.attributes(settings, snakemake.input.data)
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), attributes | {"eta": eta, "B": B})
