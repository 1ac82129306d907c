"""Write the data dictionary, docs/data.md, from the files of a complete run."""

from pathlib import Path

from job import job
from sgd_valleys.dictionary import Kind, page
from sgd_valleys.storage import whole_or_absent

with job(snakemake) as log:
    kinds = [
        Kind(pattern, rule, purpose, [Path(path) for path in paths if Path(path).exists()])
        for rule, (pattern, purpose, paths) in snakemake.params.kinds.items()
    ]
    text = page(kinds)
    with whole_or_absent("docs/data.md") as temporary:
        temporary.write_text(text)
    log.info(f"docs/data.md: {len(kinds)} kinds of files")
