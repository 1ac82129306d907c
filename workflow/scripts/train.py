"""Train one stack of a cell's realizations."""

import numpy as np

from job import job
from sgd_valleys import experiment, storage, training
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.resume import Resume
from sgd_valleys.storage import Variable

with job(snakemake) as log:
    p = snakemake.params.settings
    eta, B = float(p["eta"]), p["B"]
    network, samples = experiment.load(snakemake.input.data, p)
    M = len(samples["train"][1])
    device = training.choose_device(p["device"])
    realizations = list(range(p["first"], p["last"] + 1))
    log.info(f"eta {p['eta']}, B {B}, realizations {p['first']} to {p['last']}, {p['iterations']} iterations")
    attributes = storage.provenance(p | {"device": device.type}, snakemake.input.data)
    code = [path for path in snakemake.input if path.endswith(".py")]
    resume = Resume(snakemake.output[0], attributes, log, code)
    progress = Progress(p["iterations"] * len(realizations), "iterations of all runs", log)
    run = training.train(
        network,
        network.initialize(stream(p["seed"], Stage.INITIALIZATION)),
        samples["train"],
        samples["test"],
        eta=eta,
        B=B,
        iterations=p["iterations"],
        points=p["points"],
        orders=[training.minibatch_order(stream(p["seed"], Stage.MINIBATCHES, eta, B, r), M) for r in realizations],
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
        **training.variables(run, "realization", p["layer"]),
        **training.parameter_variables(run.final, "final", ("realization",), "at the last iteration"),
    }
    if p["checkpoints"]:
        variables["checkpoint"] = Variable(("checkpoint",), np.array(p["checkpoints"]), "realization of the checkpoint")
        variables |= training.parameter_variables(
            run.checkpoint, "checkpoint", ("checkpoint", "time"), "at the recorded iterations"
        )
    storage.write(snakemake.output[0], variables, attributes | {"eta": eta, "B": B})
    resume.remove()
