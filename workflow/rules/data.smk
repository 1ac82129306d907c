rule data:
    input:
        code("data"),
    output:
        DATA,
    log:
        "results/logs/{experiment}/data.log",
    benchmark:
        "results/benchmarks/{experiment}/data.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 1500 + 4 * data_mb(w),
        runtime=20,
    params:
        settings=lambda w: {"dataset": EXPERIMENTS[w.experiment]["dataset"], "root": config["data"]["root"]},
    script:
        "../scripts/data.py"


rule test_file:
    input:
        code("test_file"),
        data=DATA,
    output:
        TEST_FILE,
    log:
        "results/logs/{experiment}/test_file.log",
    benchmark:
        "results/benchmarks/{experiment}/test_file.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        settings=lambda w: {"dataset": EXPERIMENTS[w.experiment]["dataset"]["name"]},
        root=config["data"]["root"],
    script:
        "../scripts/test_file.py"
