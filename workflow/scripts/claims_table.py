"""Write the claims as tables: HTML for the report, Markdown for the documentation."""

from sgd_valleys.workflow.job import job

import json
from pathlib import Path

from sgd_valleys.claims import tables
from sgd_valleys.storage.atomic import atomic_write

with job(snakemake):
    content = json.loads(Path(snakemake.input.claims).read_text(encoding="utf-8"))
    for name, render in (("html", tables.html), ("md", tables.markdown)):
        with atomic_write(snakemake.output[name]) as path:
            path.write_text(render(content), encoding="utf-8")
