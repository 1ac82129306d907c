"""One row of a phase diagram: runs of the two-valley model at one learning rate, for every strength of the noise."""

import numpy as np

from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import langevin
from sgd_valleys.two_valley.landscape import Landscape, stability_bound
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    landscape, eta = Landscape(**p["landscape"]), float(p["eta"])
    found = []
    progress = Progress(len(p["sigma"]), "cells", log)
    for sigma in p["sigma"]:
        runs = langevin.simulate(
            landscape,
            eta,
            sigma,
            noise=p["noise"],
            runs=p["runs"],
            iterations=p["iterations"],
            start=(p["start"]["x"], p["start"]["y"]),
            seed=p["seed"],
        )
        changed = runs.freezing_time > 1
        lost = int(np.isnan(runs.x).sum())
        y = langevin.mean_and_error(runs.freezing_y[changed])
        found.append([*langevin.p_flat(runs), *langevin.mean_freezing_time(runs), *y, changed.mean(), lost])
        log.info(f"eta {p['eta']}, sigma {sigma:g}: P_flat {found[-1][0]:.4f} +- {found[-1][1]:.4f}, {lost} diverged")
        progress()
    names = {
        "p_flat": ("share of runs that end at x > 0", "1"),
        "p_flat_error": ("standard error of p_flat", "1"),
        "freezing_time": ("mean iteration of the last change of valley, 1 where there is none", "iterations"),
        "freezing_time_error": ("standard error of freezing_time", "iterations"),
        "freezing_y": ("mean y at the last change of valley, of the runs with one", "1"),
        "freezing_y_error": ("standard error of freezing_y", "1"),
        "changed": ("share of runs that change valley after their first step", "1"),
        "diverged": ("runs that left the finite numbers", "1"),
    }
    columns = zip(names.items(), np.array(found).T, strict=True)
    variables = {"sigma": Variable(("sigma",), np.array(p["sigma"]), "strength of the noise")}
    variables |= {name: Variable(("sigma",), column, *text) for (name, text), column in columns}
    stable = eta < stability_bound(landscape, p["start"]["y"])
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p) | {"eta": eta, "stable": int(stable)})
