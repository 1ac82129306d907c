"""Tabulate the closed forms of the two-valley model on the grids of Figs. 5, 6, 6X and C9."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.two_valley import theory, theory_curves
from sgd_valleys.two_valley.landscape import Landscape

with job(snakemake) as log:
    settings = snakemake.params.settings
    landscape, gamma = Landscape(**settings["landscape"]), settings["gamma"]
    variables = theory_curves.tabulate(
        landscape,
        cut=settings["y"],
        course_delta_S=np.array(settings["occupancy_delta_S"]),
        delta_S=np.array(settings["delta_S"]),
        gamma=np.linspace(gamma["first"], gamma["last"], gamma["points"]),
        epsilon=settings["epsilon"],
        plane=settings["plane"],
    )
    tau_x, tau_y = variables["tau_x_max"].data, variables["tau_y_min"].data
    log.info(f"tau_x at most {tau_x:.3f}, tau_y at least {tau_y:.2f}, ratio {tau_x / tau_y:.2e}")
    log.info(f"gamma {landscape.gamma:.4f}, Phi at most {theory.Phi_bound(landscape):.4g}")
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings))
