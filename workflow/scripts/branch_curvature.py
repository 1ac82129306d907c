"""Compute eigenvalues of the layer's Hessian of every branch at the end, and along the branches of the figures."""

from sgd_valleys.workflow.job import job

from functools import lru_cache

import numpy as np

from sgd_valleys.measures import curvature
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    hessian = curvature.load_hessian(snakemake.input.data, settings, log)
    branches = hdf5.read(snakemake.input.train, ["t_c", "iteration", "final"])
    t_c, iteration = branches["t_c"], branches["iteration"]
    along, final = settings["along"], branches["final"]
    ends = read_parameters(snakemake.input.train, "final")

    @lru_cache(maxsize=1)  # one branch at a time, to limit the memory
    def parameters_along(b: int) -> dict[str, np.ndarray]:
        return read_parameters(snakemake.input.train, "checkpoint", {"t_c": b})

    def parameters_at(b: int, t: int) -> dict[str, np.ndarray]:
        if t == final[b]:
            return {name: array[b] for name, array in ends.items()}
        return {name: array[t] for name, array in parameters_along(b).items()}

    found = curvature.along_training(
        lambda b, t: hessian(parameters_at(b, t)),
        [(b, t) for b, end in enumerate(final) for t in (range(end + 1) if b in along else [end])],
        (len(t_c), len(iteration)),
        **{name: settings[name] for name in ("N", "tolerance", "seed")},
        label=lambda b, t: f"t_c {t_c[b]}, {iteration[t]} iterations after",
        log=log,
    )
    variables = {
        **coordinates(t_c=t_c),
        "iteration": Variable(("time",), iteration, "steps of gradient descent since t_c", "iterations"),
        **found.variables("t_c", curvature.name_of(settings)),
    }
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), provenance.attributes(settings, snakemake.input.data))
