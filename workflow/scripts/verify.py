"""Check every file of results against its checksum and the configuration."""

from sgd_valleys.workflow.job import job

import sys
from pathlib import Path

from sgd_valleys.results.verification import find_faults

with job(snakemake) as log:
    folder, planned, settings = (snakemake.params[name] for name in ("folder", "planned", "settings"))
    faults, summary = find_faults(Path(folder), planned, settings)
    for line in (*faults, summary):
        log.info(line)
        print(line)
    if faults:
        sys.exit(1)
