"""Simulate one row of a phase diagram: the two-valley model at one learning rate, for every noise strength."""

from sgd_valleys.workflow.job import job

from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.two_valley import langevin, phase_diagram
from sgd_valleys.two_valley.landscape import Landscape, stability_bound
from sgd_valleys.two_valley.theory import tau_x_max

with job(snakemake) as log:
    settings = snakemake.params.settings
    landscape, eta = Landscape(**settings["landscape"]), float(settings["eta"])
    start = settings["start"]["x"], settings["start"]["y"]
    relaxation = tau_x_max(landscape) / eta
    fixed = {name: settings[name] for name in ("noise", "runs", "iterations", "seed")}
    cells, progress = [], Progress(len(settings["sigma"]), "cells", log)
    for sigma in settings["sigma"]:
        runs = langevin.simulate(landscape, eta, sigma, start=start, **fixed)
        cells.append(phase_diagram.summarize_cell(runs, settings["iterations"], relaxation, settings["late"]))
        log.info(phase_diagram.format_cell(eta, sigma, cells[-1]))
        progress()
    stable = eta < stability_bound(landscape, settings["start"]["y"])
    hdf5.write(
        snakemake.output[0],
        phase_diagram.collect_row(settings["sigma"], cells),
        provenance.attributes(settings) | {"eta": eta, "stable": int(stable)},
    )
