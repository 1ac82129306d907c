def train_params(wildcards):
    e = EXPERIMENTS[wildcards.experiment]
    kept_whole = [*e["recording"]["checkpoints"], *e["curvature"]["along"]]
    return {
        **network_params(wildcards.experiment),
        "seed": config["seed"],
        "device": config["device"],
        "eta": wildcards.eta,
        "B": int(wildcards.B),
        "first": int(wildcards.first),
        "last": int(wildcards.last),
        "iterations": int(sweep.iterations(e["sweep"], wildcards.eta)),
        "points": e["recording"]["points"],
        "checkpoints": realizations_of(kept_whole, wildcards),
    }


rule train:
    input:
        modules("training", "networks", "randomness"),
        data=DATA,
    output:
        TRAIN,
    log:
        f"results/logs/{{experiment}}/train/{STACK}.log",
    benchmark:
        f"results/benchmarks/{{experiment}}/train/{STACK}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2500,
        runtime=60,
    params:
        settings=train_params,
    script:
        "../scripts/train.py"
