"""P_flat of the two-valley model as the learning rate becomes smaller at fixed Delta_S = eta sigma."""

import numpy as np

from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import langevin
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    landscape, delta_S, eta = Landscape(**p["landscape"]), float(p["delta_S"]), np.array(p["eta"])
    progress = Progress((1 / eta).sum(), "iterations, of the longest ones' number", log)
    found = []
    for rate in p["eta"]:
        runs = langevin.simulate(
            landscape,
            rate,
            delta_S / rate,
            noise="H",
            runs=p["runs"],
            iterations=round(p["time"] / rate),
            start=(p["start"]["x"], p["start"]["y"]),
            seed=p["seed"],
        )
        found.append(langevin.p_flat(runs))
        log.info(f"eta {rate:g}: P_flat {found[-1][0]:.4f} +- {found[-1][1]:.4f}")
        progress(1 / rate)
    share, error = np.array(found).T
    variables = {
        "eta": Variable(("eta",), eta, "learning rate"),
        "p_flat": Variable(("eta",), share, "share of runs that end at x > 0"),
        "p_flat_error": Variable(("eta",), error, "standard error of p_flat"),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p) | {"delta_S": delta_S})
