"""Store the whole test file of an experiment's data set; the test set may be a part of this file."""

from sgd_valleys.workflow.job import job

import logging

from sgd_valleys.data import download, images
from sgd_valleys.data.registry import data_set_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.atomic import copy_or_store
from sgd_valleys.storage.hdf5 import Variable


def store(settings: dict, log: logging.Logger) -> None:
    """Write all images and labels of the test file."""
    dataset = {"name": settings["dataset"], **{key: settings[key] for key in ("path",) if key in settings}}
    data_set, root = data_set_of(dataset, checksum=True), snakemake.resources.data_root
    download.fetch(data_set, root, log.info)
    image, label = images.load_test_file(data_set, root)
    log.info(f"{len(label)} test images")
    axes = ("sample", "channel", "row", "column")
    variables = {
        "test_image": Variable(axes, image, "images of the test file, pixels in [-1, 1]", compress=True),
        "test_label": Variable(axes[:1], label, "labels of the test file"),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings, snakemake.input.data))


with job(snakemake) as log:
    settings = snakemake.params.settings
    copy_or_store(snakemake.input.same, snakemake.output[0], lambda: store(settings, log), log.info)
