"""Where the branches of one SGD run end: flatness, test loss, similarity, when the run freezes, the line of Fig. 4D."""

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures import similarity
from sgd_valleys.measures.evaluation import score
from sgd_valleys.measures.freezing import basin_freezing_time, freezing_time
from sgd_valleys.statistics.fits import fit_line
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

SERIES = {
    "train_loss": ("training loss", "nat"),
    "test_loss": ("test loss", "nat"),
    "train_accuracy": ("training accuracy", "1"),
    "test_accuracy": ("test accuracy", "1"),
}

with job(snakemake) as log:
    p = snakemake.params.settings
    branches = hdf5.read(snakemake.input.train, ["t_c", "final", "test_error", "diverged", *SERIES])
    bent = hdf5.read(snakemake.input.curvature, ["flatness", "trace"])
    t_c = branches["t_c"]
    end = np.arange(len(t_c)), branches["final"]
    final = {name: branches[name][end] for name in SERIES} | {name: bent[name][end] for name in bent}

    # the run itself: when its loss freezes it, and where it ends
    row = hdf5.position(snakemake.input.run, "realization", p["realization"])
    run = hdf5.read(snakemake.input.run, ["iteration", "train_loss", "test_error"], row)
    t_freeze = float(freezing_time(run["iteration"], run["train_loss"], p["L_c"]))

    network, test_file = load_network_and_samples(snakemake.input.test_file, p, ["test"])
    whole = hdf5.read(snakemake.input.train, [f"final_{name}" for name in network.names()])
    final_parameters = {name: whole[f"final_{name}"] for name in network.names()}
    file_loss, file_accuracy = score(network, final_parameters, *test_file["test"])
    final |= {
        "test_file_loss": np.where(branches["diverged"], np.nan, file_loss),
        "test_file_accuracy": np.where(branches["diverged"], np.nan, file_accuracy),
    }

    error = branches["test_error"][end]
    jaccard = similarity.jaccard(np.concatenate([error, run["test_error"][-1:]]))
    lost = np.append(branches["diverged"], ~np.isfinite(run["train_loss"][-1]))
    jaccard[lost] = jaccard[:, lost] = np.nan  # without an end there is nothing to compare
    there = ~lost[:-1]
    among = {
        name: similarity.pair_mean(jaccard[:-1, :-1][np.ix_(chosen & there, chosen & there)])
        for name, chosen in (("before", t_c < t_freeze), ("after", t_c >= t_freeze))
    }
    t_basin = basin_freezing_time(t_c, jaccard[-2, :-1], p["same_basin"])

    fits = {}
    for name in ("test_loss", "test_file_loss"):
        usable = np.isfinite(final[name]) & np.isfinite(final["flatness"])
        fits[name] = fit_line(final[name][usable], final["flatness"][usable]) if usable.any() else [np.nan] * 3
    slope, _, r_squared = fits["test_loss"]
    log.info(
        f"{lost[:-1].sum()} of {len(t_c)} branches without an end; "
        f"flatness against test loss: slope {slope:.3g}, R^2 = {r_squared:.3f}; "
        f"t_freeze {t_freeze:.0f}, same basin from t_c = {t_basin:.0f} on; "
        f"mean Sim_J among branches before t_freeze {among['before']:.3f}, from it on {among['after']:.3f}"
    )

    branch = ("t_c",)
    at_end = "at the end of the SGD run"
    variables = {
        "t_c": Variable(branch, t_c, "iteration of the SGD run at which the branch leaves it", "iterations"),
        **{name: Variable(branch, final[name], f"{text} {at_end}", units) for name, (text, units) in SERIES.items()},
        "flatness": Variable(branch, final["flatness"], f"flatness F {at_end}, Eq. 6", "1/nat"),
        "trace": Variable(branch, final["trace"], f"trace of the Hessian {at_end}", "nat"),
        "test_file_loss": Variable(branch, final["test_file_loss"], f"loss on the whole test file {at_end}", "nat"),
        "test_file_accuracy": Variable(
            branch, final["test_file_accuracy"], f"accuracy on the whole test file {at_end}"
        ),
        "jaccard": Variable(("t_c", "other"), jaccard[:-1, :-1], "Jaccard similarity of final solutions, Eq. 4"),
        "similarity_to_last": Variable(branch, jaccard[-2, :-1], "Sim_J to the last branch's final solution"),
        "similarity_to_run": Variable(branch, jaccard[-1, :-1], "Sim_J to the SGD run's own end"),
        "similarity_before": Variable((), among["before"], "mean Sim_J among the branches before t_freeze"),
        "similarity_after": Variable((), among["after"], "mean Sim_J among the branches from t_freeze on"),
        "freezing_time": Variable((), t_freeze, "freezing time t_freeze of the SGD run, Eq. 7", "iterations"),
        "basin_freezing_time": Variable(
            (), t_basin, "earliest t_c from which on all branches end in the basin of the last", "iterations"
        ),
    }
    for name, of in (("test_loss", "test set"), ("test_file_loss", "whole test file")):
        line = zip(("slope", "intercept", "r_squared"), fits[name], ("1/nat^2", "1/nat", "1"), strict=True)
        for quantity, value, units in line:
            variables[f"{name}_{quantity}"] = Variable(
                (), value, f"{quantity} of flatness against loss on the {of}, Fig. 4D", units
            )
    attributes = {"realization": p["realization"]}
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data) | attributes)
