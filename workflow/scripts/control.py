"""Compute the headline numbers of one control from stored results."""

from sgd_valleys.workflow.job import job

import logging
from importlib import import_module

from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance


class Collected(logging.Handler):
    """A log handler that stores the messages for the caption."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store the message of a record."""
        self.sentences.append(record.getMessage())


with job(snakemake) as log:
    settings = snakemake.params.settings
    module = import_module(f"sgd_valleys.controls.{settings['control']}")
    log.addHandler(collected := Collected())
    variables = module.analyze(dict(snakemake.input.items()), settings, log)
    variables = in_units_of(settings.get("loss", "cross_entropy"), variables)
    attributes = provenance.attributes(settings) | {"headlines": collected.sentences}
    hdf5.write(snakemake.output[0], variables, attributes)
