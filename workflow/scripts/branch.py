"""Gradient descent from every branching time of one SGD run (Sec. II D)."""

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.errors import UserError
from sgd_valleys.progress import Progress
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.training import sgd
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    t_c, points = p["t_c"], p["points"]
    eta, B, realization = p["run"]
    network, samples = load_network_and_samples(snakemake.input.data, p)

    # nothing of the run is read but its parameters at the branching times: what it does later plays no part
    iteration = list(hdf5.read(snakemake.input.train, ["iteration"])["iteration"])
    place = hdf5.position(snakemake.input.train, "checkpoint", realization)
    place |= {"time": [iteration.index(t) for t in t_c]}
    found = hdf5.read(snakemake.input.train, [f"checkpoint_{name}" for name in network.names()], place)
    starts = {name: found[f"checkpoint_{name}"] for name in network.names()}
    lost = ~np.isfinite(starts[f"layer{p['layer']}_weight"]).all(axis=(1, 2))
    if p["reference"] and lost.any():
        raise UserError(
            f"experiments.{snakemake.wildcards.experiment}.branches.reference: the run of eta = {eta}, B = {B}, "
            f"realization {realization} has diverged by iteration {t_c[lost.argmax()]}: choose another run, or a "
            "smaller t_c.last."
        )

    log.info(f"eta {eta}, B {B}, realization {realization}: {len(t_c)} branches of {p['iterations']} iterations")
    device = sgd.choose_device(p["device"])
    branch = sgd.descend(
        network,
        starts,
        samples["train"],
        samples["test"],
        eta=p["eta"],
        iterations=p["iterations"],
        points=points,
        layer=p["layer"],
        checkpoints={b: range(points) if p["reference"] else [p["final"][b]] for b in range(len(t_c))},
        device=device,
        progress=Progress(p["iterations"] * len(t_c), "iterations of all branches", log),
    )
    final_loss = branch.train_loss[np.arange(len(t_c)), p["final"]]
    log.info(
        f"{branch.diverged.sum()} diverged; training loss at the end of the SGD run at most {final_loss.max():.3g}"
    )

    variables = {
        "t_c": Variable(
            ("t_c",), np.array(t_c), "iteration of the SGD run at which the branch leaves it", "iterations"
        ),
        **sgd.variables(branch, "t_c", p["layer"]),
        "final": Variable(("t_c",), np.array(p["final"]), "position on axis time of the end of the SGD run"),
    }
    variables["iteration"] = Variable(("time",), branch.iteration, "steps of gradient descent since t_c", "iterations")
    # of the reference whole parameters were kept all along the way, of the others at the final point alone
    kept = p["final"] if p["reference"] else 0
    final = {name: array[np.arange(len(t_c)), kept] for name, array in branch.checkpoint.items()}
    if p["reference"]:
        variables |= sgd.parameter_variables(
            branch.checkpoint, "checkpoint", ("t_c", "time"), "at the recorded iterations"
        )
    variables |= sgd.parameter_variables(final, "final", ("t_c",), "at the end of the SGD run")
    attributes = provenance.attributes(p | {"device": device.type}, snakemake.input.data)
    hdf5.write(snakemake.output[0], variables, attributes | {"eta": float(eta), "B": B, "realization": realization})
