"""Describe the finished run as an RO-Crate, with a copy of the workflow that made it."""

from sgd_valleys.workflow.job import job

import json
from pathlib import Path

import yaml

from sgd_valleys.results import crate
from sgd_valleys.storage import provenance
from sgd_valleys.storage.atomic import atomic_write
from sgd_valleys.workflow.dependencies import ROOT

with job(snakemake) as log:
    settings = snakemake.params.settings
    with atomic_write(snakemake.output.workflow) as temporary:
        crate.pack([ROOT / path for path in settings["code"]], ROOT, temporary)
    # intermediate files may have been removed since
    files = {Path(path): purpose for path, purpose in settings["files"].items() if Path(path).exists()}
    described = crate.describe(
        files,
        Path(snakemake.output.workflow),
        yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")),
        provenance.library_versions() | {"snakemake": settings["snakemake"]},
    )
    with atomic_write(snakemake.output.metadata) as temporary:
        temporary.write_text(json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    log.info(f"{len(files)} files in {snakemake.output.metadata}")
