# The device is a resource, so that a change of the device does not rerun jobs. Snakemake requires the same value of a text
# resource in all jobs of a group (profiles/slurm). Rules that share a group with `train` therefore have this resource too.


rule train:
    """Train some realizations of a cell (eta, B) by SGD."""
    input:
        data=paths.DATA,
    output:
        paths.TRAIN,
    log:
        paths.log(paths.TRAIN),
    benchmark:
        paths.benchmark(paths.TRAIN)
    group:
        "stack"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("train"),
        runtime=costs.minutes("train"),
        device=config["device"],
    params:
        *code("train"),
        settings=jobs.train,
    script:
        "../scripts/train.py"


rule curvature:
    """Compute the top eigenvalues of the layer's Hessian, at the end of every run and along some runs."""
    input:
        data=paths.DATA,
        train=paths.TRAIN,
    output:
        paths.CURVATURE,
    log:
        paths.log(paths.CURVATURE),
    benchmark:
        paths.benchmark(paths.CURVATURE)
    group:
        "stack"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("curvature"),
        runtime=costs.minutes("curvature"),
        device=config["device"],
    params:
        *code("curvature"),
        settings=jobs.curvature,
    script:
        "../scripts/curvature.py"
