rule train:
    input:
        script_file("train"),
        modules("training", "networks", "randomness"),
        data=DATA,
    output:
        TRAIN,
    log:
        f"results/logs/{{experiment}}/train/{STACK}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/train/{STACK}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2500,
        runtime=60,
    params:
        settings=train_params,
    script:
        "../scripts/train.py"
