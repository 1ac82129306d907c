"""Eigenvalues of the layer's Hessian of every branch: at its final value, of the reference run's all along the way."""

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import first_of_each_class
from sgd_valleys.measures import curvature
from sgd_valleys.measures.curvature import LayerHessian, top_eigenvalues
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    layer, N = p["layer"], p["N"]
    network, samples = load_network_and_samples(snakemake.input.data, p, ["train"])
    pixels, labels = samples["train"]
    inputs = pixels[first_of_each_class(labels, p["per_class"])].astype(np.float64)
    branches = hdf5.read(snakemake.input.train, ["t_c", "iteration", "final"])
    t_c, iteration = branches["t_c"], branches["iteration"]
    trace = np.full((len(t_c), len(iteration)), np.nan)
    eigenvalue = np.full((*trace.shape, N), np.nan)
    whole = "checkpoint" if p["along"] else "final"
    progress = Progress(len(t_c) * (len(iteration) if p["along"] else 1), "spectra", log)
    failures = 0
    for b, last in enumerate(branches["final"]):
        # a branch at a time: all of their parameters together are large
        found = hdf5.read(snakemake.input.train, [f"{whole}_{name}" for name in network.names()], {"t_c": b})
        for t in range(len(iteration)) if p["along"] else [last]:
            at = (t,) if p["along"] else ()
            parameters = {name: found[f"{whole}_{name}"][at].astype(np.float64) for name in network.names()}
            hessian = LayerHessian(network.linearize(parameters, inputs, layer))
            top = top_eigenvalues(hessian, N, stream(p["seed"], Stage.LANCZOS), p["tolerance"])
            eigenvalue[b, t], trace[b, t] = top.eigenvalue, hessian.trace()
            if top.failure:
                failures += 1
                log.warning(f"t_c {t_c[b]}, {iteration[t]} iterations after: no top {N}: {top.failure}")
            progress()
    log.info(f"{int(progress.done) - failures} spectra taken, {failures} without a positive, converged top {N}")
    variables = {
        "t_c": Variable(("t_c",), t_c, "iteration of the SGD run at which the branch leaves it", "iterations"),
        "iteration": Variable(("time",), iteration, "steps of gradient descent since t_c", "iterations"),
        **curvature.variables(eigenvalue, trace, ("t_c", "time"), layer),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data))
