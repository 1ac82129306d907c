"""Eigenvalues of the layer's Hessian of every branch: at its end, and along all branches of the reference run."""

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
    along = settings["along"]

    @lru_cache(maxsize=1)  # the parameters of all branches together are large
    def parameters_of(b: int) -> dict[str, np.ndarray]:
        """Read the parameters of branch b: of the reference run at all recorded times, else at the end."""
        return read_parameters(snakemake.input.train, "checkpoint" if along else "final", {"t_c": b})

    found = curvature.along_training(
        lambda b, t: hessian({name: array[t] if along else array for name, array in parameters_of(b).items()}),
        [(b, t) for b, end in enumerate(branches["final"]) for t in (range(len(iteration)) if along else [end])],
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
