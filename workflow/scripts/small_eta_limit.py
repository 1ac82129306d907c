"""Simulate P_flat of the two-valley model for decreasing learning rates at fixed Delta_S = eta sigma."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import langevin
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.run_statistics import p_flat

with job(snakemake) as log:
    settings = snakemake.params.settings
    landscape, delta_S = Landscape(**settings["landscape"]), float(settings["delta_S"])
    start = settings["start"]["x"], settings["start"]["y"]
    fixed = {"start": start, "runs": settings["runs"], "seed": settings["seed"]}
    iterations = [round(settings["time"] / eta) for eta in settings["eta"]]
    progress = Progress(sum(iterations), "iterations", log)
    found = []
    for eta, count in zip(settings["eta"], iterations, strict=True):
        runs = langevin.simulate(landscape, eta, delta_S / eta, iterations=count, **fixed)
        found.append(p_flat(runs))
        log.info(f"eta {eta:g}: P_flat {found[-1][0]:.4f} +- {found[-1][1]:.4f}")
        progress(count)
    fraction, error = np.array(found).T
    variables = {
        "eta": Variable(("eta",), np.array(settings["eta"]), "learning rate"),
        "p_flat": Variable(("eta",), fraction, "fraction of runs that end at x > 0"),
        "p_flat_error": Variable(("eta",), error, "standard error of p_flat"),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings) | {"delta_S": delta_S})
