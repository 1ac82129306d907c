"""Trajectories in the plane of their principal components: the block of Fig. 1A, the cells of Fig. 2B and C."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.measures import projection
from sgd_valleys.measures.grid import stack_cells
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import files_by_cell, read_cells
from sgd_valleys.storage.hdf5 import Variable

with job(snakemake) as log:
    settings = snakemake.params.settings
    by_cell = files_by_cell(snakemake.input.train)

    def trajectories(eta: str, B: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """Read the weights (run, time, parameter), losses (run, time) and realizations (run) of a cell."""
        (run,) = read_cells(by_cell[float(eta), B], ["layer_weight", "train_loss", "diverged"]).values()
        weights = run["layer_weight"].reshape(*run["layer_weight"].shape[:2], -1)
        weights[run["diverged"]] = np.nan  # its last finite points are so far away that they would set the axes
        return weights, run["train_loss"], run["realization"].tolist()

    def variables(axes: tuple[str, ...], weights: np.ndarray, loss: np.ndarray, cells: list) -> dict[str, Variable]:
        """Project ``weights`` (``*axes``, time, parameter), whose first axis is over ``cells``."""
        name = axes[0].split("_")[0]
        pc, explained = projection.project(weights)
        log.info(f"fraction of the variance that each component explains, {name}: {explained}")
        component = ("component",)
        return {
            f"{name}_pc": Variable((*axes, "time", "component"), pc, "principal components of the layer's weights"),
            f"{name}_loss": Variable((*axes, "time"), loss, "training loss", "nat"),
            f"{name}_eta": Variable(axes[:1], [float(eta) for eta, *_ in cells], "learning rate"),
            f"{name}_B": Variable(axes[:1], [B for _, B, *_ in cells], "batch size", "samples"),
            f"{name}_explained": Variable(component, explained, "fraction of the variance that the component explains"),
        }

    weights, losses = [], []
    for eta, B, realization in settings["block"]:
        cell_weights, cell_losses, realizations = trajectories(eta, B)
        row = realizations.index(realization)
        weights.append(cell_weights[row])
        losses.append(cell_losses[row])
    found = variables(("block_run",), np.stack(weights), np.stack(losses), settings["block"])
    if settings["cells"]:
        weights, losses, _ = zip(*(trajectories(*cell) for cell in settings["cells"]), strict=True)
        found |= variables(("cell", "realization"), stack_cells(weights), stack_cells(losses), settings["cells"])
    hdf5.write(snakemake.output[0], found, provenance.attributes(settings, snakemake.input.data))
