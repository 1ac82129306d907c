"""Jaccard similarity of every pair of endpoints of a sweep, and of the block that Fig. 1B shows."""

import numpy as np

from sgd_valleys.measures import similarity
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import files_by_cell, read_cells
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    errors, converged, eta_of, B_of, realization_of = [], [], [], [], []
    for (eta, B), paths in files_by_cell(snakemake.input.train).items():
        (run,) = read_cells(paths, ["test_error", "train_accuracy"]).values()
        for r, number in enumerate(run["realization"]):
            errors.append(run["test_error"][r, -1])
            converged.append(run["train_accuracy"][r, -1] == 1)
            eta_of.append(eta)
            B_of.append(B)
            realization_of.append(number)
    jaccard = similarity.jaccard(np.array(errors))
    key = list(zip(eta_of, B_of, realization_of, strict=True))
    block = [key.index((float(eta), B, r)) for eta, B, r in p["block"]]
    ended = np.array(converged)[block]  # a run that has not converged is no solution to compare
    block_jaccard = np.where(ended & ended[:, None], jaccard[np.ix_(block, block)], np.nan)
    log.info(f"{len(jaccard)} solutions, {sum(converged)} of them converged")
    rate = np.array([float(e) for e in eta_of])
    size = np.array(B_of)
    variables = {
        "solution_eta": Variable(("solution",), rate, "learning rate"),
        "solution_B": Variable(("solution",), size, "batch size", "samples"),
        "solution_realization": Variable(("solution",), np.array(realization_of), "realization"),
        "solution_converged": Variable(
            ("solution",), np.array(converged), "whether the training accuracy is exactly 1"
        ),
        "jaccard": Variable(("solution", "other"), jaccard, "Jaccard similarity, Eq. 4"),
        "block_eta": Variable(("block_run",), rate[block], "learning rate"),
        "block_B": Variable(("block_run",), size[block], "batch size", "samples"),
        "block_jaccard": Variable(
            ("block_run", "block_other"), block_jaccard, "Jaccard similarity, Eq. 4; NaN where a run has not converged"
        ),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data))
