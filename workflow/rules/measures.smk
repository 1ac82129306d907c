rule layer_curvature:
    """Compute the top eigenvalues of the Hessian in all parameters of a layer, or of the whole network."""
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
        mem_mb=costs.mb("layer_curvature"),
        runtime=costs.minutes("layer_curvature"),
        device=config["device"],
    params:
        *code("curvature"),
        settings=jobs.layer_curvature,
    script:
        "../scripts/curvature.py"


rule edge_of_stability:
    """Compute the sharpness of all parameters along some runs, for comparison with 2 / eta."""
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
        mem_mb=costs.mb("edge_of_stability"),
        runtime=costs.minutes("edge_of_stability"),
        device=config["device"],
    params:
        *code("edge_of_stability"),
        settings=jobs.edge_of_stability,
    script:
        "../scripts/edge_of_stability.py"


rule flatness:
    """Compute measures of flatness at the end of every run."""
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
        mem_mb=costs.mb("flatness"),
        runtime=costs.minutes("flatness"),
        device=config["device"],
    params:
        *code("flatness"),
        settings=jobs.flatness,
    script:
        "../scripts/flatness.py"


rule gradient_noise:
    """Compare the noise of minibatch gradients with the Hessian, along some runs."""
    input:
        data=paths.DATA,
        train=paths.TRAIN,
    output:
        paths.GRADIENT_NOISE,
    log:
        paths.log(paths.GRADIENT_NOISE),
    benchmark:
        paths.benchmark(paths.GRADIENT_NOISE)
    group:
        "stack"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("gradient_noise"),
        runtime=costs.minutes("gradient_noise"),
        device=config["device"],
    params:
        *code("gradient_noise"),
        settings=jobs.gradient_noise,
    script:
        "../scripts/gradient_noise.py"


rule continuations:
    """Continue checkpoints of some runs by gradient descent, and find the time from which all end in one basin."""
    input:
        data=paths.DATA,
        train=paths.TRAIN,
    output:
        paths.CONTINUATIONS,
    log:
        paths.log(paths.CONTINUATIONS),
    benchmark:
        paths.benchmark(paths.CONTINUATIONS)
    group:
        "stack"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("continuations"),
        runtime=costs.minutes("continuations"),
        device=config["device"],
    params:
        *code("continuations"),
        settings=jobs.continuations,
    script:
        "../scripts/continuations.py"
