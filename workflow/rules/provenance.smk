rule record_configuration:
    """Record every setting of the run, and the versions of what computes."""
    input:
        code("record_configuration"),
        project=root_file("pyproject.toml"),
    output:
        settings=report_file(paths.CONFIGURATION, "every setting of this run"),
        versions=report_file(paths.VERSIONS, "Python, the libraries, the commit of the code"),
    log:
        "results/logs/record_configuration.log",
    benchmark:
        "results/benchmarks/record_configuration.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=lambda w: {"settings": reporting.overlay, "commit": provenance.git_revision()},
    script:
        "../scripts/record_configuration.py"


rule crate:
    """Describe the finished run as an RO-Crate, with a copy of the workflow."""
    input:
        code("crate"),
        results=lambda w: inputs.targets(),
        citation=root_file("CITATION.cff"),
    output:
        **paths.CRATE,
    log:
        "results/logs/crate.log",
    benchmark:
        "results/benchmarks/crate.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=lambda w: {
            "files": catalog.purposes(workflow.rules, inputs.targets()),
            "code": catalog.code_checksums(ROOT),
            "snakemake": catalog.snakemake_version(),
        },
    script:
        "../scripts/crate.py"
