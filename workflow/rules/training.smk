# The device is a resource: another device does not make results again. Of a resource that is text, Snakemake wants one value
# from all jobs of a group (profiles/slurm); therefore the rules that share a group with a training have it as well.


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
        mem_mb=jobs.train_mb,
        runtime=jobs.train_minutes,
        device=config["device"],
    params:
        *code("train"),
        settings=jobs.train,
    script:
        "../scripts/train.py"


rule curvature:
    """Take the top eigenvalues of the layer's Hessian, at the end of every run and along some."""
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
        mem_mb=lambda w: 2500 + 3 * jobs.data_mb(w),
        runtime=30,
        device=config["device"],
    params:
        *code("curvature"),
        settings=jobs.curvature,
    script:
        "../scripts/curvature.py"
