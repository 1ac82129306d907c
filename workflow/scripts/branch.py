"""Train from every branching time of one SGD run, by default by gradient descent (Sec. II D)."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.errors import UserError
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.progress import Progress
from sgd_valleys.recipe import Recipe
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import parameter_variables, read_parameters
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.recording import Recording, finite_runs
from sgd_valleys.training.sgd import train
from sgd_valleys.training.starts import displaced
from sgd_valleys.training.streams import Streams

with job(snakemake) as log:
    settings = snakemake.params.settings
    t_c, points, final = settings["t_c"], settings["points"], settings["final"]
    is_reference, iterations = settings["reference"], settings["iterations"]
    eta, B, realization = settings["run"]
    copies, seed, is_same_order = settings.get("copies", 1), settings.get("seed"), settings.get("order") == "same"
    training = {"loss": settings.get("loss", "cross_entropy"), **settings.get("training", {"noise": "none"})}
    recipe = Recipe.from_settings(settings["eta"], settings.get("B", B), iterations, training)
    network, samples = load_network_and_samples(snakemake.input.data, settings)

    # read only the parameters at the branching times, so that branches do not depend on later checkpoints
    iteration = list(hdf5.read(snakemake.input.train, ["iteration"])["iteration"])
    at = hdf5.position(snakemake.input.train, "checkpoint", realization)
    starts = read_parameters(snakemake.input.train, "checkpoint", at | {"time": [iteration.index(t) for t in t_c]})
    diverged = ~finite_runs(starts)
    if is_reference and diverged.any():
        raise UserError(
            f"experiments.{snakemake.wildcards.experiment}.branches.reference = {{eta: {eta}, B: {B}, realization: "
            f"{realization}}}: diverged by iteration {t_c[diverged.argmax()]}; allowed are runs that are finite at all "
            "branching times; choose another run, or lower branches.t_c.last."
        )

    branches = [(t, copy) for t in t_c for copy in range(copies)]
    starts = {name: np.repeat(array, copies, axis=0) for name, array in starts.items()}
    run_key = (float(eta), B, realization)
    keys = [(*run_key, *branch) for branch in branches]
    starts = displaced(starts, settings.get("perturbation", 0.0), keys, seed)
    streams = () if seed is None else [Streams(seed, key) for key in keys]
    if is_same_order:  # the run's minibatches from t_c on
        streams = [Streams(seed, run_key, first_step=t) for t, _ in branches]
    # figures show the reference's branches at all iterations, and those of other runs only at the SGD run's end
    checkpoints = {b: range(points) if is_reference else [end] for b, end in enumerate(final)}
    last = {} if is_reference else dict(enumerate(final))
    recording = Recording(points, checkpoints, settings.get("train_samples"), last)
    steps = int(recording.last_points(len(branches)).sum()) * recording.interval(iterations)
    log.info(f"eta {eta}, B {B}, realization {realization}: {len(branches)} branches, {steps} iterations in all")
    device = choose_device(snakemake.resources.device)
    trajectory = train(
        network,
        starts,
        samples["train"],
        samples["test"],
        recipe,
        recording,
        streams=streams,
        device=device,
        progress=Progress(steps, "iterations of all branches", log),
    )
    largest = trajectory.train_loss[np.arange(len(branches)), final].max()
    log.info(f"{trajectory.diverged.sum()} diverged; training loss at the end of the SGD run at most {largest:.3g}")

    variables = {
        **coordinates(t_c=[t for t, _ in branches]),
        **trajectory.variables("t_c", "steps of gradient descent since t_c", LOSSES[recipe.loss]),
        "final": Variable(("t_c",), final, "position on axis time of the end of the SGD run"),
        **parameter_variables(trajectory.checkpoint_at(final), "final", ("t_c",), "at the end of the SGD run"),
    }
    if copies > 1:
        variables["copy"] = Variable(("t_c",), [copy for _, copy in branches], "number of the branch from t_c")
    if is_reference:
        axes = ("t_c", "time")
        variables |= parameter_variables(trajectory.checkpoint, "checkpoint", axes, "at the recorded iterations")
    attributes = provenance.attributes(settings | {"device": device.type}, snakemake.input.data)
    hdf5.write(snakemake.output[0], variables, attributes | {"eta": float(eta), "B": B, "realization": realization})
