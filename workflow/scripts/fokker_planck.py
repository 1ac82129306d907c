"""Solve the Fokker-Planck equation, in Ito's form or as Eq. 16 is printed, for P_flat in continuous time."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import fokker_planck
from sgd_valleys.two_valley.landscape import Landscape

with job(snakemake) as log:
    settings = snakemake.params.settings
    landscape, convention, steps = Landscape(**settings["landscape"]), settings["convention"], settings["steps"]
    course_start, final_start = ((settings[name]["x"], settings[name]["y"]) for name in ("course_start", "final_start"))
    course_delta_S, delta_S = settings["eta"] * np.array(settings["sigma"]), np.array(settings["delta_S"])
    progress = Progress(len(course_delta_S) + len(delta_S), "solutions", log)

    courses = []
    time = fokker_planck.default_times(settings["course_time"], steps)
    for noise in course_delta_S:
        course = fokker_planck.solve(landscape, noise, time, course_start, convention=convention)
        log.info(
            f"Delta_S {noise:g}: P_flat {course.p_flat[-1]:.4f}, error of the mass {abs(course.mass - 1).max():.1e}, "
            f"smallest mass of a cell {course.min_cell_mass.min():.1e}"
        )
        courses.append(course)
        progress()

    final = []
    ends = [settings["small_eta_limit_time"], settings["longest_time"]]
    for noise in delta_S:
        final.append(fokker_planck.adiabatic_p_flat(landscape, noise, ends, final_start, convention, steps))
        progress()
    halving, longest = np.array(final).T

    p_flat, mean_y, mass = np.stack([(course.p_flat, course.mean_y, course.mass) for course in courses], axis=1)
    series, end = ("course", "time"), "probability of x > 0 at the end of the"
    variables = {
        "course_delta_S": Variable(("course",), course_delta_S, "Delta_S of the course"),
        "time": Variable(("time",), time, "time eta t"),
        "p_flat": Variable(series, p_flat, "probability of x > 0"),
        "mean_y": Variable(series, mean_y, "mean y"),
        "mass": Variable(series, mass, "total probability"),
        "delta_S": Variable(("delta_S",), delta_S, "effective noise Delta_S = eta sigma"),
        "p_flat_halving": Variable(("delta_S",), halving, f"{end} runs whose rate is halved"),
        "p_flat_longest": Variable(("delta_S",), longest, f"{end} diagram's longest runs"),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings))
