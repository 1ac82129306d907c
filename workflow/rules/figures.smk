rule fig1:
    input:
        code("figure", "figures.fig1"),
        projection=analysis("projection", "fig1"),
        jaccard=analysis("jaccard", "fig1"),
        barriers=analysis("barriers", "fig1"),
    output:
        png=figure_file("fig1", "valleys, and the barriers between them"),
        pdf="results/figures/fig1.pdf",
    log:
        "results/logs/figures/fig1.log",
    benchmark:
        "results/benchmarks/figures/fig1.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=figure_params("fig1"),
    script:
        "../scripts/figure.py"


use rule fig1 as fig2 with:
    input:
        code("figure", "figures.fig2"),
        cell_maps=analysis("cell_maps", "fig2"),
        endpoints=analysis("endpoints", "fig2"),
        projection=analysis("projection", "fig2"),
    output:
        png=figure_file("fig2", "diversity, accuracy and flatness against noise"),
        pdf="results/figures/fig2.pdf",
    log:
        "results/logs/figures/fig2.log",
    benchmark:
        "results/benchmarks/figures/fig2.tsv"
    params:
        settings=figure_params("fig2"),


use rule fig1 as fig2X with:
    input:
        code("figure", "figures.fig2X"),
        endpoints=analysis("endpoints", "fig2X"),
        cell_maps=analysis("cell_maps", "fig2X"),
    output:
        png=figure_file("fig2X", "accuracy against noise on the whole test file (ours)"),
        pdf="results/figures/fig2X.pdf",
    log:
        "results/logs/figures/fig2X.log",
    benchmark:
        "results/benchmarks/figures/fig2X.tsv"
    params:
        settings=figure_params("fig2X"),


use rule fig1 as fig3 with:
    input:
        code("figure", "figures.fig3"),
        freezing=analysis("freezing", "fig3"),
        cell_maps=analysis("cell_maps", "fig3"),
        train=rate_files(TRAIN, "fig3", also=[fig3_run()]),
        curvature=rate_files(CURVATURE, "fig3"),
    output:
        png=figure_file("fig3", "freezing times, and flatness along training"),
        pdf="results/figures/fig3.pdf",
    log:
        "results/logs/figures/fig3.log",
    benchmark:
        "results/benchmarks/figures/fig3.tsv"
    params:
        settings=figure_params("fig3"),


use rule fig1 as fig4 with:
    input:
        code("figure", "figures.fig4"),
        **reference_files(
            "fig4",
            run=TRAIN,
            run_curvature=CURVATURE,
            train=BRANCH_TRAIN,
            curvature=BRANCH_CURVATURE,
            endpoints=BRANCH_ENDPOINTS,
            projection=BRANCH_PROJECTION,
        ),
    output:
        png=figure_file("fig4", "which valleys one SGD run passes through"),
        pdf="results/figures/fig4.pdf",
    log:
        "results/logs/figures/fig4.log",
    benchmark:
        "results/benchmarks/figures/fig4.tsv"
    params:
        settings=figure_params("fig4"),


use rule fig1 as fig4X with:
    input:
        code("figure", "figures.fig4X"),
        **reference_files("fig4X", statistics=BRANCH_STATISTICS),
    output:
        png=figure_file("fig4X", "Fig. 4 over all realizations (ours)"),
        pdf="results/figures/fig4X.pdf",
    log:
        "results/logs/figures/fig4X.log",
    benchmark:
        "results/benchmarks/figures/fig4X.tsv"
    params:
        settings=figure_params("fig4X"),


use rule fig1 as fig5 with:
    input:
        code("figure", "figures.fig5"),
        diagram=diagram_file("fig5"),
        occupancy="results/two_valley/occupancy.h5",
        theory="results/two_valley/theory.h5",
    output:
        png=figure_file("fig5", "the two-valley model"),
        pdf="results/figures/fig5.pdf",
    log:
        "results/logs/figures/fig5.log",
    benchmark:
        "results/benchmarks/figures/fig5.tsv"
    params:
        settings=figure_params("fig5"),


