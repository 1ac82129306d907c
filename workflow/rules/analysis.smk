rule endpoints:
    input:
        code("endpoints"),
        data=DATA,
        test_file=TEST_FILE,
        train=lambda w: stack_files(TRAIN, w.experiment),
        curvature=lambda w: stack_files(CURVATURE, w.experiment),
    output:
        "results/{experiment}/endpoints.h5",
    log:
        "results/logs/{experiment}/endpoints.log",
    benchmark:
        "results/benchmarks/{experiment}/endpoints.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        settings=endpoint_params,
    script:
        "../scripts/endpoints.py"


rule jaccard:
    input:
        code("jaccard"),
        data=DATA,
        train=lambda w: stack_files(TRAIN, w.experiment),
    output:
        "results/{experiment}/jaccard.h5",
    log:
        "results/logs/{experiment}/jaccard.log",
    benchmark:
        "results/benchmarks/{experiment}/jaccard.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        settings=lambda w: {"block": block_runs(w.experiment)},
    script:
        "../scripts/jaccard.py"


rule barriers:
    input:
        code("barriers"),
        data=DATA,
        train=lambda w: stack_files(TRAIN, w.experiment),
    output:
        "results/{experiment}/barriers.h5",
    log:
        "results/logs/{experiment}/barriers.log",
    benchmark:
        "results/benchmarks/{experiment}/barriers.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=barrier_params,
    script:
        "../scripts/barriers.py"


rule freezing:
    input:
        code("freezing"),
        data=DATA,
        train=lambda w: stack_files(TRAIN, w.experiment),
    output:
        "results/{experiment}/freezing.h5",
    log:
        "results/logs/{experiment}/freezing.log",
    benchmark:
        "results/benchmarks/{experiment}/freezing.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=lambda w: EXPERIMENTS[w.experiment]["freezing"],
    script:
        "../scripts/freezing.py"


rule cell_maps:
    input:
        code("cell_maps"),
        data=DATA,
        endpoints="results/{experiment}/endpoints.h5",
        jaccard="results/{experiment}/jaccard.h5",
        freezing="results/{experiment}/freezing.h5",
    output:
        "results/{experiment}/cell_maps.h5",
    log:
        "results/logs/{experiment}/cell_maps.log",
    benchmark:
        "results/benchmarks/{experiment}/cell_maps.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=lambda w: {"seed": config["seed"], **EXPERIMENTS[w.experiment]["trends"]},
    script:
        "../scripts/cell_maps.py"


rule projection:
    input:
        code("projection"),
        data=DATA,
        train=lambda w: stack_files(TRAIN, w.experiment, projected_cells(w)),
    output:
        "results/{experiment}/projection.h5",
    log:
        "results/logs/{experiment}/projection.log",
    benchmark:
        "results/benchmarks/{experiment}/projection.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        settings=projection_params,
    script:
        "../scripts/projection.py"
