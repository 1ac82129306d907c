"""The rows of a phase diagram in one file."""

import numpy as np

from job import job
from sgd_valleys import storage
from sgd_valleys.storage import Variable

CELL = {
    "p_flat": ("share P_flat of runs that end at x > 0", "1"),
    "p_flat_error": ("standard error of p_flat", "1"),
    "freezing_time": ("mean iteration of the last change of valley, 1 where there is none", "iterations"),
    "freezing_time_error": ("standard error of freezing_time", "iterations"),
    "freezing_y": ("mean y at the last change of valley, at the start where there is none", "1"),
    "freezing_y_error": ("standard error of freezing_y", "1"),
    "diverged": ("runs that left the finite numbers", "1"),
}

with job(snakemake) as log:
    p = snakemake.params.settings
    rows = [storage.read(path, ["sigma", *CELL]) for path in snakemake.input.rows]
    eta = np.array([storage.read_attributes(path)["eta"] for path in snakemake.input.rows])
    stable = np.array([storage.read_attributes(path)["stable"] for path in snakemake.input.rows], dtype=bool)
    order = np.argsort(eta)
    variables = {
        "eta": Variable(("eta",), eta[order], "learning rate"),
        "sigma": Variable(("sigma",), rows[0]["sigma"], "strength of the noise"),
        "stable": Variable(("eta",), stable[order], "whether the sharp valley is stable at this learning rate"),
    }
    for name, text in CELL.items():
        variables[name] = Variable(("eta", "sigma"), np.stack([rows[k][name] for k in order]), *text)
    cells, errors = variables["p_flat"].data, variables["p_flat_error"].data
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        log.info(
            f"eta {variables['eta'].data[corner[0]]:g}, sigma {variables['sigma'].data[corner[1]]:g}: "
            f"P_flat {cells[corner]:.4f} +- {errors[corner]:.4f}, eta <t_freeze> "
            f"{variables['eta'].data[corner[0]] * variables['freezing_time'].data[corner]:.2f} "
            f"+- {variables['eta'].data[corner[0]] * variables['freezing_time_error'].data[corner]:.2f}"
        )
    storage.write(snakemake.output[0], variables, storage.provenance(p))
