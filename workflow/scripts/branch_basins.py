"""Compare the branches of one SGD run with the last branch, and find the time from which all end in its basin."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures.basins import CRITERIA
from sgd_valleys.measures.branch_basins import basin_times, compare_with_last
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    branches = hdf5.read(snakemake.input.train, ["t_c", "final", "test_error", "diverged"])
    t_c = branches["t_c"]
    network, train = load_network_and_samples(snakemake.input.data, settings, ["train"])
    _, test_file = load_network_and_samples(snakemake.input.test_file, settings, ["test"])
    values = compare_with_last(
        network,
        read_parameters(snakemake.input.train, "final"),
        branches["test_error"][np.arange(len(t_c)), branches["final"]],
        branches["diverged"],
        {**train, "test_file": test_file["test"]},
        np.linspace(0, 1, settings["points"]),
        loss,
        Progress(len(t_c), "branches", log),
    )
    times = basin_times(t_c, values, settings["thresholds"])
    log.info("same basin from t_c on: " + ", ".join(f"{name} {time:.0f}" for name, time in times.items()))
    variables = coordinates(t_c=t_c)
    for name, criterion in CRITERIA.items():
        what = f"{criterion.description}, to the last branch"
        when = f"earliest t_c from which on all branches end in the basin of the last, by {name}"
        variables[name] = Variable(("t_c",), values[name], what, criterion.units)
        variables[f"basin_time_{name}"] = Variable((), times[name], when, "iterations")
    attributes = provenance.attributes(settings, snakemake.input.data)
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), attributes | {"realization": settings["realization"]})
