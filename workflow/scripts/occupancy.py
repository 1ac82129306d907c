"""Simulate the fraction of runs in the flat valley, and the mean y, against time (two-valley model, Fig. 6B)."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import langevin
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.run_statistics import fraction_with_error, p_flat

with job(snakemake) as log:
    settings = snakemake.params.settings
    landscape, eta, sigma = Landscape(**settings["landscape"]), settings["eta"], np.array(settings["sigma"])
    start = settings["start"]["x"], settings["start"]["y"]
    record = np.arange(settings["points"]) * (settings["iterations"] // (settings["points"] - 1))
    fixed = {name: settings[name] for name in ("runs", "iterations", "seed", "trajectories")}
    found = []
    for strength in settings["sigma"]:
        runs = langevin.simulate(landscape, eta, strength, start=start, record=record, **fixed)
        found.append(runs.occupancy)
        fraction, error = p_flat(runs)
        log.info(f"sigma {strength:g}: P_flat {fraction:.4f} +- {error:.4f} at the end, <y> = {runs.y.mean():.1f}")
    flat, finite, mean_y, trajectory = (
        np.stack([getattr(occupancy, name) for occupancy in found])
        for name in ("flat", "finite", "mean_y", "trajectory")
    )
    fraction, error = fraction_with_error(flat, finite)
    series = ("sigma", "time")
    variables = {
        "sigma": Variable(("sigma",), sigma, "strength of the noise"),
        "delta_S": Variable(("sigma",), eta * sigma, "effective noise Delta_S = eta sigma"),
        "iteration": Variable(("time",), record, "iteration t", "iterations"),
        "p_flat": Variable(series, fraction, "fraction of runs at x > 0"),
        "p_flat_error": Variable(series, error, "standard error of p_flat"),
        "mean_y": Variable(series, mean_y, "mean y"),
        "trajectory": Variable(("sigma", "run", "time", "coordinate"), trajectory, "x and y of the first runs"),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings) | {"eta": eta})
