"""Collect final values of one SGD run's branches, the run's freezing times, and the line of Fig. 4D."""

from sgd_valleys.workflow.job import job

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures.endpoints import SERIES, branch_endpoints
from sgd_valleys.measures.evaluation import score
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters

BRANCH, PAIR, RUN = ("t_c",), ("t_c", "other"), ()
FOUND = {
    "train_loss": (BRANCH, "training loss at the end of the SGD run", "nat"),
    "test_loss": (BRANCH, "test loss at the end of the SGD run", "nat"),
    "train_accuracy": (BRANCH, "training accuracy at the end of the SGD run", "1"),
    "test_accuracy": (BRANCH, "test accuracy at the end of the SGD run", "1"),
    "flatness": (BRANCH, "flatness F at the end of the SGD run, Eq. 6", "1/nat"),
    "trace": (BRANCH, "trace of the Hessian at the end of the SGD run", "nat"),
    "test_file_loss": (BRANCH, "loss on the whole test file at the end of the SGD run", "nat"),
    "test_file_accuracy": (BRANCH, "accuracy on the whole test file at the end of the SGD run", "1"),
    "jaccard": (PAIR, "Jaccard similarity of final solutions, Eq. 4", "1"),
    "similarity_to_last": (BRANCH, "Sim_J to the last branch's final solution", "1"),
    "similarity_to_run": (BRANCH, "Sim_J to the SGD run's own end", "1"),
    "similarity_before": (RUN, "mean Sim_J among the branches before t_freeze", "1"),
    "similarity_after": (RUN, "mean Sim_J among the branches from t_freeze on", "1"),
    "freezing_time": (RUN, "freezing time t_freeze of the SGD run, Eq. 7", "iterations"),
    "basin_freezing_time": (RUN, "earliest t_c from which on all branches end in the basin of the last", "iterations"),
}
for name, samples in (("test_loss", "test set"), ("test_file_loss", "whole test file")):
    for quantity, units in (("slope", "1/nat^2"), ("intercept", "1/nat"), ("r_squared", "1")):
        FOUND[f"{name}_{quantity}"] = (RUN, f"{quantity} of flatness against loss on the {samples}, Fig. 4D", units)

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    branches = hdf5.read(snakemake.input.train, ["t_c", "final", "test_error", "diverged", *SERIES])
    curvature = hdf5.read(snakemake.input.curvature, ["flatness", "trace"])
    row = hdf5.position(snakemake.input.run, "realization", settings["realization"])
    run = hdf5.read(snakemake.input.run, ["iteration", "train_loss", "test_error"], row)
    network, test_file = load_network_and_samples(snakemake.input.test_file, settings, ["test"])
    file_score = score(network, read_parameters(snakemake.input.train, "final"), *test_file["test"], loss)
    found = branch_endpoints(branches, curvature, file_score, run, settings["L_c"], settings["same_basin"])
    log.info(
        f"{branches['diverged'].sum()} of {len(branches['t_c'])} branches diverged; flatness against test loss: "
        f"slope {found['test_loss_slope']:.3g}, R^2 = {found['test_loss_r_squared']:.3f}; "
        f"t_freeze {found['freezing_time']:.0f}, same basin from t_c = {found['basin_freezing_time']:.0f} on; "
        f"mean Sim_J among branches before t_freeze {found['similarity_before']:.3f}, "
        f"from t_freeze on {found['similarity_after']:.3f}"
    )
    variables = coordinates(t_c=branches["t_c"])
    variables |= {name: Variable(axes, found[name], *description) for name, (axes, *description) in FOUND.items()}
    attributes = provenance.attributes(settings, snakemake.input.data)
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), attributes | {"realization": settings["realization"]})
