"""Project trajectories on their principal components: the block of Fig. 1A, and the cells of Fig. 2B and C."""

from sgd_valleys.workflow.job import job

from collections.abc import Iterable

import numpy as np

from sgd_valleys.config.sweep import Run, canonical
from sgd_valleys.measures import projection
from sgd_valleys.measures.grid import stack_cells
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import files_by_cell
from sgd_valleys.storage.hdf5 import Variable

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    weight = f"checkpoint_layer{settings['layer']}_weight"
    file_of = {
        Run(canonical(eta), B, realization): path
        for (eta, B), paths in files_by_cell(snakemake.input.train).items()
        for path in paths
        for realization in hdf5.read(path, ["realization"])["realization"].tolist()
    }

    def trajectory(run: Run) -> tuple[np.ndarray, np.ndarray]:
        """Read the weights (time, parameter) and the losses (time) of a run."""
        path = file_of[run]
        series = hdf5.read(path, ["train_loss", "diverged"], hdf5.position(path, "realization", run.realization))
        weights = hdf5.read(path, [weight], hdf5.position(path, "checkpoint", run.realization))[weight]
        weights = weights.reshape(len(weights), -1)
        if series["diverged"]:
            weights[:] = np.nan  # the last finite points of a diverged run would dominate the principal components
        return weights, series["train_loss"]

    def trajectories(runs: Iterable[Run]) -> tuple[np.ndarray, np.ndarray]:
        """Read the weights (run, time, parameter) and the losses (run, time) of several runs."""
        weights, losses = zip(*map(trajectory, runs), strict=True)
        return np.stack(weights), np.stack(losses)

    def variables(axes: tuple[str, ...], weights: np.ndarray, losses: np.ndarray, cells: list) -> dict[str, Variable]:
        """Project ``weights`` (``*axes``, time, parameter), whose first axis is over ``cells``."""
        name = axes[0].split("_")[0]
        pc, explained = projection.project(weights)
        log.info(f"fraction of the variance that each component explains, {name}: {explained}")
        component = ("component",)
        return {
            f"{name}_pc": Variable((*axes, "time", "component"), pc, "principal components of the layer's weights"),
            f"{name}_loss": Variable((*axes, "time"), losses, "training loss", "nat"),
            f"{name}_eta": Variable(axes[:1], [float(eta) for eta, *_ in cells], "learning rate"),
            f"{name}_B": Variable(axes[:1], [B for _, B, *_ in cells], "batch size", "samples"),
            f"{name}_explained": Variable(component, explained, "fraction of the variance that the component explains"),
        }

    found = variables(("block_run",), *trajectories(Run(*run) for run in settings["block"]), settings["block"])
    if settings["cells"]:
        cells = (sorted(run for run in file_of if run.cell == tuple(cell)) for cell in settings["cells"])
        weights, losses = zip(*map(trajectories, cells), strict=True)
        found |= variables(("cell", "realization"), stack_cells(weights), stack_cells(losses), settings["cells"])
    hdf5.write(snakemake.output[0], in_units_of(loss, found), provenance.attributes(settings, snakemake.input.data))
