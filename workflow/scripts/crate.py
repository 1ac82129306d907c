"""Describe the finished run as an RO-Crate, with a copy of the workflow that made it."""

import json
from pathlib import Path

import yaml

from job import job
from sgd_valleys import crate, storage

with job(snakemake) as log:
    p = snakemake.params.settings
    citation = Path(snakemake.input.citation)
    with storage.whole_or_absent(snakemake.output.workflow) as temporary:
        crate.pack([Path(path) for path in p["code"]], citation.parent, temporary)
    # an intermediate file that somebody has removed since is no part of it
    files = {Path(path): purpose for path, purpose in p["files"].items() if Path(path).exists()}
    described = crate.describe(
        files,
        Path(snakemake.output.workflow),
        yaml.safe_load(citation.read_text()),
        storage.library_versions() | {"snakemake": p["snakemake"]},
    )
    with storage.whole_or_absent(snakemake.output.metadata) as temporary:
        temporary.write_text(json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False))
    log.info(f"{len(files)} files in {snakemake.output.metadata}")
