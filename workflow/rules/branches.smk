rule branch:
    """Train from every branching time of one SGD run, by default by gradient descent."""
    input:
        data=paths.DATA,
        train=inputs.run_train,
    output:
        paths.BRANCH_TRAIN,
    log:
        paths.log(paths.BRANCH_TRAIN),
    benchmark:
        paths.benchmark(paths.BRANCH_TRAIN)
    group:
        "branches"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("branch"),
        runtime=costs.minutes("branch"),
        device=config["device"],
    params:
        *code("branch"),
        settings=jobs.branch,
    script:
        "../scripts/branch.py"


rule branch_curvature:
    """Compute the top eigenvalues of the layer's Hessian of every branch."""
    input:
        data=paths.DATA,
        train=paths.BRANCH_TRAIN,
    output:
        paths.BRANCH_CURVATURE,
    log:
        paths.log(paths.BRANCH_CURVATURE),
    benchmark:
        paths.benchmark(paths.BRANCH_CURVATURE)
    group:
        "branches"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("branch_curvature"),
        runtime=costs.minutes("branch_curvature"),
        device=config["device"],
    params:
        *code("branch_curvature"),
        settings=jobs.branch_curvature,
    script:
        "../scripts/branch_curvature.py"


rule branch_endpoints:
    """Collect the final values of the branches of one run, and find when the run freezes by basin."""
    input:
        data=paths.DATA,
        test_file=paths.TEST_FILE,
        run=inputs.run_train,
        train=paths.BRANCH_TRAIN,
        curvature=paths.BRANCH_CURVATURE,
    output:
        paths.BRANCH_ENDPOINTS,
    log:
        paths.log(paths.BRANCH_ENDPOINTS),
    benchmark:
        paths.benchmark(paths.BRANCH_ENDPOINTS)
    group:
        "branches"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("branch_endpoints"),
        runtime=costs.minutes("branch_endpoints"),
        device=config["device"],
    params:
        *code("branch_endpoints"),
        settings=jobs.branch_endpoints,
    script:
        "../scripts/branch_endpoints.py"


rule branch_basins:
    """Compare the branches of one run with the last branch, and find when the run freezes by other criteria."""
    input:
        data=paths.DATA,
        test_file=paths.TEST_FILE,
        train=paths.BRANCH_TRAIN,
    output:
        paths.BRANCH_BASINS,
    log:
        paths.log(paths.BRANCH_BASINS),
    benchmark:
        paths.benchmark(paths.BRANCH_BASINS)
    group:
        "branches"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("branch_basins"),
        runtime=costs.minutes("branch_basins"),
        device=config["device"],
    params:
        *code("branch_basins"),
        settings=jobs.branch_basins,
    script:
        "../scripts/branch_basins.py"


rule branch_projection:
    """Project the branches of one run, and the run, on the branches' principal components."""
    input:
        data=paths.DATA,
        run=inputs.run_train,
        train=paths.BRANCH_TRAIN,
    output:
        paths.BRANCH_PROJECTION,
    log:
        paths.log(paths.BRANCH_PROJECTION),
    benchmark:
        paths.benchmark(paths.BRANCH_PROJECTION)
    group:
        "branches"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("branch_projection"),
        runtime=costs.minutes("branch_projection"),
        device=config["device"],
    params:
        *code("branch_projection"),
        settings=jobs.branch_projection,
    script:
        "../scripts/branch_projection.py"


rule branch_statistics:
    """Combine the branches of all realizations of a cell."""
    input:
        data=paths.DATA,
        test_file=paths.TEST_FILE,
        endpoints=inputs.branched,
    output:
        paths.BRANCH_STATISTICS,
    log:
        paths.log(paths.BRANCH_STATISTICS),
    benchmark:
        paths.benchmark(paths.BRANCH_STATISTICS)
    group:
        "figures"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("branch_statistics"),
        runtime=costs.minutes("branch_statistics"),
    params:
        *code("branch_statistics"),
        settings=jobs.branch_statistics,
    script:
        "../scripts/branch_statistics.py"
