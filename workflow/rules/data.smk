rule data:
    input:
        script_file("data"),
        modules("data"),
    output:
        DATA,
    log:
        "results/logs/{experiment}/data.log",
    benchmark:
        "results/benchmarks/{experiment}/data.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        settings=lambda w: {"dataset": EXPERIMENTS[w.experiment]["dataset"], "root": config["data"]["root"]},
    script:
        "../scripts/data.py"
