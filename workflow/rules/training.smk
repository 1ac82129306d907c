rule train:
    """Train some realizations of a cell (eta, B) by SGD."""
    input:
        code("train"),
        data=paths.DATA,
    output:
        paths.TRAIN,
    log:
        paths.log(paths.TRAIN),
    benchmark:
        paths.benchmark(paths.TRAIN)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 2500 + 3 * jobs.data_mb(w),
        runtime=jobs.train_minutes,
    params:
        settings=jobs.train,
    script:
        "../scripts/train.py"


rule curvature:
    """Take the top eigenvalues of the layer's Hessian, at the end of every run and along some."""
    input:
        code("curvature"),
        data=paths.DATA,
        train=paths.TRAIN,
    output:
        paths.CURVATURE,
    log:
        paths.log(paths.CURVATURE),
    benchmark:
        paths.benchmark(paths.CURVATURE)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 2500 + 3 * jobs.data_mb(w),
        runtime=30,
    params:
        settings=jobs.curvature,
    script:
        "../scripts/curvature.py"
