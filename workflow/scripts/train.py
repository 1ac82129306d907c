"""Train one stack of a cell's realizations."""

from sgd_valleys.workflow.job import job

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.progress import Progress
from sgd_valleys.recipe import Recipe
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import parameter_variables
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.resume import Resume
from sgd_valleys.training.reuse import code_digest, find_runs, join, load_runs
from sgd_valleys.training.sgd import train
from sgd_valleys.training.starts import initial_parameters
from sgd_valleys.training.streams import run_streams

with job(snakemake) as log:
    settings = snakemake.params.settings
    seed, eta, B, iterations = settings["seed"], float(settings["eta"]), settings["B"], settings["iterations"]
    recipe = Recipe.from_settings(eta, B, iterations, settings.get("training", {}))
    initializations = settings.get("training", {}).get("initializations", 1)
    network, samples = load_network_and_samples(snakemake.input.data, settings)
    device = choose_device(snakemake.resources.device)
    first, last, points = settings["first"], settings["last"], settings["points"]
    realizations = list(range(first, last + 1))
    log.info(f"eta {settings['eta']}, B {B}, realizations {first} to {last}, {iterations} iterations")
    attributes = provenance.attributes(settings | {"device": device.type}, snakemake.input.data)
    attributes["code_sha256"] = code_digest(each for each in snakemake.params if isinstance(each, str))
    found = find_runs(snakemake.output[0], attributes, realizations, settings["checkpoints"], log)
    parts = [(runs, load_runs(path, runs, settings["checkpoints"])) for path, runs in found.items()]
    new = sorted(set(realizations).difference(*found.values()))
    resume = Resume(snakemake.output[0], attributes | {"trained": new}, log)
    if new:
        trajectory = train(
            network,
            initial_parameters(network, seed, new, initializations),
            samples["train"],
            samples["test"],
            recipe,
            Recording(
                points,
                {new.index(r): range(points) for r in settings["checkpoints"] if r in new},
                settings.get("train_samples"),
            ),
            streams=run_streams(seed, eta, B, new),
            device=device,
            progress=Progress(iterations * len(new), "iterations of all runs", log),
            resume=resume,
        )
        parts.append((new, trajectory))
    trajectory = join(parts)
    start = initial_parameters(network, seed, realizations, initializations)
    start = {name: array.astype(trajectory.final[name].dtype) for name, array in start.items()}
    axes, of = ((), "of all runs") if initializations == 1 else (("realization",), "of each run")
    for run, realization in enumerate(realizations):
        loss, accuracy = trajectory.train_loss[run, -1], trajectory.train_accuracy[run, -1]
        state = f"training loss {loss:.3g}, accuracy {accuracy:.3f}"
        log.info(f"realization {realization}: {'diverged' if trajectory.diverged[run] else state}")

    variables = {
        **coordinates(realization=realizations),
        **trajectory.variables("realization", loss=LOSSES[recipe.loss]),
        **parameter_variables(start, "initial", axes, f"at iteration 0, {of}"),
        **parameter_variables(trajectory.final, "final", ("realization",), "at the last iteration"),
    }
    if settings["checkpoints"]:
        axes = ("checkpoint", "time")
        variables["checkpoint"] = Variable(axes[:1], settings["checkpoints"], "realization of the checkpoint")
        variables |= parameter_variables(trajectory.checkpoint, "checkpoint", axes, "at the recorded iterations")
    hdf5.write(snakemake.output[0], variables, attributes | {"eta": eta, "B": B})
    resume.remove()
