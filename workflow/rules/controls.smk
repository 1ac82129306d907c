# One rule for each control of the configuration. `inputs.control` lists the files that its analysis reads.
for figure, drawn in inputs.controls.items():

    rule:
        name:
            f"control_{figure}"
        input:
            **inputs.control(figure),
        output:
            paths.CONTROL.format(figure=figure),
        log:
            paths.log(paths.CONTROL.format(figure=figure)),
        benchmark:
            paths.benchmark(paths.CONTROL.format(figure=figure))
        group:
            "figures"
        conda:
            ENVIRONMENT
        resources:
            mem_mb=2000,
            runtime=20,
        params:
            *code("control", f"controls.{CONTROLS[drawn]}"),
            settings=jobs.control(figure),
        script:
            "../scripts/control.py"

    describe_rule(f"control_{figure}", first_line(module_path(f"controls.{CONTROLS[drawn]}")))


rule controls:
    """Make the figures of the controls, C1 to C9."""
    input:
        [
            paths.FIGURE.format(figure=figure, format=each)
            for figure in inputs.control_figures
            for each in ("png", "pdf")
        ],
    localrule: True