use rule fig1 as fig6 with:
    input:
        code("figure", "figures.fig6"),
        occupancy="results/two_valley/occupancy.h5",
        theory="results/two_valley/theory.h5",
    output:
        png=figure_file("fig6", "its theory: effective loss, and freezing"),
        pdf="results/figures/fig6.pdf",
    log:
        "results/logs/figures/fig6.log",
    benchmark:
        "results/benchmarks/figures/fig6.tsv"
    params:
        settings=figure_params("fig6"),


use rule fig1 as fig6X with:
    input:
        code("figure", "figures.fig6X"),
        diagram=PHASE_DIAGRAM.format(diagram=MODEL["continuous_time"]["diagram"]),
        occupancy="results/two_valley/occupancy.h5",
        small_eta_limit=small_eta_limit_files(),
        ito=FOKKER_PLANCK.format(convention="ito"),
        printed=FOKKER_PLANCK.format(convention="hanggi-klimontovich"),
        theory="results/two_valley/theory.h5",
    output:
        png=figure_file("fig6X", "how far theory is from simulation (ours)"),
        pdf="results/figures/fig6X.pdf",
    log:
        "results/logs/figures/fig6X.log",
    benchmark:
        "results/benchmarks/figures/fig6X.tsv"
    params:
        settings=figure_params("fig6X"),


use rule fig1 as figS1 with:
    input:
        code("figure", "figures.figS1"),
        cell_maps=analysis("cell_maps", "figS1"),
        endpoints=analysis("endpoints", "figS1"),
        curvature=rate_files(CURVATURE, "figS1"),
    output:
        png=figure_file("figS1", "Hessian spectra of the solutions"),
        pdf="results/figures/figS1.pdf",
    log:
        "results/logs/figures/figS1.log",
    benchmark:
        "results/benchmarks/figures/figS1.tsv"
    params:
        settings=figure_params("figS1"),


use rule fig1 as figS2 with:
    input:
        code("figure", "figures.figS2"),
        cell_maps=analysis("cell_maps", "figS2"),
    output:
        png=figure_file("figS2", "displacement, convergence, accuracy, losses"),
        pdf="results/figures/figS2.pdf",
    log:
        "results/logs/figures/figS2.log",
    benchmark:
        "results/benchmarks/figures/figS2.tsv"
    params:
        settings=figure_params("figS2"),


use rule fig1 as figS3 with:
    input:
        code("figure", "figures.figS3"),
        cell_maps=analysis("cell_maps", "figS3"),
    output:
        png=figure_file("figS3", "freezing times at other thresholds"),
        pdf="results/figures/figS3.pdf",
    log:
        "results/logs/figures/figS3.log",
    benchmark:
        "results/benchmarks/figures/figS3.tsv"
    params:
        settings=figure_params("figS3"),


use rule fig1 as figS4 with:
    input:
        code("figure", "figures.figS4"),
        **reference_files("figS4", run=TRAIN, train=BRANCH_TRAIN, endpoints=BRANCH_ENDPOINTS),
    output:
        png=figure_file("figS4", "losses and accuracies of the branches"),
        pdf="results/figures/figS4.pdf",
    log:
        "results/logs/figures/figS4.log",
    benchmark:
        "results/benchmarks/figures/figS4.tsv"
    params:
        settings=figure_params("figS4"),


use rule fig1 as figS5 with:
    input:
        code("figure", "figures.figS5"),
        cell_maps=analysis("cell_maps", "figS5"),
        jaccard=analysis("jaccard", "figS5"),
        projection=analysis("projection", "figS5"),
        train=rate_files(TRAIN, "figS5"),
        curvature=rate_files(CURVATURE, "figS5", rates=("eta", "spectrum_eta")),
    output:
        png=figure_file("figS5", "another network and data set"),
        pdf="results/figures/figS5.pdf",
    log:
        "results/logs/figures/figS5.log",
    benchmark:
        "results/benchmarks/figures/figS5.tsv"
    params:
        settings=figure_params("figS5"),


use rule fig1 as figS6 with:
    input:
        code("figure", "figures.figS6"),
        diagram=diagram_file("figS6"),
    output:
        png=figure_file("figS6", "the two-valley model under another noise"),
        pdf="results/figures/figS6.pdf",
    log:
        "results/logs/figures/figS6.log",
    benchmark:
        "results/benchmarks/figures/figS6.tsv"
    params:
        settings=figure_params("figS6"),
