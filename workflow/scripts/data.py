"""Bring an experiment's images in, verified, and store the part of them that it uses."""

from job import job
from sgd_valleys import data, storage

with job(snakemake) as log:
    p = snakemake.params.settings
    source = data.fetch(p["dataset"]["name"], p["root"], log.info)
    per_class = [p["dataset"][f"{part}_per_class"] for part in ("train", "test")]
    images = data.load(p["dataset"]["name"], p["root"], *(None if n == "all" else n for n in per_class))
    log.info(f"{len(images.train_label)} training and {len(images.test_label)} test images from {source}")
    attributes = storage.provenance(p["dataset"]) | {
        "source": source,
        "data_sha256": images.data_sha256(),
        "file_md5": dict(data.DATA_SETS[p["dataset"]["name"]].files),
    }
    storage.write(snakemake.output[0], data.variables(images), attributes)
