rule claims:
    """Judge the statements of the paper by what was measured."""
    input:
        code("claims"),
        root_file("src/sgd_valleys/claims/statements.yaml"),
        **inputs.claims(),
    output:
        paths.CLAIMS,
    log:
        paths.log(paths.CLAIMS),
    benchmark:
        paths.benchmark(paths.CLAIMS)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        settings=jobs.claims,
    script:
        "../scripts/claims.py"


rule claims_table:
    """Format the judged claims as HTML for the report and as Markdown for the documentation."""
    input:
        code("claims_table"),
        root_file("src/sgd_valleys/claims/claims.html.j2"),
        root_file("src/sgd_valleys/claims/questions.yaml"),
        claims=paths.CLAIMS,
    output:
        **paths.CLAIMS_TABLES,
    log:
        "results/logs/claims_table.log",
    benchmark:
        "results/benchmarks/claims_table.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    script:
        "../scripts/claims_table.py"
