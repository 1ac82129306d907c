"""Which valley runs of the two-valley model are in, and how far along it, as time goes on (Fig. 6B)."""

import numpy as np

from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import langevin
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    landscape, sigma = Landscape(**p["landscape"]), np.array(p["sigma"])
    record = np.arange(p["points"]) * (p["iterations"] // (p["points"] - 1))
    found = []
    for one in p["sigma"]:
        runs = langevin.simulate(
            landscape,
            p["eta"],
            one,
            noise="H",
            runs=p["runs"],
            iterations=p["iterations"],
            start=(p["start"]["x"], p["start"]["y"]),
            seed=p["seed"],
            record=record,
            trajectories=p["trajectories"],
        )
        found.append(runs.occupancy)
        share, error = langevin.p_flat(runs)
        log.info(f"sigma {one:g}: P_flat {share:.4f} +- {error:.4f} at the end, <y> = {runs.y.mean():.1f}")
    flat, finite = (np.stack([getattr(one, name) for one in found]) for name in ("flat", "finite"))
    share, error = langevin.share(flat, finite)
    series = ("sigma", "time")
    variables = {
        "sigma": Variable(("sigma",), sigma, "strength of the noise"),
        "delta_S": Variable(("sigma",), p["eta"] * sigma, "effective noise Delta_S = eta sigma"),
        "iteration": Variable(("time",), record, "iteration t", "iterations"),
        "p_flat": Variable(series, share, "share of runs at x > 0"),
        "p_flat_error": Variable(series, error, "standard error of p_flat"),
        "mean_y": Variable(series, np.stack([one.mean_y for one in found]), "mean y"),
        "trajectory": Variable(
            ("sigma", "run", "time", "coordinate"), np.stack([one.trajectory for one in found]), "x and y of some runs"
        ),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p) | {"eta": p["eta"]})
