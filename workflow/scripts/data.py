"""Download and verify the data set of an experiment, and store the part that the experiment uses."""

from sgd_valleys.workflow.job import job

import logging
from dataclasses import replace

from sgd_valleys.data import download, images
from sgd_valleys.data.label_noise import replace_labels
from sgd_valleys.data.registry import data_set_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.atomic import copy_or_store
from sgd_valleys.storage.hdf5 import Variable


def store(settings: dict, log: logging.Logger) -> None:
    """Write the images and labels that the settings select."""
    dataset = settings["dataset"]
    data_set, root = data_set_of(dataset, checksum=True), snakemake.resources.data_root
    source = download.fetch(data_set, root, log.info)
    part = dataset["train_per_class"], dataset["test_per_class"], dataset.get("train_subset", 0)
    loaded = images.load(data_set, root, *part)
    log.info(f"{len(loaded.train_label)} training and {len(loaded.test_label)} test images from {source}")
    further = {}
    if share := settings.get("label_noise"):
        clean = loaded.train_label
        loaded = replace(loaded, train_label=replace_labels(clean, data_set.classes, share, settings["seed"]))
        text = "labels of the training set before label noise"
        further["clean_train_label"] = Variable(("train_sample",), clean, text, compress=True)
        log.info(f"{(loaded.train_label != clean).sum()} training labels replaced by another class")
    own = {key: value for key, value in settings.items() if key != "dataset"}
    attributes = provenance.attributes(dataset | own) | {
        "source": source,
        "data_sha256": loaded.data_sha256(),
        "file_md5": dict(data_set.files),
    }
    hdf5.write(snakemake.output[0], images.variables(loaded) | further, attributes)


with job(snakemake) as log:
    settings = snakemake.params.settings
    copy_or_store(snakemake.input.same, snakemake.output[0], lambda: store(settings, log), log.info)
