"""Loss barriers between solutions: between many endpoints (Fig. 1E), and along training (Fig. 1C, D)."""

from sgd_valleys.workflow.job import job

import numpy as np
from scipy.stats import spearmanr

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures import similarity
from sgd_valleys.measures.paths import barrier, line_loss_along_training, pair_barriers
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.progress import Progress
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.fits import fit_line, fit_pairs
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    network, samples = load_network_and_samples(snakemake.input.data, settings, ["train"])
    M = len(samples["train"][1])
    alpha = np.linspace(0, 1, settings["points"])

    converged = {}  # file, parameters at the end, and misclassified test samples, by (eta, B, realization)
    for path in snakemake.input.train:
        train = hdf5.read_attributes(path)
        runs = hdf5.read(path, ["realization", "iteration", "train_accuracy", "test_error"])
        final = read_parameters(path, "final")
        for r in np.flatnonzero(runs["train_accuracy"][:, -1] == 1):
            parameters = {name: array[r] for name, array in final.items()}
            run = float(train["eta"]), int(train["B"]), int(runs["realization"][r])
            converged[run] = path, parameters, runs["test_error"][r, -1].copy()
    number = {run: k for k, run in enumerate(sorted(converged))}
    if len(number) < 3:
        log.warning(
            f"experiments.{snakemake.wildcards.experiment}.sweep: {len(number)} runs reach training accuracy 1, too "
            "few for a relation of barrier and similarity, which is NaN. Train for longer (eta_T), or widen the sweep."
        )
    files, solutions, errors = ([converged[run][k] for run in number] for k in range(3))
    jaccard = similarity.jaccard(np.array(errors).reshape(len(number), runs["test_error"].shape[-1]))

    # Fig. 1E: pairs of all converged runs; for each realization, all pairs of the runs in the cells of Fig. 1's block
    pairs = similarity.sample_pairs(len(number), settings["pairs"], stream(settings["seed"], Stage.PAIRS))
    block_cells = [(float(eta), B) for eta, B, _ in settings["block"]]
    deterministic, starts = settings.get("deterministic", [M]), settings.get("initializations", 1)
    blocks = similarity.pairs_by_realization(list(number), block_cells, deterministic, starts)
    blocks = [block if len(block) > 2 else block[:0] for block in blocks]  # fewer pairs have no R^2
    all_pairs = np.concatenate([pairs, *blocks])
    progress = Progress(len(all_pairs), "pairs", log)
    barriers = np.empty(0)
    if len(all_pairs):
        barriers = pair_barriers(network, solutions, all_pairs, samples["train"], alpha, progress, loss)
    pair_barrier, *block_barriers = np.split(barriers, np.cumsum([len(pairs), *map(len, blocks)])[:-1])
    pair_similarity = jaccard[tuple(pairs.T)]
    rng = stream(settings["seed"], Stage.BOOTSTRAP)
    fit = fit_pairs(pairs, pair_similarity, pair_barrier, rng, settings["resamples"])
    # statistics.rank.rank_correlation differs from SciPy's in the last bits
    rank_correlation = float(spearmanr(pair_similarity, pair_barrier).statistic) if len(pairs) > 2 else np.nan
    block_fits = np.full((len(blocks), 3), np.nan)  # slope, intercept and R^2 of each realization
    for r, (block, heights) in enumerate(zip(blocks, block_barriers, strict=True)):
        if len(block):
            block_fits[r] = fit_line(jaccard[tuple(block.T)], heights)
    log.info(
        f"{len(pairs)} pairs of {len(number)} solutions: R^2 = {fit.r_squared:.3f} "
        f"({fit.r_squared_interval[0]:.3f} to {fit.r_squared_interval[1]:.3f}), slope {fit.slope:.3g}, "
        f"rank correlation {rank_correlation:.3f}"
    )
    if np.isfinite(block_fits).any():
        low, median, high = np.nanquantile(block_fits[:, 2], [0, 0.5, 1])
        log.info(f"R^2 over the pairs of the block, by realization: median {median:.3f}, {low:.3f} to {high:.3f}")

    # Fig. 1C, D: along training, between the converged runs of Fig. 1's block, which have checkpoints at all times
    block_runs = [run for eta, B, r in settings["block"] if (run := (float(eta), B, r)) in number]
    members = [number[run] for run in block_runs]
    block_jaccard = jaccard[np.ix_(members, members)]
    path_pairs = similarity.select_pairs(block_jaccard, settings["similarity"])
    along = {}
    for k in np.unique(path_pairs).tolist():
        path = files[members[k]]
        along[k] = read_parameters(path, "checkpoint", hdf5.position(path, "checkpoint", block_runs[k][2]))
    times = len(runs["iteration"])
    progress = Progress(len(path_pairs) * times, "lines along training", log)
    path_loss = line_loss_along_training(
        network, along, path_pairs, samples["train"], alpha, progress, times=times, loss=loss
    )

    eta, B = np.array([eta for eta, _, _ in block_runs]), np.array([B for _, B, _ in block_runs], dtype=int)
    realization, bound, ends, lines = ("realization",), ("bound",), ("path", "end"), ("path", "time", "alpha")
    path_similarity = block_jaccard[tuple(path_pairs.T)]
    interval = "95% bootstrap interval over solutions"
    variables = {
        "alpha": Variable(("alpha",), alpha, "interpolation coefficient alpha of Eq. 5"),
        "pair_similarity": Variable(("pair",), pair_similarity, "Jaccard similarity of the pair, Eq. 4"),
        "pair_barrier": Variable(("pair",), pair_barrier, "loss barrier of the pair, Eq. 5", "nat"),
        "pair_solution": Variable(("pair", "end"), pairs, "the pair's solutions, numbered among the converged ones"),
        "slope": Variable((), fit.slope, "slope of barrier against similarity", "nat"),
        "intercept": Variable((), fit.intercept, "intercept of barrier against similarity", "nat"),
        "r_squared": Variable((), fit.r_squared, "R^2 of the linear fit"),
        "slope_interval": Variable(bound, fit.slope_interval, interval, "nat"),
        "r_squared_interval": Variable(bound, fit.r_squared_interval, interval),
        "rank_correlation": Variable((), rank_correlation, "Spearman's rank correlation of barrier and similarity"),
        **coordinates(realization=np.arange(len(blocks))),
        "block_slope": Variable(realization, block_fits[:, 0], "slope over the pairs of the block's cells", "nat"),
        "block_r_squared": Variable(realization, block_fits[:, 2], "R^2 over the pairs of the block's cells"),
        "time_fraction": Variable(("time",), np.linspace(0, 1, times), "t / t_max"),
        "path_loss": Variable(lines, path_loss, "training loss along the line at equal times", "nat"),
        "path_barrier": Variable(lines[:2], barrier(path_loss), "loss barrier, Eq. 5", "nat"),
        "path_similarity": Variable(("path",), path_similarity, "Jaccard similarity at the end, Eq. 4"),
        "path_solution": Variable(ends, path_pairs, "the pair's runs, numbered in Fig. 1's block as they converge"),
        "path_eta": Variable(ends, eta[path_pairs], "learning rates of the pair, first at alpha = 1"),
        "path_B": Variable(ends, B[path_pairs], "batch sizes of the pair, first at alpha = 1", "samples"),
    }
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), provenance.attributes(settings, snakemake.input.data))
