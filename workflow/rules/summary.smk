rule summary:
    input:
        code("summary"),
        project=os.path.relpath(ROOT / "pyproject.toml"),
    output:
        settings=run_file(SETTINGS, "every setting of this run"),
        versions=run_file(VERSIONS, "Python, the libraries, the commit of the code"),
    log:
        "results/logs/summary.log",
    benchmark:
        "results/benchmarks/summary.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=lambda w: summary_params(),
    script:
        "../scripts/summary.py"
