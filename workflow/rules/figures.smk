# One rule a figure, with the name of the figure: see `inputs.figure` for the files that it shows.
for figure in FIGURES:

    rule:
        name:
            figure
        input:
            **inputs.figure(figure),
        output:
            png=report_figure(figure),
            pdf=paths.FIGURE.format(figure=figure, format="pdf"),
        log:
            paths.log(paths.FIGURE.format(figure=figure, format="png")),
        benchmark:
            paths.benchmark(paths.FIGURE.format(figure=figure, format="png"))
        conda:
            ENVIRONMENT
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            *code("figure", f"figures.{figure}"),
            settings=jobs.figure(figure),
        script:
            "../scripts/figure.py"

    workflow.get_rule(figure).docstring = first_line(module_path(f"figures.{figure}"))
