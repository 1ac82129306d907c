"""Find the freezing time (Eq. 7) of every run at every threshold."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.measures.freezing import freezing_time
from sgd_valleys.measures.grid import on_grid
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import grid, read_cells
from sgd_valleys.storage.hdf5 import Variable, coordinates

with job(snakemake) as log:
    settings = snakemake.params.settings
    runs = read_cells(snakemake.input.train, ["train_loss"], shared=["iteration"])
    etas, Bs = grid(runs)
    thresholds = [settings["L_c"], *settings["robustness"]]
    time = [
        on_grid({cell: freezing_time(run["iteration"], run["train_loss"], L_c) for cell, run in runs.items()})
        for L_c in thresholds
    ]
    lowest = min(np.nanmin(run["train_loss"], initial=np.inf) for run in runs.values())
    for L_c, times in zip(thresholds, time, strict=True):
        reached = np.isfinite(times).sum()
        log.info(f"L_c = {L_c}: reached by {reached} runs")
        if not reached:
            log.warning(
                f"experiments.{snakemake.wildcards.experiment}.freezing: no run reaches a training loss below {L_c}, "
                f"and all freezing times are NaN; allowed are thresholds above the lowest loss, {lowest:.3g}; raise "
                "the threshold, or sweep.eta_T."
            )
    variables = coordinates(threshold=thresholds, eta=etas, B=Bs, realization=np.arange(time[0].shape[-1]))
    variables["freezing_time"] = Variable(
        ("threshold", "eta", "B", "realization"), time, "freezing time t_freeze, Eq. 7; NaN where never", "iterations"
    )
    hdf5.write(
        snakemake.output[0],
        in_units_of(settings.get("loss", "cross_entropy"), variables),
        provenance.attributes(settings, snakemake.input.data),
    )
