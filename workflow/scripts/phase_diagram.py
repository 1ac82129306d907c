"""The rows of a phase diagram in one file."""

from itertools import product

import numpy as np

from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

CELL = ("p_flat", "freezing_time", "freezing_y")

with job(snakemake) as log:
    p = snakemake.params.settings
    attributes = [hdf5.read_attributes(path) for path in snakemake.input.rows]
    names = ["sigma", "changed", "diverged", *CELL, *(f"{name}_error" for name in CELL)]
    rows = [hdf5.read_variables(path, names) for path in snakemake.input.rows]
    eta = np.array([each["eta"] for each in attributes])
    stable = np.array([each["stable"] for each in attributes], dtype=bool)
    variables = {
        "eta": Variable(("eta",), eta, "learning rate"),
        "sigma": rows[0].pop("sigma"),
        "stable": Variable(("eta",), stable, "whether the sharp valley is stable at this learning rate"),
    }
    for name, one in rows[0].items():
        values = np.stack([row[name].data for row in rows])
        variables[name] = Variable(("eta", *one.dims), values, one.long_name, one.units)

    def told(name: str, cell: tuple[int, int], scale: float = 1.0) -> str:
        """A value of a cell and its standard error."""
        value, error = (scale * variables[each].data[cell] for each in (name, f"{name}_error"))
        return f"{value:.4g} +- {error:.2g}"

    for cell in product((0, -1), repeat=2):
        rate, sigma = eta[cell[0]], variables["sigma"].data[cell[1]]
        log.info(
            f"eta {rate:g}, sigma {sigma:g}: P_flat {told('p_flat', cell)}, "
            f"eta <t_freeze> {told('freezing_time', cell, rate)}"
        )
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p))
