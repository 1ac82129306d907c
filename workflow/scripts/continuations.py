"""Continue checkpoints of some runs by gradient descent, and find the time from which they end in one basin."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures.basin_time import scan_runs
from sgd_valleys.measures.similarity import agreement, jaccard
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters
from sgd_valleys.training.continuation import Descent, continue_runs

with job(snakemake) as log:
    settings, train = snakemake.params.settings, snakemake.input.train
    loss = settings.get("loss", "cross_entropy")
    network, samples = load_network_and_samples(snakemake.input.data, settings)
    images, labels = samples["test"]
    descent = Descent(**settings["descent"], training_loss=loss)
    iteration = hdf5.read(train, ["iteration"])["iteration"]
    rows = [hdf5.position(train, "checkpoint", run) for run in settings["runs"]]
    runs, last = len(rows), len(iteration) - 1
    shape = runs, len(iteration)
    agreed, similar, train_loss = (np.full(shape, np.nan) for _ in range(3))
    steps, converged, diverged = (np.zeros(shape, kind) for kind in (int, bool, bool))
    classes = np.zeros((runs, len(labels)), int)  # classes that the last continuation of each run predicts

    def predict(pairs: list[tuple[int, int]]) -> np.ndarray:
        """Continue checkpoints (run, time), and return the predicted classes (pair, test_sample) at their ends."""
        starts = [read_parameters(train, "checkpoint", rows[r] | {"time": t}) for r, t in pairs]
        stacked = {name: np.stack([start[name] for start in starts]) for name in starts[0]}
        found = continue_runs(network, stacked, samples["train"], descent, device=snakemake.resources.device)
        at = tuple(np.transpose(pairs))
        steps[at], converged[at], diverged[at] = found.steps, found.converged, found.diverged
        train_loss[at] = found.train_loss
        ends = ({name: array[k] for name, array in found.parameters.items()} for k in range(len(pairs)))
        return np.stack([network.forward(end, images).argmax(axis=1) for end in ends])

    def compare(pairs: list[tuple[int, int]]) -> np.ndarray:
        """Return whether continuations end in the basin of their run's last continuation (pair, criterion)."""
        for (r, t), own in zip(pairs, predict(pairs), strict=True):
            if not (diverged[r, t] or diverged[r, last]):
                agreed[r, t] = agreement(own, classes[r])
                similar[r, t] = jaccard(np.stack([own, classes[r]]) != labels)[0, 1]
        at = tuple(np.transpose(pairs))
        return np.stack([agreed[at] >= settings["agreement"], *(similar[at] >= s for s in settings["similarity"])], 1)

    classes = predict([(r, last) for r in range(runs)])
    agreed[:, last], similar[:, last] = np.where(diverged[:, last], np.nan, 1.0)[None].repeat(2, axis=0)
    thresholds = [settings["agreement"], *settings["similarity"]]
    first = scan_runs(compare, runs, last, settings["coarse"], len(thresholds))
    basin_time = np.where(np.isfinite(first), iteration[np.nan_to_num(first).astype(int)], np.nan)
    for run, times, taken in zip(settings["runs"], basin_time, steps, strict=True):
        log.info(f"realization {run}: basin times {times}, {(taken > 0).sum()} continuations, {taken.sum()} steps")
    axes = "realization", "time"
    variables = {
        **coordinates(realization=settings["runs"]),
        "iteration": Variable(("time",), iteration, "iteration t", "iterations"),
        "steps": Variable(axes, steps, "steps of the continuation from here; 0 where there is none", "steps"),
        "converged": Variable(axes, converged, "whether the continuation has converged"),
        "train_loss": Variable(axes, train_loss, "training loss at the end of the continuation", "nat"),
        "agreement": Variable(axes, agreed, "share of the test images with the last continuation's predicted class"),
        "similarity": Variable(axes, similar, "Jaccard similarity to the last continuation's error set, Eq. 4"),
        "threshold": Variable(("criterion",), thresholds, "smallest value in the same basin, by criterion"),
        "basin_time": Variable(
            ("realization", "criterion"),
            basin_time,
            "time from which on continuations end in the basin of the last one; NaN if not before the end",
            "iterations",
        ),
    }
    trained = hdf5.read_attributes(train)
    attributes = provenance.attributes(settings, snakemake.input.data) | {
        "criteria": ["agreement", *["similarity"] * len(settings["similarity"])],
        "eta": float(trained["eta"]),
        "B": int(trained["B"]),
    }
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), attributes)
