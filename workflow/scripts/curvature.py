"""Compute eigenvalues of the layer's Hessian at the end of every run, and of some runs along training."""

from sgd_valleys.workflow.job import job

import numpy as np
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.measures import curvature
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    hessian = curvature.load_hessian(snakemake.input.data, settings, log)
    runs = hdf5.read(snakemake.input.train, ["realization", "iteration", "diverged"])
    realization, iteration = runs["realization"], runs["iteration"]
    last = len(iteration) - 1
    final = read_parameters(snakemake.input.train, "final")
    if settings["along"]:
        checkpoint = read_parameters(snakemake.input.train, "checkpoint")
        checkpoint_row = list(hdf5.read(snakemake.input.train, ["checkpoint"])["checkpoint"])

    def hessian_at(r: int, t: int) -> LinearOperator:
        if t == last:
            return hessian({name: array[r] for name, array in final.items()})
        return hessian({name: array[checkpoint_row.index(realization[r]), t] for name, array in checkpoint.items()})

    times = [range(last + 1) if number in settings["along"] else [last] for number in realization]
    complete = np.isin(realization, settings["spectrum"]) & ~runs["diverged"]
    found = curvature.along_training(
        hessian_at,
        [(r, t) for r, own in enumerate(times) for t in own],
        (len(realization), len(iteration)),
        **{name: settings[name] for name in ("N", "tolerance", "seed")},
        label=lambda r, t: f"realization {realization[r]}, iteration {iteration[t]}",
        log=log,
        spectra={(r, last) for r in np.flatnonzero(complete).tolist()},
    )
    variables = {
        **coordinates(realization=realization),
        "iteration": Variable(("time",), iteration, "iteration t", "iterations"),
        **found.variables("realization", curvature.name_of(settings)),
    }
    attributes = provenance.attributes(settings, snakemake.input.data)
    if found.spectrum:
        axes, spectra = ("spectrum_realization", "index"), np.stack(list(found.spectrum.values()))
        variables["spectrum_realization"] = Variable(axes[:1], realization[list(found.spectrum)], "realization")
        estimated = "" if found.spectrum_method == "dense" else ", estimated"
        variables["spectrum"] = Variable(axes, spectra, f"all eigenvalues, descending{estimated}", "nat")
        attributes["spectrum_method"] = found.spectrum_method
    train = hdf5.read_attributes(snakemake.input.train)
    hdf5.write(
        snakemake.output[0],
        in_units_of(loss, variables),
        attributes | {"eta": float(train["eta"]), "B": int(train["B"])},
    )
