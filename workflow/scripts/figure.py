"""Draw one figure from stored results."""

from sgd_valleys.workflow.job import job

from importlib import import_module

from sgd_valleys.figures import style

with job(snakemake) as log:
    settings = snakemake.params.settings
    module = import_module(f"sgd_valleys.figures.{settings['name']}")
    figure = module.draw(module.load(dict(snakemake.input.items())), settings["figure"], settings["style"])
    style.save(figure, snakemake.output.png, snakemake.output.pdf)
    log.info(f"wrote {snakemake.output.png} and {snakemake.output.pdf}")
