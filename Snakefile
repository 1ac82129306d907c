from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/branches.smk"
include: "workflow/rules/two_valley.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/explorer.smk"
include: "workflow/rules/provenance.smk"


rule all:
    """Make everything: figures, claims, explorer, and the description of the run."""
    default_target: True
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
        "envs/sgd-valleys.yaml"
    params:
        folder=paths.folder,
        settings=lambda w: reporting.overlay,
        planned=lambda w: catalog.planned_settings(workflow.rules, [*inputs.targets(), *paths.CRATE.values()]),
    script:
        "workflow/scripts/verify.py"


rule dictionary:
    """Write the data dictionary, docs/data.md, from the files of a complete run."""
    log:
        paths.log("dictionary"),
    localrule: True
    conda:
        "envs/sgd-valleys.yaml"
    params:
        kinds=lambda w: catalog.file_kinds(workflow.rules, inputs.targets()),
    script:
        "workflow/scripts/dictionary.py"


rule publish:
    """Copy the figures and the claims of a finished run into the documentation."""
    input:
        claims=lambda w: reporting.existing(paths.CLAIMS),  # of a finished run: publishing starts none
        figures=inputs.figures("png"),
    log:
        paths.log("publish"),
    localrule: True
    conda:
        "envs/sgd-valleys.yaml"
    params:
        folder=lambda w: paths.folder,
        settings=lambda w: reporting.overlay,
        changed=lambda w: [name for name, *_ in reporting.changed_settings],
    script:
        "workflow/scripts/publish.py"
