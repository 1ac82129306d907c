# One rule for each figure of the configuration. `inputs.figure` lists the files that the figure shows.
for figure, drawn in inputs.drawn.items():

    # a name that is not one of the paper's figures could equal that of a rule
    rule_name = figure if figure in FIGURES else f"figure_{figure}"

    rule:
        name:
            rule_name
        input:
            **inputs.figure(figure),
        output:
            png=report_figure(figure),
            pdf=paths.FIGURE.format(figure=figure, format="pdf"),
        log:
            paths.log(paths.FIGURE.format(figure=figure, format="png")),
        benchmark:
            paths.benchmark(paths.FIGURE.format(figure=figure, format="png"))
        group:
            "figures"
        conda:
            ENVIRONMENT
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            *code("figure", f"figures.{drawn}"),
            settings=jobs.figure(figure),
        script:
            "../scripts/figure.py"

    describe_rule(rule_name, first_line(module_path(f"figures.{drawn}")))
