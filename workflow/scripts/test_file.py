"""Store the whole test file of an experiment's data set, whatever part of it its test set is."""

from job import job
from sgd_valleys import data, storage
from sgd_valleys.storage import Variable

with job(snakemake) as log:
    p = snakemake.params.settings
    root = snakemake.params.root
    data.fetch(p["dataset"], root, log.info)
    image, label = data.load_test_file(p["dataset"], root)
    log.info(f"{len(label)} test images")
    axes = ("sample", "channel", "row", "column")
    variables = {
        "test_image": Variable(axes, image, "images of the test file, pixels in [-1, 1]", compress=True),
        "test_label": Variable(axes[:1], label, "labels of the test file"),
    }
    storage.write(snakemake.output[0], variables, storage.provenance(p, snakemake.input.data))
