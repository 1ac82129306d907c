"""Compute the Jaccard similarity (Eq. 4) of every pair of a sweep's endpoints, and of the block of Fig. 1B."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.measures import similarity
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import files_by_cell, read_cells
from sgd_valleys.storage.hdf5 import Variable

with job(snakemake) as log:
    settings = snakemake.params.settings
    errors, accuracy, solutions = [], [], []
    for (eta, B), paths in files_by_cell(snakemake.input.train).items():
        (run,) = read_cells(paths, ["test_error", "train_accuracy"]).values()
        errors.append(run["test_error"][:, -1].copy())  # a view would keep the errors at all times in memory
        accuracy.append(run["train_accuracy"][:, -1])
        solutions += [(eta, B, r) for r in run["realization"].tolist()]
    jaccard = similarity.jaccard(np.concatenate(errors))
    converged = np.concatenate(accuracy) == 1
    block = [solutions.index((float(eta), B, r)) for eta, B, r in settings["block"]]
    block_jaccard = similarity.mask_solutions(jaccard[np.ix_(block, block)], ~converged[block])
    log.info(f"{len(jaccard)} solutions, {converged.sum()} converged")
    eta, B, realization = map(np.array, zip(*solutions, strict=True))
    variables = {
        "solution_eta": Variable(("solution",), eta, "learning rate"),
        "solution_B": Variable(("solution",), B, "batch size", "samples"),
        "solution_realization": Variable(("solution",), realization, "realization"),
        "solution_converged": Variable(("solution",), converged, "whether the training accuracy is exactly 1"),
        "jaccard": Variable(("solution", "other"), jaccard, "Jaccard similarity, Eq. 4"),
        "block_eta": Variable(("block_run",), eta[block], "learning rate"),
        "block_B": Variable(("block_run",), B[block], "batch size", "samples"),
        "block_jaccard": Variable(
            ("block_run", "block_other"), block_jaccard, "Jaccard similarity, Eq. 4; NaN where a run has not converged"
        ),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings, snakemake.input.data))
