"""Write the figures, claims, numbers, tables and run times of a finished run into the documentation."""

from sgd_valleys.workflow.job import job

import json
import shutil
from pathlib import Path

from sgd_valleys.claims import tables, theory_tables
from sgd_valleys.errors import UserError
from sgd_valleys.markdown import bullets, folded
from sgd_valleys.results import published, recorded, run_times

with job(snakemake) as log:
    changed = [name for name in snakemake.params.changed if name not in recorded.PLACES]
    if changed:
        raise UserError(
            f"{changed[0]}: differs from config.yaml; allowed are the settings of config.yaml, whose run the "
            "documentation shows; run publish without other settings."
        )
    folder = Path(snakemake.params.folder)
    if not recorded.read_recorded(folder):
        raise UserError(
            f"{folder}/config.yaml: missing; allowed is the folder of a finished run; run `snakemake --cores all` "
            "first."
        )
    recorded.refuse_other_run(folder, snakemake.params.settings)
    text = Path(snakemake.input.claims).read_text(encoding="utf-8")
    content = json.loads(text)
    planned = snakemake.params.benchmarks.items()
    benchmarks = {rule: [path for path in map(Path, paths) if path.exists()] for rule, paths in planned}
    apart = {"run times": run_times.run_times(benchmarks)}  # blocks between blank lines
    apart |= theory_tables.tables({name: snakemake.input.get(name) for name in snakemake.params.theory})
    for figure in snakemake.params.controls:
        lines = bullets(published.read_headlines(snakemake.input.get(figure)))
        apart[figure] = folded(f"{len(lines)} numbers of the run", lines)
    blocks = {"findings": tables.findings_block(content)} | {name: ["", *lines, ""] for name, lines in apart.items()}
    docs = Path("docs")
    pages = [Path("README.md"), *sorted(docs.glob("*.md"))]
    filled = published.fill_pages(
        {str(page): page.read_text(encoding="utf-8") for page in pages}, tables.numbers(content), blocks
    )
    for page, new in filled.items():
        Path(page).write_text(new, encoding="utf-8")
    (docs / "claims.json").write_text(text, encoding="utf-8")
    (docs / "claims.md").write_text(tables.page(content), encoding="utf-8")
    for figure in snakemake.input.figures:
        shutil.copyfile(figure, docs / "figures" / Path(figure).name)
    log.info(f"{len(snakemake.input.figures)} figures, {len(content['claims'])} claims")
