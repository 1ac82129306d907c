"""Compare the noise of minibatch gradients with the Hessian, at recorded times of some runs."""

from sgd_valleys.workflow.job import job

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import select_first
from sgd_valleys.measures.noise_along_training import along_training, noise_variables
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.networks.network import Parameters
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters

with job(snakemake) as log:
    settings = snakemake.params.settings
    network, samples = load_network_and_samples(snakemake.input.data, settings, ["train"])
    images = select_first(samples["train"], settings.get("per_class"), "gradient_noise.per_class")
    runs, train = hdf5.read(snakemake.input.train, ["checkpoint", "iteration"]), snakemake.input.train
    realization, iteration = settings["along"], runs["iteration"][:: settings["every"]]
    row = list(runs["checkpoint"])
    checkpoint = read_parameters(train, "checkpoint", {"checkpoint": [row.index(r) for r in realization]})

    def parameters_at(r: int, t: int) -> Parameters:
        return {name: array[r, t * settings["every"]] for name, array in checkpoint.items()}

    attributes = hdf5.read_attributes(train)
    eta, B = float(attributes["eta"]), int(attributes["B"])
    shape = len(realization), len(iteration)
    found = along_training(network, images, parameters_at, shape, B, settings, log)
    variables = {
        **coordinates(realization=realization),
        "iteration": Variable(("time",), iteration, "iteration t", "iterations"),
        **noise_variables(found),
    }
    hdf5.write(
        snakemake.output[0],
        in_units_of(settings.get("loss", "cross_entropy"), variables),
        provenance.attributes(settings, snakemake.input.data) | {"eta": eta, "B": B},
    )
