"""Compute measures of flatness at the end of every run."""

from sgd_valleys.workflow.job import job

from sgd_valleys.measures.flatness_at_ends import at_ends, measure_properties, measure_variables
from sgd_valleys.measures.point import load_points
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import coordinates
from sgd_valleys.storage.parameters import read_parameters

with job(snakemake) as log:
    settings = snakemake.params.settings
    names = settings["measures"]
    point_at = load_points(snakemake.input.data, settings)
    final = read_parameters(snakemake.input.train, "final")
    curvature = hdf5.read(snakemake.input.curvature, ["realization", "eigenvalue"])
    realization, eigenvalue = curvature["realization"], curvature["eigenvalue"][:, -1]
    points = [point_at({name: array[r] for name, array in final.items()}, top) for r, top in enumerate(eigenvalue)]
    variables = coordinates(realization=realization) | measure_variables(at_ends(points, names, log), names)
    train = hdf5.read_attributes(snakemake.input.train)
    attributes = provenance.attributes(settings, snakemake.input.data)
    hdf5.write(
        snakemake.output[0],
        in_units_of(settings.get("loss", "cross_entropy"), variables),
        attributes | {"eta": float(train["eta"]), "B": int(train["B"]), "measures": measure_properties(names)},
    )
