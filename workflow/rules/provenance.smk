# What has been made, by what, from what: once all else is there.
rule crate:
    input:
        code("crate"),
        results=lambda w: targets(),
        citation=os.path.relpath(ROOT / "CITATION.cff"),
    output:
        **dict(zip(("metadata", "workflow"), CRATE)),
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
        settings=crate_params,
    script:
        "../scripts/crate.py"
