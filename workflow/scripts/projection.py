"""Trajectories in the plane of their principal components: the block of Fig. 1A, the cells of Fig. 2B and C."""

import numpy as np

from sgd_valleys.measures import projection
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import files_by_cell, read_cells
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    by_cell = files_by_cell(snakemake.input.train)

    def trajectories(eta: str, B: int) -> dict[str, np.ndarray]:
        """Weights (realization, time, parameter) and losses of a cell."""
        (run,) = read_cells(by_cell[float(eta), B], ["layer_weight", "train_loss", "diverged"]).values()
        weights = run["layer_weight"].reshape(*run["layer_weight"].shape[:2], -1)
        weights[run["diverged"]] = np.nan  # where it was last finite it was far out, and would be all one sees
        return run | {"layer_weight": weights}

    def padded(array: np.ndarray, runs: int) -> np.ndarray:
        """As many runs as the other cell has: gradient descent has one."""
        rest = np.full((runs - len(array), *array.shape[1:]), np.nan, array.dtype)
        return np.concatenate([array, rest])

    block = [(trajectories(eta, B), r) for eta, B, r in p["block"]]
    block_pc, block_explained = projection.project(
        np.stack([run["layer_weight"][list(run["realization"]).index(r)] for run, r in block])
    )
    block_loss = np.stack([run["train_loss"][list(run["realization"]).index(r)] for run, r in block])
    log.info(f"variance explained: block {block_explained}")
    explained = "share of the variance that the component explains"
    variables = {
        "block_pc": Variable(
            ("block_run", "time", "component"), block_pc, "principal components of the layer's weights"
        ),
        "block_loss": Variable(("block_run", "time"), block_loss, "training loss", "nat"),
        "block_eta": Variable(("block_run",), np.array([float(eta) for eta, _, _ in p["block"]]), "learning rate"),
        "block_B": Variable(("block_run",), np.array([B for _, B, _ in p["block"]]), "batch size", "samples"),
        "block_explained": Variable(("component",), block_explained, explained),
    }
    if p["cells"]:
        cells = [trajectories(eta, B) for eta, B in p["cells"]]
        runs = max(len(cell["realization"]) for cell in cells)
        cell_pc, cell_explained = projection.project(np.stack([padded(cell["layer_weight"], runs) for cell in cells]))
        cell_loss = np.stack([padded(cell["train_loss"], runs) for cell in cells])
        log.info(f"variance explained: cells {cell_explained}")
        variables |= {
            "cell_pc": Variable(
                ("cell", "realization", "time", "component"), cell_pc, "principal components of the layer's weights"
            ),
            "cell_loss": Variable(("cell", "realization", "time"), cell_loss, "training loss", "nat"),
            "cell_eta": Variable(("cell",), np.array([float(eta) for eta, _ in p["cells"]]), "learning rate"),
            "cell_B": Variable(("cell",), np.array([B for _, B in p["cells"]]), "batch size", "samples"),
            "cell_explained": Variable(("component",), cell_explained, explained),
        }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data))
