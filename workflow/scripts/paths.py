"""Compute straight and aligned lines and Bezier curves between solutions, and a slice of the loss."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import select_first
from sgd_valleys.measures.alignment import aligned_lines
from sgd_valleys.measures.bezier import train_curve
from sgd_valleys.measures.paths import barrier, chord_height, pair_lines
from sgd_valleys.measures.similarity import sample_pairs, spread_pairs
from sgd_valleys.measures.slices import loss_slice
from sgd_valleys.measures.solutions import converged_solutions, solution_similarity
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.storage.parameters import read_parameters

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    network, samples = load_network_and_samples(snakemake.input.data, settings, ["train"])
    images = select_first(samples["train"], settings.get("per_class"), "paths.per_class")
    alpha = np.linspace(0, 1, settings["points"])

    converged = converged_solutions(snakemake.input.train)
    if len(converged) < 2:
        log.warning(
            f"experiments.{snakemake.wildcards.experiment}.paths: {len(converged)} runs reach training accuracy 1, too "
            "few for a pair; allowed are at least 2; raise sweep.eta_T, or extend the sweep."
        )
    pairs = sample_pairs(len(converged), settings["pairs"], stream(settings["seed"], Stage.PATHS))
    pair_similarity = solution_similarity(converged)[tuple(pairs.T)]
    solutions = [solution.parameters for solution in converged]
    common = network, solutions, pairs, images, alpha
    lines = pair_lines(*common, Progress(len(pairs), "pairs", log), loss)
    aligned, moved = aligned_lines(*common, Progress(len(pairs), "aligned pairs", log), loss)
    if len(pairs):
        log.info(
            f"{len(pairs)} pairs: largest barrier {barrier(lines).max():.3g}, above the chord "
            f"{chord_height(lines, alpha).max():.3g}, after alignment {barrier(aligned).max():.3g}; "
            f"{moved.max()} units move at most"
        )

    pair, ends, points = ("pair",), ("pair", "end"), ("pair", "alpha")
    eta, B, realization = np.array([solution.run for solution in converged]).reshape(-1, 3).T
    variables = {
        "alpha": Variable(("alpha",), alpha, "interpolation coefficient alpha of Eq. 5"),
        "pair_eta": Variable(ends, eta[pairs], "learning rates of the pair, first at alpha = 1"),
        "pair_B": Variable(ends, B.astype(int)[pairs], "batch sizes of the pair, first at alpha = 1", "samples"),
        "pair_realization": Variable(ends, realization.astype(int)[pairs], "realizations of the pair"),
        "pair_initialization": Variable(
            ends, realization.astype(int)[pairs] % settings.get("initializations", 1), "initializations of the pair"
        ),
        "pair_similarity": Variable(pair, pair_similarity, "Jaccard similarity of the pair, Eq. 4"),
        "line_loss": Variable(points, lines, "training loss along the line", "nat"),
        "line_barrier": Variable(pair, barrier(lines), "loss barrier, Eq. 5", "nat"),
        "line_chord_height": Variable(pair, chord_height(lines, alpha), "height of the loss above the chord", "nat"),
        "aligned_loss": Variable(points, aligned, "training loss along the line after alignment", "nat"),
        "aligned_barrier": Variable(pair, barrier(aligned), "loss barrier, Eq. 5, after alignment", "nat"),
        "moved_units": Variable(pair, moved, "hidden units that the alignment moves", "units"),
    }

    if "bezier" in settings:
        steps, chosen = settings["bezier"]["steps"], spread_pairs(pair_similarity, settings["bezier"]["pairs"])
        progress = Progress(len(chosen) * steps, "steps of curves", log)
        curves = [
            train_curve(network, (solutions[i], solutions[j]), images, alpha, steps, loss, progress)
            for i, j in pairs[chosen].tolist()
        ]
        excess = np.array([curve.excess for curve in curves]).reshape(-1, steps + 1)
        accuracy = np.array([curve.accuracy for curve in curves]).reshape(-1, steps + 1)
        along = np.array([curve.loss for curve in curves]).reshape(-1, len(alpha))
        for k, (first, last) in enumerate(excess[:, [0, -1]]):
            log.info(f"curve {k}: excess {first:.3g} of the line, {last:.3g} after {steps} steps")
        what = "of the lowest quadratic Bezier curve so far"
        variables |= {
            "curve_pair": Variable(("curve",), chosen, "position of the curve's ends on axis pair"),
            "step": Variable(("step",), np.arange(steps + 1), "steps of L-BFGS; 0 is the straight line"),
            "curve_excess": Variable(("curve", "step"), excess, f"maximum {what}, above the mean of its ends", "nat"),
            "curve_accuracy": Variable(("curve", "step"), accuracy, f"lowest training accuracy {what}"),
            "curve_loss": Variable(("curve", "alpha"), along, "training loss along the lowest curve", "nat"),
        }

    if "slice" in settings:
        layer, (eta, B, realization) = settings["layer"], settings["slice"]["run"]
        at = hdf5.position(snakemake.input.reference, "checkpoint", realization)
        name = f"checkpoint_layer{layer}_weight"
        run = hdf5.read(snakemake.input.reference, ["iteration"]) | hdf5.read(snakemake.input.reference, [name], at)
        end = hdf5.position(snakemake.input.reference, "realization", realization)
        final = read_parameters(snakemake.input.reference, "final", end)
        count = settings["slice"]["points"]
        progress = Progress(count, "rows of the slice", log)
        found = loss_slice(network, run[name], final, layer, images, count, loss, progress)
        first, second = axes = "component1", "component2"
        component = "principal component of the reference run"
        variables |= {
            "iteration": Variable(("time",), run["iteration"], "iteration t of the reference run", "iterations"),
            first: Variable((first,), found.coordinate[0], f"coordinate along the first {component}"),
            second: Variable((second,), found.coordinate[1], f"coordinate along the second {component}"),
            "slice_loss": Variable(axes, found.loss, "training loss, other layers as at the end of the run", "nat"),
            "slice_trajectory": Variable(("time", "component"), found.trajectory, "coordinates on the components"),
            "slice_explained": Variable(("component",), found.explained, "fraction of the variance by component"),
        }

    if snakemake.input.get("barriers"):  # Fig. 1C, D: the same lines along training
        stored = hdf5.read(snakemake.input.barriers, ["alpha", "path_loss", "path_eta", "path_B", "time_fraction"])
        height = chord_height(stored["path_loss"], stored["alpha"])
        path = ("path", "end")
        variables |= {
            "time_fraction": Variable(("time",), stored["time_fraction"], "t / t_max"),
            "path_eta": Variable(path, stored["path_eta"], "learning rates of the pair, first at alpha = 1"),
            "path_B": Variable(path, stored["path_B"], "batch sizes of the pair, first at alpha = 1", "samples"),
            "path_chord_height": Variable(("path", "time"), height, "height of the loss above the chord", "nat"),
        }
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), provenance.attributes(settings, snakemake.input.data))
