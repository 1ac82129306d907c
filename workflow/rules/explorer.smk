EXPLORER_ASSETS = [
    f"src/sgd_valleys/explorer/{path.name}"
    for path in sorted((ROOT / "src/sgd_valleys/explorer").iterdir())
    if path.suffix in (".html", ".css", ".js")
]


rule explorer:
    """Build the page that shows trajectories in space and the runs of every cell."""
    input:
        **inputs.explorer(),
    output:
        report(
            paths.EXPLORER,
            caption="../report/explorer.rst",
            category="Explore",
            labels={"page": "Explore", "shows": "turn Figs. 1A and 4A in space, point at a cell and see its runs"},
        ),
    log:
        paths.log(paths.EXPLORER),
    benchmark:
        paths.benchmark(paths.EXPLORER)
    group:
        "figures"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        *code("explorer", *EXPLORER_ASSETS),
        settings=jobs.explorer,
    script:
        "../scripts/explorer.py"
