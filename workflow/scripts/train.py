"""Train one stack of a cell's realizations."""

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.training import sgd
from sgd_valleys.training.resume import Resume
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    eta, B = float(p["eta"]), p["B"]
    network, samples = load_network_and_samples(snakemake.input.data, p)
    M = len(samples["train"][1])
    device = sgd.choose_device(p["device"])
    realizations = list(range(p["first"], p["last"] + 1))
    log.info(f"eta {p['eta']}, B {B}, realizations {p['first']} to {p['last']}, {p['iterations']} iterations")
    attributes = provenance.attributes(p | {"device": device.type}, snakemake.input.data)
    code = [path for path in snakemake.input if path.endswith(".py")]
    resume = Resume(snakemake.output[0], attributes, log, code)
    progress = Progress(p["iterations"] * len(realizations), "iterations of all runs", log)
    run = sgd.train(
        network,
        network.initialize(stream(p["seed"], Stage.INITIALIZATION)),
        samples["train"],
        samples["test"],
        eta=eta,
        B=B,
        iterations=p["iterations"],
        points=p["points"],
        orders=[sgd.minibatch_order(stream(p["seed"], Stage.MINIBATCHES, eta, B, r), M) for r in realizations],
        layer=p["layer"],
        checkpoints=[realizations.index(r) for r in p["checkpoints"]],
        device=device,
        progress=progress,
        resume=resume,
    )
    for r, loss, accuracy, diverged in zip(
        realizations, run.train_loss[:, -1], run.train_accuracy[:, -1], run.diverged, strict=True
    ):
        state = "diverged" if diverged else f"training loss {loss:.3g}, accuracy {accuracy:.3f}"
        log.info(f"realization {r}: {state}")

    variables = {
        "realization": Variable(("realization",), np.array(realizations), "realization (order of the minibatches)"),
        **sgd.variables(run, "realization", p["layer"]),
        **sgd.parameter_variables(run.final, "final", ("realization",), "at the last iteration"),
    }
    if p["checkpoints"]:
        variables["checkpoint"] = Variable(("checkpoint",), np.array(p["checkpoints"]), "realization of the checkpoint")
        variables |= sgd.parameter_variables(
            run.checkpoint, "checkpoint", ("checkpoint", "time"), "at the recorded iterations"
        )
    hdf5.write(snakemake.output[0], variables, attributes | {"eta": eta, "B": B})
    resume.remove()
