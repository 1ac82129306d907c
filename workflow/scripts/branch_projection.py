"""Project the branches of one SGD run, and the run, on the principal components of the branches (Fig. 4A)."""

from sgd_valleys.workflow.job import job

from sgd_valleys.measures import projection
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates

with job(snakemake) as log:
    settings = snakemake.params.settings
    weight = f"checkpoint_layer{settings['layer']}_weight"
    branches = hdf5.read(snakemake.input.train, ["t_c", "iteration", weight])
    row = hdf5.position(snakemake.input.run, "checkpoint", settings["realization"])
    run = hdf5.read(snakemake.input.run, ["iteration", weight], row)
    branch_weights = branches[weight].reshape(*branches[weight].shape[:2], -1)
    run_weights = run[weight].reshape(len(run[weight]), -1)
    axes = projection.principal_axes(branch_weights)
    pc, run_pc = (projection.coordinates(axes, weights) for weights in (branch_weights, run_weights))
    log.info(f"fraction of the variance that each component explains: {axes.explained}")
    variables = {
        **coordinates(t_c=branches["t_c"]),
        "iteration": Variable(("time",), branches["iteration"], "steps of gradient descent since t_c", "iterations"),
        "pc": Variable(
            ("t_c", "time", "component"), pc, "principal components of the layer's weights, of all branches together"
        ),
        "run_iteration": Variable(("run_time",), run["iteration"], "iteration of the SGD run", "iterations"),
        "run_pc": Variable(("run_time", "component"), run_pc, "the SGD run in the same components"),
        "explained": Variable(
            ("component",), axes.explained, "fraction of the branches' variance that the component explains"
        ),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(settings, snakemake.input.data))
