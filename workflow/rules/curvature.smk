def curvature_params(wildcards):
    e = EXPERIMENTS[wildcards.experiment]
    return {
        **network_params(wildcards.experiment),
        "seed": config["seed"],
        "N": e["curvature"]["N"],
        "tolerance": e["curvature"]["tolerance"],
        "along": realizations_of(e["curvature"]["along"], wildcards),
        "spectrum": realizations_of(e["curvature"]["spectrum"], wildcards),
    }


rule curvature:
    input:
        modules("curvature", "networks", "randomness"),
        data=DATA,
        train=TRAIN,
    output:
        CURVATURE,
    log:
        f"results/logs/{{experiment}}/curvature/{STACK}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/curvature/{STACK}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2500,
        runtime=30,
    params:
        settings=curvature_params,
    script:
        "../scripts/curvature.py"
