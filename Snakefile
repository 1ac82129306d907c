from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.19")  # earlier versions ignore the default profile

ROOT = Path(workflow.snakefile).resolve().parent  # resolved, since --snakefile may be a link
if not (ROOT / "src").is_dir():
    raise WorkflowError(
        f"snakefile = {workflow.snakefile}: Snakemake has fetched this file alone; allowed is the Snakefile of a whole "
        "repository; clone the repository, and name the Snakefile of the clone."
    )


configfile: ROOT / "config.yaml"
configfile: ROOT / "config/figures.yaml"


report: ROOT / "workflow/report/workflow.rst"


include: ROOT / "workflow/rules/common.smk"
include: ROOT / "workflow/rules/data.smk"
include: ROOT / "workflow/rules/training.smk"
include: ROOT / "workflow/rules/measures.smk"
include: ROOT / "workflow/rules/analysis.smk"
include: ROOT / "workflow/rules/branches.smk"
include: ROOT / "workflow/rules/two_valley.smk"
include: ROOT / "workflow/rules/controls.smk"
include: ROOT / "workflow/rules/figures.smk"
include: ROOT / "workflow/rules/claims.smk"
include: ROOT / "workflow/rules/explorer.smk"
include: ROOT / "workflow/rules/provenance.smk"


onstart:
    # With a limit of jobs per second, Snakemake 9.27 checks all waiting jobs once a second for every finished job. After
    # 200 jobs, that makes 200 checks a second. Only the queue of a cluster needs a limit.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


rule all:
    """Make everything: figures, claims, explorer, and the description of the run."""
    input:
        inputs.targets(),
        paths.CRATE.values(),
    localrule: True


rule verify:
    """Check every file of results against its checksum and the configuration."""
    log:
        paths.log("verify"),
    retries: 0
    localrule: True
    conda:
        ENVIRONMENT
    params:
        folder=placed(paths.folder),
        settings=lambda w: reporting.overlay,
        planned=lambda w: catalog.planned_settings(own_rules(), placed([*inputs.targets(), *paths.CRATE.values()])),
    script:
        ROOT / "workflow/scripts/verify.py"


rule dictionary:
    """Write the data dictionary, docs/data.md, from the files of a complete run."""
    log:
        paths.log("dictionary"),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        kinds=lambda w: catalog.file_kinds(own_rules(), placed(inputs.targets())),
    script:
        ROOT / "workflow/scripts/dictionary.py"


rule publish:
    """Write the figures, claims, numbers, tables and run times of a finished run into the documentation."""
    input:
        **{figure: list(inputs.figure(figure).values()) for figure in inputs.control_figures},
        **inputs.theory_tables,
        claims=lambda w: reporting.existing(paths.CLAIMS),  # of a finished run: `publish` starts no run
        figures=inputs.figures("png"),
    log:
        paths.log("publish"),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        controls=inputs.control_figures,
        theory=list(inputs.theory_tables),
        folder=lambda w: paths.folder,
        settings=lambda w: reporting.overlay,
        changed=lambda w: [name for name, *_ in reporting.changed_settings],
        benchmarks=lambda w: catalog.benchmark_files(own_rules(), placed([*inputs.targets(), *paths.CRATE.values()])),
    script:
        ROOT / "workflow/scripts/publish.py"
