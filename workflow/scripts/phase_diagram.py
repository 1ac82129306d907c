"""Combine the rows of a phase diagram into one file."""

from sgd_valleys.workflow.job import job

from itertools import product

from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.two_valley import phase_diagram

with job(snakemake) as log:
    settings = snakemake.params.settings
    attributes = [hdf5.read_attributes(path) for path in snakemake.input.rows]
    rows = [hdf5.read_variables(path, ["sigma", *phase_diagram.MEASURES]) for path in snakemake.input.rows]
    eta, stable = ([row[name] for row in attributes] for name in ("eta", "stable"))
    thresholds = phase_diagram.FreezingThresholds(**settings["freezing"])
    variables = phase_diagram.stack_rows(eta, stable, rows, thresholds)
    enough, frozen = (variables[name].data for name in ("enough_changes", "frozen"))
    log.info(f"{enough.sum()} of {enough.size} cells have enough changes of valley, {frozen.sum()} of these are frozen")
    for i, j in product((0, -1), repeat=2):
        cell = {name: variables[name].data[i, j] for name in phase_diagram.MEASURES}
        log.info(phase_diagram.format_cell(eta[i], variables["sigma"].data[j], cell))
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings))
