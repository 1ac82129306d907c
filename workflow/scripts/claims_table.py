"""The claims as a table to read: HTML for the report, Markdown for the documentation."""

import json
from pathlib import Path

from sgd_valleys.claims import tables
from sgd_valleys.storage.atomic import atomic_write
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    content = json.loads(Path(snakemake.input.claims).read_text())
    for name, text in (("html", tables.html(content)), ("md", tables.markdown(content))):
        with atomic_write(snakemake.output[name]) as path:
            path.write_text(text)
