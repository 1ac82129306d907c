rule branch:
    input:
        code("branch"),
        data=DATA,
        train=lambda w: stack_file(TRAIN, w),
    output:
        BRANCH_TRAIN,
    log:
        f"results/logs/{{experiment}}/branches/train/{RUN}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/branches/train/{RUN}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 3500 if is_reference(w) else 1500,
        runtime=30,
    params:
        settings=branch_params,
    script:
        "../scripts/branch.py"


rule branch_curvature:
    input:
        code("branch_curvature"),
        data=DATA,
        train=BRANCH_TRAIN,
    output:
        BRANCH_CURVATURE,
    log:
        f"results/logs/{{experiment}}/branches/curvature/{RUN}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/branches/curvature/{RUN}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=branch_curvature_params,
    script:
        "../scripts/branch_curvature.py"


rule branch_endpoints:
    input:
        code("branch_endpoints"),
        data=DATA,
        test_file=TEST_FILE,
        run=lambda w: stack_file(TRAIN, w),
        train=BRANCH_TRAIN,
        curvature=BRANCH_CURVATURE,
    output:
        BRANCH_ENDPOINTS,
    log:
        f"results/logs/{{experiment}}/branches/endpoints/{RUN}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/branches/endpoints/{RUN}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        settings=branch_endpoint_params,
    script:
        "../scripts/branch_endpoints.py"


rule branch_projection:
    input:
        code("branch_projection"),
        data=DATA,
        run=lambda w: stack_file(TRAIN, w),
        train=BRANCH_TRAIN,
    output:
        BRANCH_PROJECTION,
    log:
        f"results/logs/{{experiment}}/branches/projection/{RUN}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/branches/projection/{RUN}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        settings=lambda w: {"realization": int(w.realization)},
    script:
        "../scripts/branch_projection.py"


rule branch_statistics:
    input:
        code("branch_statistics"),
        data=DATA,
        endpoints=branched_files,
    output:
        BRANCH_STATISTICS,
    log:
        f"results/logs/{{experiment}}/branches/statistics/{CELL}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/branches/statistics/{CELL}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=lambda w: {
            "seed": config["seed"],
            "resamples": EXPERIMENTS[w.experiment]["branches"]["resamples"],
        },
    script:
        "../scripts/branch_statistics.py"
