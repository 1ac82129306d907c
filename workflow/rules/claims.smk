rule claims:
    input:
        code("claims"),
        **claim_files(),
    output:
        "results/claims.json",
    log:
        "results/logs/claims.log",
    benchmark:
        "results/benchmarks/claims.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        settings=claim_params(),
    script:
        "../scripts/claims.py"


rule claims_table:
    input:
        code("claims_table"),
        claims="results/claims.json",
    output:
        html="results/claims.html",
        md="results/claims.md",
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
