"""P_flat of the two-valley model in continuous time, from the Fokker-Planck equation (Eq. 16)."""

import numpy as np

from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import fokker_planck
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.workflow.job import job

ALONG = [-0.1, 0.1]  # a single cell along y, which then follows its mean: within 3e-4 of P_flat, and ten times as fast

with job(snakemake) as log:
    p = snakemake.params.settings
    landscape, convention = Landscape(**p["landscape"]), p["convention"]
    progress = Progress(len(p["sigma"]) + len(p["delta_S"]), "solutions", log)

    courses = []
    time = fokker_planck.default_times(p["course_time"], p["steps"])
    for sigma in p["sigma"]:
        start = p["course_start"]["x"], p["course_start"]["y"]
        found = fokker_planck.solve(landscape, p["eta"] * sigma, time, start, convention=convention)
        log.info(
            f"Delta_S {p['eta'] * sigma:g}: P_flat {found.p_flat[-1]:.4f}, mass lost {abs(found.mass - 1).max():.1e}, "
            f"least mass of a cell {found.smallest.min():.1e}"
        )
        courses.append(found)
        progress()

    final = []
    for delta_S in p["delta_S"]:
        start = p["final_start"]["x"], p["final_start"]["y"]
        ends = [p["small_eta_limit_time"], p["longest_time"]]
        times = np.union1d(fokker_planck.default_times(max(ends), p["steps"]), ends)
        found = fokker_planck.solve(landscape, delta_S, times, start, y_edges=ALONG, convention=convention)
        final.append(found.p_flat[np.searchsorted(times, ends)])
        progress()

    series = ("course", "time")
    variables = {
        "course_delta_S": Variable(("course",), p["eta"] * np.array(p["sigma"]), "Delta_S of the course"),
        "time": Variable(("time",), time, "time eta t"),
        "p_flat": Variable(series, np.stack([one.p_flat for one in courses]), "probability of x > 0"),
        "mean_y": Variable(series, np.stack([one.mean_y for one in courses]), "mean y"),
        "mass": Variable(series, np.stack([one.mass for one in courses]), "total probability"),
        "delta_S": Variable(("delta_S",), np.array(p["delta_S"]), "effective noise Delta_S = eta sigma"),
        "p_flat_halving": Variable(
            ("delta_S",), np.array(final)[:, 0], "probability of x > 0 at the end of the runs whose rate is halved"
        ),
        "p_flat_longest": Variable(
            ("delta_S",), np.array(final)[:, 1], "probability of x > 0 at the end of the diagram's longest runs"
        ),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p))
