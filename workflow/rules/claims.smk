rule claims:
    """Test the statements of the paper against the results."""
    input:
        **inputs.claims(),
    output:
        paths.CLAIMS,
    log:
        paths.log(paths.CLAIMS),
    benchmark:
        paths.benchmark(paths.CLAIMS)
    group:
        "figures"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        *code("claims", "src/sgd_valleys/claims/statements.yaml"),
        settings=jobs.claims,
    script:
        "../scripts/claims.py"


rule claims_table:
    """Format the judged claims as HTML for the report and as Markdown for the documentation."""
    input:
        claims=paths.CLAIMS,
    output:
        **paths.CLAIMS_TABLES,
    log:
        paths.log("claims_table"),
    benchmark:
        paths.benchmark("claims_table")
    group:
        "figures"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    params:
        *code("claims_table", "src/sgd_valleys/claims/claims.html.j2"),
    script:
        "../scripts/claims_table.py"
