"""Put the figures and the claims of a finished run into the documentation."""

import json
import re
import shutil
from pathlib import Path

from sgd_valleys.claims import tables
from sgd_valleys.errors import UserError
from sgd_valleys.workflow.job import job

BLOCK = re.compile(r"(<!-- claims[^\n]*-->\n).*?(<!-- end of claims -->)", re.DOTALL)

with job(snakemake) as log:
    if snakemake.params.changed:
        raise UserError(
            f"publish: the settings differ from config.yaml's in {snakemake.params.changed[0]}: the documentation "
            "shows a run of config.yaml alone."
        )
    text = Path(snakemake.input.claims).read_text()
    content = json.loads(text)
    docs, readme = Path("docs"), Path("README.md")
    after, places = BLOCK.subn(lambda block: f"{block[1]}\n{tables.brief(content)}\n{block[2]}", readme.read_text())
    if places != 1:
        raise UserError(
            f"publish: README.md has {places} places for the claims, from a line <!-- claims --> to one "
            "<!-- end of claims -->: it needs just one."
        )
    readme.write_text(after)
    (docs / "claims.json").write_text(text)
    (docs / "claims.md").write_text(tables.page(content))
    for figure in snakemake.input.figures:
        shutil.copyfile(figure, docs / "figures" / Path(figure).name)
    log.info(f"{len(snakemake.input.figures)} figures, {len(content['claims'])} claims")
