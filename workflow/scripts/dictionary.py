"""Write the data dictionary, docs/data.md, from the files of a complete run."""

from sgd_valleys.workflow.job import job

from pathlib import Path

from sgd_valleys.results.dictionary import Kind, page
from sgd_valleys.storage.atomic import atomic_write

with job(snakemake) as log:
    kinds = [
        Kind(pattern, rule, purpose, [Path(path) for path in paths if Path(path).exists()])
        for rule, (pattern, purpose, paths) in snakemake.params.kinds.items()
    ]
    text = page(kinds)
    with atomic_write("docs/data.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    log.info(f"docs/data.md: {len(kinds)} kinds of files")
