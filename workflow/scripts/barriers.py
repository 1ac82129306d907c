"""Compute loss barriers (Eq. 5) between many endpoints (Fig. 1E), and between two runs along training (Fig. 1C, D)."""

from sgd_valleys.workflow.job import job

import numpy as np
from scipy.stats import spearmanr

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import select_first
from sgd_valleys.measures import similarity
from sgd_valleys.measures.paths import barrier, chord_height, line_loss_along_training, pair_lines
from sgd_valleys.measures.solutions import converged_solutions, solution_similarity
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
    images = select_first(samples["train"], settings.get("per_class"), "barriers.per_class")
    M = len(samples["train"][1])
    alpha = np.linspace(0, 1, settings["points"])

    converged = converged_solutions(snakemake.input.train)
    number = {solution.run: k for k, solution in enumerate(converged)}
    if len(number) < 3:
        log.warning(
            f"experiments.{snakemake.wildcards.experiment}.sweep: {len(number)} runs reach training accuracy 1, too "
            "few for a relation of barrier and similarity, which is NaN; allowed are at least 3; raise sweep.eta_T, or "
            "extend the sweep."
        )
    jaccard = solution_similarity(converged)

    # Fig. 1E: random pairs of all converged runs, and for each realization all pairs of the cells of Fig. 1's block
    pairs = similarity.sample_pairs(len(number), settings["pairs"], stream(settings["seed"], Stage.PAIRS))
    block_cells = [(float(eta), B) for eta, B, _ in settings["block"]]
    deterministic, starts = settings.get("deterministic", [M]), settings.get("initializations", 1)
    blocks = similarity.pairs_by_realization(list(number), block_cells, deterministic, starts)
    blocks = [block if len(block) > 2 else block[:0] for block in blocks]  # R^2 needs at least three pairs
    all_pairs = np.concatenate([pairs, *blocks])
    progress = Progress(len(all_pairs), "pairs", log)
    solutions = [solution.parameters for solution in converged]
    line_loss = pair_lines(network, solutions, all_pairs, images, alpha, progress, loss)
    barriers, heights_above_chord = barrier(line_loss), chord_height(line_loss, alpha)
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

    drawn = np.concatenate([pairs[:0], *blocks])
    drawn_of = np.repeat(np.arange(len(blocks)), list(map(len, blocks)))  # realization of each pair

    # Fig. 1C, D: along training, between converged runs of Fig. 1's block, which have checkpoints at all times
    block_runs = [run for eta, B, r in settings["block"] if (run := (float(eta), B, r)) in number]
    members = [number[run] for run in block_runs]
    block_jaccard = jaccard[np.ix_(members, members)]
    path_pairs = similarity.select_pairs(block_jaccard, settings["similarity"])
    along = {}
    for k in np.unique(path_pairs).tolist():
        path = converged[members[k]].path
        along[k] = read_parameters(path, "checkpoint", hdf5.position(path, "checkpoint", block_runs[k][2]))
    times = len(hdf5.read(snakemake.input.train[0], ["iteration"])["iteration"])
    progress = Progress(len(path_pairs) * times, "lines along training", log)
    path_loss = line_loss_along_training(network, along, path_pairs, images, alpha, progress, times=times, loss=loss)

    eta, B = np.array([eta for eta, _, _ in block_runs]), np.array([B for _, B, _ in block_runs], dtype=int)
    numbers = np.array([r for _, _, r in block_runs], dtype=int)
    realization, bound, ends, lines = ("realization",), ("bound",), ("path", "end"), ("path", "time", "alpha")
    path_similarity = block_jaccard[tuple(path_pairs.T)]
    interval = "95% bootstrap interval over solutions"
    variables = {
        "alpha": Variable(("alpha",), alpha, "interpolation coefficient alpha of Eq. 5"),
        "pair_similarity": Variable(("pair",), pair_similarity, "Jaccard similarity of the pair, Eq. 4"),
        "pair_barrier": Variable(("pair",), pair_barrier, "loss barrier of the pair, Eq. 5", "nat"),
        "pair_chord_height": Variable(
            ("pair",), heights_above_chord[: len(pairs)], "height of the loss above the chord", "nat"
        ),
        "pair_solution": Variable(("pair", "end"), pairs, "the pair's solutions, numbered among the converged ones"),
        "slope": Variable((), fit.slope, "slope of barrier against similarity", "nat"),
        "intercept": Variable((), fit.intercept, "intercept of barrier against similarity", "nat"),
        "r_squared": Variable((), fit.r_squared, "R^2 of the linear fit"),
        "slope_interval": Variable(bound, fit.slope_interval, interval, "nat"),
        "r_squared_interval": Variable(bound, fit.r_squared_interval, interval),
        "rank_correlation": Variable((), rank_correlation, "Spearman's rank correlation of barrier and similarity"),
        **coordinates(realization=np.arange(len(blocks))),
        "block_slope": Variable(realization, block_fits[:, 0], "slope over the pairs of the block's cells", "nat"),
        "block_intercept": Variable(realization, block_fits[:, 1], "intercept of the same line", "nat"),
        "block_pair_similarity": Variable(("block_pair",), jaccard[tuple(drawn.T)], "Jaccard similarity, Eq. 4"),
        "block_pair_barrier": Variable(
            ("block_pair",), np.concatenate([barriers[:0], *block_barriers]), "loss barrier, Eq. 5", "nat"
        ),
        "block_pair_chord_height": Variable(
            ("block_pair",), heights_above_chord[len(pairs) :], "height of the loss above the chord", "nat"
        ),
        "block_pair_realization": Variable(("block_pair",), drawn_of, "realization of the pair's runs"),
        "block_r_squared": Variable(realization, block_fits[:, 2], "R^2 over the pairs of the block's cells"),
        "time_fraction": Variable(("time",), np.linspace(0, 1, times), "t / t_max"),
        "path_loss": Variable(lines, path_loss, "training loss along the line at equal times", "nat"),
        "path_barrier": Variable(lines[:2], barrier(path_loss), "loss barrier, Eq. 5", "nat"),
        # early in training the ends have unequal losses, and a monotonic slope then counts as a barrier in Eq. 5
        "path_chord_height": Variable(
            lines[:2], chord_height(path_loss, alpha), "height of the loss above the chord at equal times", "nat"
        ),
        "path_similarity": Variable(("path",), path_similarity, "Jaccard similarity at the end, Eq. 4"),
        "path_solution": Variable(ends, path_pairs, "the pair's runs, numbered in Fig. 1's block as they converge"),
        "path_eta": Variable(ends, eta[path_pairs], "learning rates of the pair, first at alpha = 1"),
        "path_realization": Variable(ends, numbers[path_pairs], "realizations of the pair, first at alpha = 1"),
        "path_B": Variable(ends, B[path_pairs], "batch sizes of the pair, first at alpha = 1", "samples"),
    }
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), provenance.attributes(settings, snakemake.input.data))
