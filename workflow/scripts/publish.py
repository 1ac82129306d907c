"""Put the figures and the claims of a finished run into the documentation."""

from sgd_valleys.workflow.job import job

import json
import shutil
from pathlib import Path

from sgd_valleys.claims import tables
from sgd_valleys.errors import UserError
from sgd_valleys.results import recorded

with job(snakemake) as log:
    changed = [name for name in snakemake.params.changed if name not in recorded.PLACES]
    if changed:
        raise UserError(
            f"publish: the settings differ from config.yaml's in {changed[0]}: the documentation shows a run of "
            "config.yaml alone."
        )
    folder = Path(snakemake.params.folder)
    if not recorded.read_recorded(folder):
        raise UserError(f"publish: {folder}/config.yaml is not there: finish the run first, snakemake --cores all.")
    recorded.refuse_other_run(folder, snakemake.params.settings)
    text = Path(snakemake.input.claims).read_text(encoding="utf-8")
    content = json.loads(text)
    docs, readme = Path("docs"), Path("README.md")
    readme.write_text(tables.replace_readme_section(readme.read_text(encoding="utf-8"), content), encoding="utf-8")
    (docs / "claims.json").write_text(text, encoding="utf-8")
    (docs / "claims.md").write_text(tables.page(content), encoding="utf-8")
    for figure in snakemake.input.figures:
        shutil.copyfile(figure, docs / "figures" / Path(figure).name)
    log.info(f"{len(snakemake.input.figures)} figures, {len(content['claims'])} claims")
