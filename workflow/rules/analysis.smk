rule endpoints:
    """Collect the final values of every run of a sweep: losses, accuracies, flatness, displacement."""
    input:
        data=paths.DATA,
        test_file=paths.TEST_FILE,
        train=inputs.train,
        curvature=inputs.curvature,
    output:
        paths.ENDPOINTS,
    log:
        paths.log(paths.ENDPOINTS),
    benchmark:
        paths.benchmark(paths.ENDPOINTS)
    group:
        "analysis"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("endpoints"),
        runtime=costs.minutes("endpoints"),
    params:
        *code("endpoints"),
        settings=jobs.endpoints,
    script:
        "../scripts/endpoints.py"


rule jaccard:
    """Compute the Jaccard similarity of every pair of endpoints (Eq. 4)."""
    input:
        data=paths.DATA,
        train=inputs.train,
    output:
        paths.JACCARD,
    log:
        paths.log(paths.JACCARD),
    benchmark:
        paths.benchmark(paths.JACCARD)
    group:
        "analysis"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("jaccard"),
        runtime=costs.minutes("jaccard"),
    params:
        *code("jaccard"),
        settings=jobs.jaccard,
    script:
        "../scripts/jaccard.py"


rule barriers:
    """Compute loss barriers (Eq. 5) between endpoints and along training."""
    input:
        data=paths.DATA,
        train=inputs.train,
    output:
        paths.BARRIERS,
    log:
        paths.log(paths.BARRIERS),
    benchmark:
        paths.benchmark(paths.BARRIERS)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("barriers"),
        runtime=costs.minutes("barriers"),
    params:
        *code("barriers"),
        settings=jobs.barriers,
    script:
        "../scripts/barriers.py"


rule paths:
    """Compare straight lines, aligned lines and Bezier curves between endpoints; slice the loss around a trajectory."""
    input:
        unpack(inputs.path_ends),
        data=paths.DATA,
    output:
        paths.PATHS,
    log:
        paths.log(paths.PATHS),
    benchmark:
        paths.benchmark(paths.PATHS)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("paths"),
        runtime=costs.minutes("paths"),
    params:
        *code("paths"),
        settings=jobs.paths,
    script:
        "../scripts/paths.py"


rule freezing:
    """Find the freezing time of every run at every threshold (Eq. 7)."""
    input:
        data=paths.DATA,
        train=inputs.train,
    output:
        paths.FREEZING,
    log:
        paths.log(paths.FREEZING),
    benchmark:
        paths.benchmark(paths.FREEZING)
    group:
        "analysis"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("freezing"),
        runtime=costs.minutes("freezing"),
    params:
        *code("freezing"),
        settings=jobs.freezing,
    script:
        "../scripts/freezing.py"


rule cell_maps:
    """Reduce the runs of every cell to one number, and correlate the maps with the noise eta (1/B - 1/M)."""
    input:
        data=paths.DATA,
        endpoints=paths.ENDPOINTS,
        jaccard=paths.JACCARD,
        freezing=paths.FREEZING,
    output:
        paths.CELL_MAPS,
    log:
        paths.log(paths.CELL_MAPS),
    benchmark:
        paths.benchmark(paths.CELL_MAPS)
    group:
        "analysis"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("cell_maps"),
        runtime=costs.minutes("cell_maps"),
    params:
        *code("cell_maps"),
        settings=jobs.cell_maps,
    script:
        "../scripts/cell_maps.py"


rule projection:
    """Project trajectories on their principal components."""
    input:
        data=paths.DATA,
        train=inputs.projected,
    output:
        paths.PROJECTION,
    log:
        paths.log(paths.PROJECTION),
    benchmark:
        paths.benchmark(paths.PROJECTION)
    group:
        "analysis"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("projection"),
        runtime=costs.minutes("projection"),
    params:
        *code("projection"),
        settings=jobs.projection,
    script:
        "../scripts/projection.py"
