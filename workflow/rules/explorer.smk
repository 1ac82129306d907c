rule explorer:
    input:
        code("explorer"),
        page_parts("page.html", "page.js", "page.css"),
        **explorer_files(),
    output:
        report(
            EXPLORER,
            caption="../report/explorer.rst",
            category="Explore",
            labels={"page": "Explore", "shows": "turn Figs. 1A and 4A in space, point at a cell and see its runs"},
        ),
    log:
        "results/logs/explorer.log",
    benchmark:
        "results/benchmarks/explorer.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        settings=explorer_params(),
    script:
        "../scripts/explorer.py"
