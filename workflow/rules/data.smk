rule data:
    input:
        modules("data"),
    output:
        DATA,
    params:
        settings=lambda w: {"dataset": EXPERIMENTS[w.experiment]["dataset"], "root": config["data"]["root"]},
    log:
        "results/logs/{experiment}/data.log",
    benchmark:
        "results/benchmarks/{experiment}/data.tsv"
    resources:
        mem_mb=1500,
        runtime=20,
    conda:
        ENVIRONMENT
    script:
        "../scripts/data.py"
