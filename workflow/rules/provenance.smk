rule record_configuration:
    """Record every setting of the run, the versions of its software, and the processor."""
    output:
        settings=report_file(paths.CONFIGURATION, "every setting of this run"),
        versions=report_file(paths.VERSIONS, "Python, the libraries, the commit of the code, the processor"),
    log:
        paths.log("record_configuration"),
    benchmark:
        paths.benchmark("record_configuration")
    group:
        "figures"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1500,  # with PyTorch imported
        runtime=10,
    params:
        *code("record_configuration", "pyproject.toml"),
        settings=lambda w: {"settings": reporting.overlay},
    script:
        "../scripts/record_configuration.py"


rule crate:
    """Describe the finished run as an RO-Crate, with a copy of the workflow."""
    input:
        results=lambda w: inputs.targets(),
    output:
        **paths.CRATE,
    log:
        paths.log("crate"),
    benchmark:
        paths.benchmark("crate")
    localrule: True
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    params:
        *code("crate", "CITATION.cff"),
        settings=lambda w: {
            "files": catalog.purposes(own_rules(), placed(inputs.targets())),
            "code": catalog.code_checksums(ROOT),
            "snakemake": catalog.snakemake_version(),
        },
    script:
        "../scripts/crate.py"
