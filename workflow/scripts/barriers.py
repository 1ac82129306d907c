"""Loss barriers between solutions: between many endpoints (Fig. 1E), and along training (Fig. 1C, D)."""

from functools import lru_cache

import numpy as np
from scipy.stats import spearmanr

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.errors import UserError
from sgd_valleys.measures import similarity
from sgd_valleys.measures.paths import barrier, line_loss
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.fits import fit_line, fit_pairs
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import files_by_cell, read_cells
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

PREACTIVATIONS = 2**30  # bytes of the first layer's preactivations to keep: of all solutions, where they are small

with job(snakemake) as log:
    p = snakemake.params.settings
    network, samples = load_network_and_samples(snakemake.input.data, p, ["train"])
    inputs, labels = samples["train"]
    alpha = np.linspace(0, 1, p["points"])
    by_cell = files_by_cell(snakemake.input.train)

    ends, errors, number = [], [], {}  # of the converged runs: parameters, wrong test samples, place by (eta, B, r)
    for (eta, B), paths in by_cell.items():
        final = [f"final_{name}" for name in network.names()]
        (run,) = read_cells(paths, ["train_accuracy", "test_error", *final]).values()
        for r in np.flatnonzero(run["train_accuracy"][:, -1] == 1):
            number[eta, B, int(run["realization"][r])] = len(ends)
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
    pairs = np.stack([index[np.sort(drawn)] for index in np.triu_indices(len(ends), k=1)], axis=1)

    # every pair of the block's cells as well, one realization of the sweep at a time: Fig. 1E of one realization
    realizations = np.arange(max(r for _, _, r in number) + 1)
    blocks = []
    for r in realizations:
        runs = [(float(eta), B, 0 if len(labels) == B else int(r)) for eta, B, _ in p["block"]]
        members = np.array([number[run] for run in runs if run in number], dtype=int)
        blocks.append(members[np.stack(np.triu_indices(len(members), k=1), axis=1)])

    each = network.first_preactivation(ends[0], inputs).nbytes

    @lru_cache(max(2, PREACTIVATIONS // each))
    def preactivation(k: int) -> np.ndarray:
        """Of the first layer, of solution k."""
        return network.first_preactivation(ends[k], inputs)

    progress = Progress(len(pairs) + sum(map(len, blocks)), "pairs", log)

    def heights(pairs: np.ndarray) -> np.ndarray:
        """Barriers (pair) between the solutions of pairs (pair, 2)."""
        found = np.empty(len(pairs))
        for k, (i, j) in enumerate(pairs):
            line = line_loss(network, (ends[i], ends[j]), (preactivation(i), preactivation(j)), labels, alpha)
            found[k] = barrier(line)
            progress()
        return found

    x, height = jaccard[tuple(pairs.T)], heights(pairs)
    fit = fit_pairs(pairs, x, height, stream(p["seed"], Stage.BOOTSTRAP), p["resamples"])
    rank_correlation = float(spearmanr(x, height).statistic)
    log.info(
        f"{len(x)} pairs of {len(ends)} solutions: R^2 = {fit.r_squared:.3f} "
        f"({fit.r_squared_interval[0]:.3f} to {fit.r_squared_interval[1]:.3f}), slope {fit.slope:.3g}, "
        f"rank correlation {rank_correlation:.3f}"
    )
    block_fits = np.full((len(realizations), 2), np.nan)
    for r, block in enumerate(blocks):
        if len(block) > 2:
            slope, _, r_squared = fit_line(jaccard[tuple(block.T)], heights(block))
            block_fits[r] = slope, r_squared
    if np.isfinite(block_fits).any():
        low, median, high = np.nanquantile(block_fits[:, 1], [0, 0.5, 1])
        log.info(f"R^2 over the block's pairs, one realization each: median {median:.3f}, {low:.3f} to {high:.3f}")

    # along training, between the converged runs of Fig. 1's block, whose whole parameters were recorded on the way:
    # the pairs that are shown, then all others whose similarity is at most the least of those asked for
    followed = [run for eta, B, r in p["block"] if (run := (float(eta), B, r)) in number]
    members = [number[run] for run in followed]
    block_jaccard = jaccard[np.ix_(members, members)]
    path_pairs = [pair for target in p["similarity"] if (pair := similarity.nearest_pair(block_jaccard, target))]
    dissimilar = np.argwhere(np.triu(block_jaccard <= min(p["similarity"]), k=1)).tolist()
    path_pairs += [pair for pair in map(tuple, dissimilar) if pair not in path_pairs]

    def along(run: tuple[float, int, int]) -> dict[str, np.ndarray]:
        """All parameters (time, ...) of a run at every recorded time."""
        eta, B, realization = run
        (path,) = (path for path in by_cell[eta, B] if realization in hdf5.read(path, ["realization"])["realization"])
        place = hdf5.position(path, "checkpoint", realization)
        found = hdf5.read(path, [f"checkpoint_{name}" for name in network.names()], place)
        return {name: found[f"checkpoint_{name}"] for name in network.names()}

    runs = {k: along(followed[k]) for k in sorted({k for pair in path_pairs for k in pair})}
    points = len(hdf5.read(snakemake.input.train[0], ["iteration"])["iteration"])
    path_loss = np.empty((len(path_pairs), points, len(alpha)))
    progress = Progress(path_loss[..., 0].size, "lines along training", log)
    for t in range(points):
        now = {k: {name: array[t] for name, array in run.items()} for k, run in runs.items()}
        z = {k: network.first_preactivation(theta, inputs) for k, theta in now.items()}
        for k, (i, j) in enumerate(path_pairs):
            path_loss[k, t] = line_loss(network, (now[i], now[j]), (z[i], z[j]), labels, alpha)
            progress()

    chosen = np.array(path_pairs, dtype=int).reshape(-1, 2)
    rate = np.array([float(eta) for eta, _, _ in followed])
    size = np.array([B for _, B, _ in followed], dtype=int)
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
        "rank_correlation": Variable((), rank_correlation, "Spearman's rank correlation of barrier and similarity"),
        "realization": Variable(("realization",), realizations, "realization (order of the minibatches)"),
        "block_slope": Variable(("realization",), block_fits[:, 0], "slope over the pairs of the block's cells", "nat"),
        "block_r_squared": Variable(("realization",), block_fits[:, 1], "R^2 over the pairs of the block's cells"),
        "time_fraction": Variable(("time",), np.linspace(0, 1, points), "t / t_max"),
        "path_loss": Variable(
            ("path", "time", "alpha"), path_loss, "training loss along the line at equal times", "nat"
        ),
        "path_barrier": Variable(("path", "time"), barrier(path_loss), "loss barrier, Eq. 5", "nat"),
        "path_similarity": Variable(
            ("path",), block_jaccard[chosen[:, 0], chosen[:, 1]], "Jaccard similarity at the end, Eq. 4"
        ),
        "path_solution": Variable(
            ("path", "end"), chosen, "the pair's runs, numbered in Fig. 1's block as they converge"
        ),
        "path_eta": Variable(("path", "end"), rate[chosen], "learning rates of the pair, first at alpha = 1"),
        "path_B": Variable(("path", "end"), size[chosen], "batch sizes of the pair, first at alpha = 1", "samples"),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data))
