rule record_configuration:
    input:
        code("record_configuration"),
        project=os.path.relpath(ROOT / "pyproject.toml"),
    output:
        settings=run_file(SETTINGS, "every setting of this run"),
        versions=run_file(VERSIONS, "Python, the libraries, the commit of the code"),
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
        settings=lambda w: summary_params(),
    script:
        "../scripts/record_configuration.py"
