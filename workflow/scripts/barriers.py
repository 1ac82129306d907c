"""Loss barriers between solutions: between many endpoints (Fig. 1E), and along training for two pairs (Fig. 1C, D)."""

import numpy as np

from job import job
from sgd_valleys import interpolation, networks, similarity, storage, sweep
from sgd_valleys.errors import UserError
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import Variable

with job(snakemake) as log:
    p = snakemake.params.settings
    images = storage.read(snakemake.input.data, ["train_image", "train_label"])
    inputs = images["train_image"].reshape(len(images["train_image"]), -1)
    labels = images["train_label"]
    network = networks.build(p["network"], inputs.shape[1], p["classes"])
    alpha = np.linspace(0, 1, p["points"])
    by_cell = sweep.files_by_cell(snakemake.input.train)

    ends, errors = [], []
    for paths in by_cell.values():
        final = [f"final_{name}" for name in network.names()]
        (run,) = sweep.read_cells(paths, ["train_accuracy", "test_error", *final]).values()
        for r in np.flatnonzero(run["train_accuracy"][:, -1] == 1):
            ends.append({name: run[f"final_{name}"][r] for name in network.names()})
            errors.append(run["test_error"][r, -1])
    possible = len(ends) * (len(ends) - 1) // 2
    if possible < 3:
        raise UserError(
            f"experiments.{snakemake.wildcards.experiment}.sweep: {len(ends)} runs reach training accuracy 1, too few "
            "for a relation between barrier and similarity: train for longer (eta_T), or widen the sweep."
        )
    jaccard = similarity.jaccard(np.array(errors))
    drawn = stream(p["seed"], Stage.PAIRS).choice(possible, min(p["pairs"], possible), replace=False)
    first, second = (index[np.sort(drawn)] for index in np.triu_indices(len(ends), k=1))
    hidden = [interpolation.first_preactivation(theta, inputs) for theta in ends]
    progress = Progress(len(first), "pairs", log)
    height = np.empty(len(first))
    for k, (i, j) in enumerate(zip(first, second, strict=True)):
        line = interpolation.line_loss(network, (ends[i], ends[j]), (hidden[i], hidden[j]), labels, alpha)
        height[k] = interpolation.barrier(line)
        progress()
    pairs = np.stack([first, second], axis=1)
    x = jaccard[first, second]
    fit = interpolation.fit_pairs(pairs, x, height, stream(p["seed"], Stage.BOOTSTRAP), p["resamples"])
    log.info(
        f"{len(x)} pairs of {len(ends)} solutions: R^2 = {fit.r_squared:.3f} "
        f"({fit.r_squared_interval[0]:.3f} to {fit.r_squared_interval[1]:.3f}), slope {fit.slope:.3g}"
    )

    # the block's runs, whose whole parameters were recorded along the way
    runs, endpoint_errors = [], []
    for eta, B, realization in p["block"]:
        for path in by_cell[eta, B]:
            found = storage.read(path)
            if "checkpoint" in found and realization in found["checkpoint"]:
                c = list(found["checkpoint"]).index(realization)
                runs.append({name: found[f"checkpoint_{name}"][c] for name in network.names()})
                endpoint_errors.append(found["test_error"][list(found["realization"]).index(realization), -1])
                points = len(found["iteration"])
    block_jaccard = similarity.jaccard(np.array(endpoint_errors))
    path_pairs = [similarity.nearest_pair(block_jaccard, target) for target in p["similarity"]]
    path_loss = np.empty((len(path_pairs), points, len(alpha)))
    for k, (i, j) in enumerate(path_pairs):
        pair = f"{p['block'][i]} and {p['block'][j]}"
        log.info(f"pair nearest to Sim_J {p['similarity'][k]}: {pair}, {block_jaccard[i, j]:.3f}")
        for t in range(points):
            theta = tuple({name: array[t] for name, array in runs[end].items()} for end in (i, j))
            z = tuple(interpolation.first_preactivation(one, inputs) for one in theta)
            path_loss[k, t] = interpolation.line_loss(network, theta, z, labels, alpha)

    chosen = np.array(path_pairs)
    rate = np.array([float(eta) for eta, _, _ in p["block"]])
    size = np.array([B for _, B, _ in p["block"]])
    variables = {
        "alpha": Variable(("alpha",), alpha, "interpolation coefficient alpha of Eq. 5"),
        "pair_similarity": Variable(("pair",), x, "Jaccard similarity of the pair, Eq. 4"),
        "pair_barrier": Variable(("pair",), height, "loss barrier of the pair, Eq. 5", "nat"),
        "pair_solution": Variable(("pair", "end"), pairs, "the pair's solutions, numbered among the converged ones"),
        "slope": Variable((), fit.slope, "slope of barrier against similarity", "nat"),
        "intercept": Variable((), fit.intercept, "intercept of barrier against similarity", "nat"),
        "r_squared": Variable((), fit.r_squared, "R^2 of the linear fit"),
        "slope_interval": Variable(
            ("bound",), np.array(fit.slope_interval), "95% bootstrap interval over solutions", "nat"
        ),
        "r_squared_interval": Variable(
            ("bound",), np.array(fit.r_squared_interval), "95% bootstrap interval over solutions"
        ),
        "time_fraction": Variable(("time",), np.linspace(0, 1, points), "t / t_max"),
        "path_loss": Variable(
            ("path", "time", "alpha"), path_loss, "training loss along the line at equal times", "nat"
        ),
        "path_barrier": Variable(("path", "time"), interpolation.barrier(path_loss), "loss barrier, Eq. 5", "nat"),
        "path_similarity": Variable(
            ("path",), block_jaccard[chosen[:, 0], chosen[:, 1]], "Jaccard similarity at the end, Eq. 4"
        ),
        "path_eta": Variable(("path", "end"), rate[chosen], "learning rates of the pair"),
        "path_B": Variable(("path", "end"), size[chosen], "batch sizes of the pair", "samples"),
    }
    storage.write(snakemake.output[0], variables, storage.provenance(p, snakemake.input.data))
