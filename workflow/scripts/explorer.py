"""One HTML page to explore: trajectories in space, and the runs behind every cell of the heatmaps."""

from sgd_valleys.explorer import collect, page
from sgd_valleys.figures import style
from sgd_valleys.storage.atomic import atomic_write
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    files = dict(snakemake.input.items())

    def colors(looks: dict[str, dict]) -> dict:
        """The colours of the figures that are named, as one."""
        for figure, settings in looks.items():
            style.check_colors(settings, figure)
        return page.colors({key: value for settings in looks.values() for key, value in settings.items()})

    def paths_of(name: str) -> dict:
        """The files of an experiment, by what they are."""
        return {key.removeprefix(f"{name}/"): path for key, path in files.items() if key.startswith(f"{name}/")}

    data = {"experiments": {}, "diagrams": {}}
    for name, settings in p["experiments"].items():
        found = collect.experiment(paths_of(name), settings["reference"])
        data["experiments"][name] = found | {"looks": colors(settings["looks"])}
        log.info(f"{name}: {sum(len(cell['realization']) for row in found['cells'] for cell in row if cell)} runs")
    for name, settings in p["diagrams"].items():
        shown = settings | {"looks": colors(settings["looks"])}
        data["diagrams"][name] = collect.diagram(files[f"two_valley/{name}"]) | shown
    content = page.html(data)
    with atomic_write(snakemake.output[0]) as temporary:
        temporary.write_text(content, encoding="utf-8")
    log.info(f"wrote {snakemake.output[0]}, {len(content.encode()) / 1e6:.1f} MB")
