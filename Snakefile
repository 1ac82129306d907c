from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/params.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/curvature.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/branches.smk"
include: "workflow/rules/two_valley.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/configuration.smk"
include: "workflow/rules/explorer.smk"
include: "workflow/rules/provenance.smk"


rule all:
    default_target: True
    input:
        targets(),
        CRATE,
    localrule: True


rule verify:
    log:
        "results/logs/verify.log",
    retries: 0
    localrule: True
    conda:
        "envs/sgd-valleys.yaml"
    params:
        planned=lambda w: planned(),
    script:
        "workflow/scripts/verify.py"


rule dictionary:
    log:
        "results/logs/dictionary.log",
    localrule: True
    conda:
        "envs/sgd-valleys.yaml"
    params:
        kinds=lambda w: kinds(),
    script:
        "workflow/scripts/dictionary.py"


rule publish:
    input:
        claims="results/claims.json",
        figures=[path for path in FIGURES if path.endswith(".png")],
    log:
        "results/logs/publish.log",
    localrule: True
    conda:
        "envs/sgd-valleys.yaml"
    params:
        changed=lambda w: [name for name, *_ in changed_settings()],
    script:
        "workflow/scripts/publish.py"
