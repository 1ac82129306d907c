"""Download and verify the data set of an experiment, and store the part that the experiment uses."""

from sgd_valleys.workflow.job import job

from sgd_valleys.data import download, images
from sgd_valleys.data.registry import data_set_of
from sgd_valleys.storage import hdf5, provenance

with job(snakemake) as log:
    settings = snakemake.params.settings
    dataset = settings["dataset"]
    data_set, root = data_set_of(dataset, checksum=True), snakemake.resources.data_root
    source = download.fetch(data_set, root, log.info)
    loaded = images.load(data_set, root, dataset["train_per_class"], dataset["test_per_class"])
    log.info(f"{len(loaded.train_label)} training and {len(loaded.test_label)} test images from {source}")
    attributes = provenance.attributes(dataset) | {
        "source": source,
        "data_sha256": loaded.data_sha256(),
        "file_md5": dict(data_set.files),
    }
    hdf5.write(snakemake.output[0], images.variables(loaded), attributes)
