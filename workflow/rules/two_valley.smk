rule phase_row:
    """Simulate the two-valley model at one learning rate, for every strength of the noise."""
    output:
        paths.PHASE_ROW,
    log:
        paths.log(paths.PHASE_ROW),
    benchmark:
        paths.benchmark(paths.PHASE_ROW)
    group:
        "diagram"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("phase_row"),
        runtime=costs.minutes("phase_row"),
    params:
        *code("phase_row"),
        settings=jobs.phase_row,
    script:
        "../scripts/phase_row.py"


rule phase_diagram:
    """Collect the rows of a phase diagram."""
    input:
        rows=inputs.phase_rows,
    output:
        paths.PHASE_DIAGRAM,
    log:
        paths.log(paths.PHASE_DIAGRAM),
    benchmark:
        paths.benchmark(paths.PHASE_DIAGRAM)
    group:
        "diagram"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    params:
        *code("phase_diagram"),
        settings=jobs.phase_diagram,
    script:
        "../scripts/phase_diagram.py"


rule occupancy:
    """Simulate the fraction of runs in the flat valley, and the mean y along the valleys (Fig. 6B)."""
    output:
        paths.OCCUPANCY,
    log:
        paths.log(paths.OCCUPANCY),
    benchmark:
        paths.benchmark(paths.OCCUPANCY)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("occupancy"),
        runtime=costs.minutes("occupancy"),
    params:
        *code("occupancy"),
        settings=jobs.occupancy,
    script:
        "../scripts/occupancy.py"


rule small_eta_limit:
    """Simulate P_flat for decreasing learning rates at fixed Delta_S = eta sigma."""
    output:
        paths.SMALL_ETA_LIMIT,
    log:
        paths.log(paths.SMALL_ETA_LIMIT),
    benchmark:
        paths.benchmark(paths.SMALL_ETA_LIMIT)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("small_eta_limit"),
        runtime=costs.minutes("small_eta_limit"),
    params:
        *code("small_eta_limit"),
        settings=jobs.small_eta_limit,
    script:
        "../scripts/small_eta_limit.py"


rule model_control:
    """Simulate P_flat of the two-valley model with one property changed (Fig. C9)."""
    output:
        paths.MODEL_CONTROL,
    log:
        paths.log(paths.MODEL_CONTROL),
    benchmark:
        paths.benchmark(paths.MODEL_CONTROL)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("model_control"),
        runtime=costs.minutes("model_control"),
    params:
        *code("model_control"),
        settings=jobs.model_control,
    script:
        "../scripts/model_control.py"


rule fokker_planck:
    """Solve the Fokker-Planck equation, in Ito's form or as Eq. 16 is printed, for P_flat in continuous time."""
    output:
        paths.FOKKER_PLANCK,
    log:
        paths.log(paths.FOKKER_PLANCK),
    benchmark:
        paths.benchmark(paths.FOKKER_PLANCK)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("fokker_planck"),
        runtime=costs.minutes("fokker_planck"),
    params:
        *code("fokker_planck"),
        settings=jobs.fokker_planck,
    script:
        "../scripts/fokker_planck.py"


rule theory:
    """Tabulate the closed forms of the two-valley model."""
    output:
        paths.THEORY,
    log:
        paths.log(paths.THEORY),
    benchmark:
        paths.benchmark(paths.THEORY)
    group:
        "figures"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        *code("theory"),
        settings=jobs.theory,
    script:
        "../scripts/theory.py"
