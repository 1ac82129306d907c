rule layer_curvature:
    """Take the top eigenvalues of the Hessian in all parameters of a layer, or of the whole network."""
    input:
        data=paths.DATA,
        train=paths.TRAIN,
    output:
        paths.LAYER_CURVATURE,
    log:
        paths.log(paths.LAYER_CURVATURE),
    benchmark:
        paths.benchmark(paths.LAYER_CURVATURE)
    group:
        "stack"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 2500 + 3 * jobs.data_mb(w),
        runtime=60,
        device=config["device"],
    params:
        *code("curvature"),
        settings=jobs.layer_curvature,
    script:
        "../scripts/curvature.py"


rule edge_of_stability:
    """Take the sharpness of all parameters along some runs, to compare it with 2 / eta."""
    input:
        data=paths.DATA,
        train=paths.TRAIN,
    output:
        paths.EDGE_OF_STABILITY,
    log:
        paths.log(paths.EDGE_OF_STABILITY),
    benchmark:
        paths.benchmark(paths.EDGE_OF_STABILITY)
    group:
        "stack"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 2500 + 3 * jobs.data_mb(w),
        runtime=60,
        device=config["device"],
    params:
        *code("edge_of_stability"),
        settings=jobs.edge_of_stability,
    script:
        "../scripts/edge_of_stability.py"


rule flatness:
    """Take measures of flatness at the end of every run."""
    input:
        data=paths.DATA,
        train=paths.TRAIN,
        curvature=paths.CURVATURE,
    output:
        paths.FLATNESS,
    log:
        paths.log(paths.FLATNESS),
    benchmark:
        paths.benchmark(paths.FLATNESS)
    group:
        "stack"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 2500 + 3 * jobs.data_mb(w),
        runtime=30,
        device=config["device"],
    params:
        *code("flatness"),
        settings=jobs.flatness,
    script:
        "../scripts/flatness.py"
