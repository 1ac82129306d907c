rule curvature:
    input:
        code("curvature"),
        data=DATA,
        train=TRAIN,
    output:
        CURVATURE,
    log:
        f"results/logs/{{experiment}}/curvature/{STACK}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/curvature/{STACK}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 2500 + 3 * data_mb(w),
        runtime=30,
    params:
        settings=curvature_params,
    script:
        "../scripts/curvature.py"
