"""Eigenvalues of the layer's Hessian: of every run at its end, and of some along the way."""

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
    wholes = ["final", "checkpoint"] if p["along"] else ["final"]  # what of the file is needed: it can be large
    names = [f"{whole}_{name}" for whole in wholes for name in network.names()]
    names += ["checkpoint"] if p["along"] else []
    runs = hdf5.read(snakemake.input.train, ["realization", "iteration", "diverged", *names])
    attributes = hdf5.read_attributes(snakemake.input.train)
    realization, iteration = runs["realization"], runs["iteration"]
    last = len(iteration) - 1
    trace = np.full((len(realization), len(iteration)), np.nan)
    eigenvalue = np.full((*trace.shape, N), np.nan)
    wanted = [
        (r, t) for r, number in enumerate(realization) for t in (range(last + 1) if number in p["along"] else [last])
    ]

    def parameters_at(r: int, t: int) -> dict[str, np.ndarray]:
        """All parameters of run r at recorded time t, in float64."""
        if t == last:
            return {name: runs[f"final_{name}"][r].astype(np.float64) for name in network.names()}
        c = list(runs["checkpoint"]).index(realization[r])
        return {name: runs[f"checkpoint_{name}"][c, t].astype(np.float64) for name in network.names()}

    progress = Progress(len(wanted), "spectra", log)
    failures = 0
    spectra = {}
    for r, t in wanted:
        hessian = LayerHessian(network.linearize(parameters_at(r, t), inputs, layer))
        top = top_eigenvalues(hessian, N, stream(p["seed"], Stage.LANCZOS), p["tolerance"])
        eigenvalue[r, t], trace[r, t] = top.eigenvalue, hessian.trace()
        if top.failure:
            failures += 1
            log.warning(f"realization {realization[r]}, iteration {iteration[t]}: no top {N}: {top.failure}")
        if t == last and realization[r] in p["spectrum"] and not runs["diverged"][r]:
            spectra[realization[r]] = hessian.spectrum()
        progress()
    log.info(
        f"{len(wanted) - failures} of {len(wanted)} spectra taken, {failures} without a positive, converged top {N}"
    )

    variables = {
        "realization": Variable(("realization",), realization, "realization (order of the minibatches)"),
        "iteration": Variable(("time",), iteration, "iteration t", "iterations"),
        **curvature.variables(eigenvalue, trace, ("realization", "time"), layer),
    }
    if spectra:
        variables["spectrum_realization"] = Variable(("spectrum_realization",), np.array(list(spectra)), "realization")
        variables["spectrum"] = Variable(
            ("spectrum_realization", "index"), np.stack(list(spectra.values())), "all eigenvalues, descending", "nat"
        )
    attributes = {"eta": float(attributes["eta"]), "B": int(attributes["B"])}
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data) | attributes)
