"""Write the explorer, an HTML page with trajectories in 3D and the runs of every cell of the heatmaps."""

from sgd_valleys.workflow.job import job

from sgd_valleys.explorer import arms, collect, page
from sgd_valleys.storage.atomic import atomic_write

with job(snakemake) as log:
    settings = snakemake.params.settings
    files = dict(snakemake.input.items())

    def colors(by_figure: dict[str, dict]) -> dict:
        """Merge the colours of several figures."""
        return page.to_css({key: value for figure in by_figure.values() for key, value in figure.items()})

    def paths_of(name: str) -> dict:
        """Return the paths of an experiment's files."""
        return {key.removeprefix(f"{name}/"): path for key, path in files.items() if key.startswith(f"{name}/")}

    data = {"experiments": {}, "diagrams": {}, "arms": settings["arms"], "landscape": settings["landscape"]}
    for name, shown in settings["experiments"].items():
        read = collect.read_arm if shown["arm"] else collect.read_experiment
        found = read(paths_of(name), shown["reference"])
        if shown["compared"]:
            resampling = settings["seed"], shown["resamples"]
            found["summaries"] = arms.read_summaries(paths_of(name), shown["compared"], *resampling)
        data["experiments"][name] = found | {"training": shown["training"], "colors": colors(shown["colors"])}
        log.info(f"{name}: {sum(len(cell['realization']) for row in found['cells'] for cell in row if cell)} runs")
    for name, shown in settings["diagrams"].items():
        found = collect.read_diagram(files[f"two_valley/{name}"])
        data["diagrams"][name] = found | shown | {"colors": colors(shown["colors"])}
    content = page.html(data)
    with atomic_write(snakemake.output[0]) as temporary:
        temporary.write_text(content, encoding="utf-8")
    log.info(f"wrote {snakemake.output[0]}, {len(content.encode()) / 1e6:.1f} MB")
