"""Test the claims of the paper against the results."""

from sgd_valleys.workflow.job import job

from sgd_valleys.claims.collect import collect
from sgd_valleys.claims.verdict import count_verdicts, to_json
from sgd_valleys.storage import provenance
from sgd_valleys.storage.atomic import atomic_write

with job(snakemake) as log:
    settings = snakemake.params.settings
    claims = collect(dict(snakemake.input.items()), settings)
    log.info(", ".join(f"{count} {verdict}" for verdict, count in count_verdicts(claims).items()))
    with atomic_write(snakemake.output[0]) as path:
        path.write_text(to_json(claims, provenance.attributes(settings)), encoding="utf-8")
