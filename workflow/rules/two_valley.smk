rule phase_row:
    input:
        code("phase_row"),
    output:
        PHASE_ROW,
    log:
        "results/logs/two_valley/phase_diagram/{diagram}/eta{eta}.log",
    benchmark:
        "results/benchmarks/two_valley/phase_diagram/{diagram}/eta{eta}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=phase_params,
    script:
        "../scripts/phase_row.py"


rule phase_diagram:
    input:
        code("phase_diagram"),
        rows=phase_rows,
    output:
        PHASE_DIAGRAM,
    log:
        "results/logs/two_valley/phase_diagram_{diagram}.log",
    benchmark:
        "results/benchmarks/two_valley/phase_diagram_{diagram}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=lambda w: MODEL["phase_diagrams"][w.diagram],
    script:
        "../scripts/phase_diagram.py"


rule occupancy:
    input:
        code("occupancy"),
    output:
        "results/two_valley/occupancy.h5",
    log:
        "results/logs/two_valley/occupancy.log",
    benchmark:
        "results/benchmarks/two_valley/occupancy.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings={"seed": config["seed"], "landscape": MODEL["landscape"], **MODEL["occupancy"]},
    script:
        "../scripts/occupancy.py"


rule small_eta_limit:
    input:
        code("small_eta_limit"),
    output:
        SMALL_ETA_LIMIT,
    log:
        "results/logs/two_valley/small_eta_limit/deltaS{delta_S}.log",
    benchmark:
        "results/benchmarks/two_valley/small_eta_limit/deltaS{delta_S}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=small_eta_limit_params,
    script:
        "../scripts/small_eta_limit.py"


rule fokker_planck:
    input:
        code("fokker_planck"),
    output:
        FOKKER_PLANCK,
    log:
        "results/logs/two_valley/fokker_planck/{convention}.log",
    benchmark:
        "results/benchmarks/two_valley/fokker_planck/{convention}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=fokker_planck_params,
    script:
        "../scripts/fokker_planck.py"


rule theory:
    input:
        code("theory"),
    output:
        "results/two_valley/theory.h5",
    log:
        "results/logs/two_valley/theory.log",
    benchmark:
        "results/benchmarks/two_valley/theory.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=theory_params(),
    script:
        "../scripts/theory.py"
