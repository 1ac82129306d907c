rule train:
    input:
        code("train"),
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
        mem_mb=lambda w: 2500 + 3 * data_mb(w),
        runtime=train_minutes,
    params:
        settings=train_params,
    script:
        "../scripts/train.py"
