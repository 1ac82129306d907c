"""Bring an experiment's images in, verified, and store the part of them that it uses."""

from sgd_valleys.data import images
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    source = images.fetch(p["dataset"]["name"], p["root"], log.info)
    per_class = [p["dataset"][f"{part}_per_class"] for part in ("train", "test")]
    loaded = images.load(p["dataset"]["name"], p["root"], *(None if n == "all" else n for n in per_class))
    log.info(f"{len(loaded.train_label)} training and {len(loaded.test_label)} test images from {source}")
    attributes = provenance.attributes(p["dataset"]) | {
        "source": source,
        "data_sha256": loaded.data_sha256(),
        "file_md5": dict(images.DATA_SETS[p["dataset"]["name"]].files),
    }
    hdf5.write(snakemake.output[0], images.variables(loaded), attributes)
