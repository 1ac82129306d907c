"""Simulate P_flat of the two-valley model against Delta_S, with one property of the model changed (Fig. C9)."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.two_valley import controls
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.phase_diagram import FreezingThresholds

with job(snakemake) as log:
    settings = snakemake.params.settings
    control, arms, delta_S = settings["control"], settings["arms"], settings["delta_S"]
    start = settings["start"]["x"], settings["start"]["y"]
    reference = controls.Arm(Landscape(**settings["landscape"]), settings["eta"], "H", start)
    thresholds = FreezingThresholds(**settings["freezing"])
    fixed = {name: settings[name] for name in ("runs", "time", "seed")} | {"thresholds": thresholds}
    cells, progress = [], Progress(len(arms) * len(delta_S), "cells", log)
    for value in arms:
        arm, row = controls.make_arm(reference, control, value), []
        for noise in delta_S:
            row.append(controls.simulate_arm(arm, noise, **fixed))
            progress()
        cells.append(row)
        shares = " ".join(f"{cell['p_flat']:.3f}" for cell in row)
        log.info(f"{control} = {value}: P_flat {shares} at ascending Delta_S")
    variables = controls.tabulate(np.array(delta_S), cells, thresholds)
    spread, at, p = controls.spread_between_arms(variables["flat"].data, variables["finite"].data)
    difference = f"largest difference of P_flat between arms {spread:.3f} at Delta_S = {delta_S[at]:g}"
    log.info(headline := f"{control} from {arms[0]} to {arms[-1]}: {difference}; all equal: p = {p:.2g}")
    found = {"control": control, "arms": arms, "spread": spread, "spread_delta_S": delta_S[at], "spread_p": p}
    found["headlines"] = [headline]
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings) | found)
