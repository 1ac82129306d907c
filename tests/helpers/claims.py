"""Synthetic results for which the verdict of every claim is known."""

import json

import numpy as np

from sgd_valleys.claims.estimates import Sampling
from sgd_valleys.claims.statements import pair
from sgd_valleys.claims.verdict import Claim, Estimate, Statement, correct_p_values, to_json
from sgd_valleys.measures import cell_maps
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation

RESAMPLES = 120
WORDS = {  # numbers that fill the placeholders of the statements
    **dict(similar=0.95, dissimilar=0.625, N=10, noisy=(0.05, 50), quiet=(0.01, 50), violin_eta=0.05),
    **dict(senses_B=10, senses_eta=0.02, level=0.005, reference=(0.05, 50), freezing_eta=0.02, start=0.05),
    **dict(branch_eta=0.05, same_basin=0.9, early=20, equilibrium=0.6, other="fashion", starts_B=20),
}


def sampling(resamples=RESAMPLES):
    """Return a new sampling with a fixed seed."""
    return Sampling(np.random.default_rng(1), resamples)


def claim(expected, value, low, high, p_value=None, key="made_up", effect="so", unit="1", section="First", **how):
    """Return a claim whose permutation test is the only one of its table."""
    measured = Estimate(value, (low, high), "10 runs", "made up", 10, p_value, **how)
    stated = Statement(key, effect, section, "II A", "Something | happens.", "so", unit, expected)
    return correct_p_values([Claim(stated, measured)])[0]


def content_of(claims):
    """Return the content of results/claims.json."""
    return json.loads(to_json(claims, {}))


def verdicts(measured):
    """Return the verdicts of claims by key, each with the only permutation test of its table; numbers have none."""
    judged = [correct_p_values(pair({key: each}, WORDS))[0] for key, each in measured.items()]
    return {each.key: each.verdict for each in judged if each.stated.expected is not None}


def barriers_of(height, solutions=40, noise=0.0):
    """Return barriers of all pairs of solutions on a line, as the function ``height`` of the similarity, with noise."""
    rng = np.random.default_rng(3)
    place = rng.uniform(0, 0.5, solutions)
    pairs = np.stack(np.triu_indices(solutions, k=1), axis=1)
    x = 1 - np.abs(place[pairs[:, 0]] - place[pairs[:, 1]])
    y = height(x) + noise * rng.normal(size=len(x))
    time = np.linspace(0, 1, 11)
    return {
        "pair_similarity": x,
        "pair_barrier": y,
        "pair_solution": pairs,
        "block_slope": np.full(20, -0.2),
        "block_r_squared": np.linspace(0.3, 0.8, 20),
        "path_similarity": np.array([0.95] + [0.62] * 10),
        "path_chord_height": np.stack([np.zeros(11), *[np.minimum(time / 0.2, 1)] * 10]),
        "path_barrier": np.ones((11, 11)),
        "path_solution": np.concatenate([[[0, 1]], np.stack(np.triu_indices(5, k=1), axis=1)]),
        "time_fraction": time,
    }


BLOCK = {"block_eta": np.array([0.01, 0.05]), "block_B": np.array([20, 10])}


def endings_of(loss=0.003):
    return {
        "eta": np.array([0.01, 0.05]),
        "B": np.array([10, 20]),
        "gradient_descent": np.zeros(2, dtype=bool),
        "runs": np.full((2, 2), 10),
        "converged": np.ones((2, 2, 10), dtype=bool),
        "train_loss": np.full((2, 2, 10), loss),
    }


ETA, BATCH = np.array([0.005, 0.01, 0.02, 0.05]), np.array([20, 50, 100, 200])
M = 1000  # training samples: no batch size is gradient descent


IMAGES = 4000


def errors_of(endings):
    """Return misclassified images for the accuracies of ``endings``; a less accurate run misclassifies more images."""
    difficulty = (np.arange(IMAGES) + 0.5) / IMAGES
    accuracies = {"test_error": "test_accuracy", "test_file_error": "test_file_accuracy"}
    return {error: difficulty > endings[accuracy][..., None] for error, accuracy in accuracies.items()}


def sweep_of(effect, scatter=0.05, runs=8):
    """Return endings, similarities and freezing times that follow ``effect`` times log(eta / B), with scatter."""
    rng = np.random.default_rng(5)
    level = np.log(ETA[:, None] / BATCH)[..., None] + np.zeros(runs)
    level = effect * (level - level.min()) / np.ptp(level)

    def scattered():
        return level + scatter * rng.normal(size=level.shape)

    endings = {
        "eta": ETA,
        "B": BATCH,
        "gradient_descent": np.zeros(4, dtype=bool),
        "runs": np.full((4, 4), runs),
        "converged": np.ones(level.shape, dtype=bool),
        "flatness": 3 + 2 * scattered(),
        "test_accuracy": 0.9 + 0.01 * scattered(),
        "train_loss": 0.003 + 0.0001 * scattered(),
        "diverged": np.zeros(level.shape, dtype=bool),
    }
    endings["test_file_accuracy"] = 0.9 + 0.01 * scattered()
    endings |= errors_of(endings)
    time = 40 + 20 * scattered()
    freezing = {
        "eta": ETA,
        "B": BATCH,
        "threshold": np.array([0.1, 0.2]),
        "freezing_time": np.stack([time, 0.7 * time]) / ETA[:, None, None],
    }
    cells = [(i, j, r) for i in range(4) for j in range(4) for r in range(runs)]
    level_of_solution = np.array(
        [1 - 0.2 * max(effect, 0) * level[i, j, r] + 0.2 * min(effect, 0) for i, j, r in cells]
    )
    jaccard = (level_of_solution[:, None] + level_of_solution) / 2 + scatter * 0.1 * rng.normal(size=(len(cells),) * 2)
    similarity = {
        "solution_eta": np.array([ETA[i] for i, _, _ in cells]),
        "solution_B": np.array([BATCH[j] for _, j, _ in cells]),
        "jaccard": np.where(np.eye(len(cells), dtype=bool), 1.0, (jaccard + jaccard.T) / 2),
    }
    return endings, similarity, freezing


def maps_of(endings, similarity, freezing):
    """Return the arrays of cell_maps.h5 for a synthetic sweep, without correlations."""
    shape = endings["runs"].shape
    gradient_descent = endings["B"] == M
    endings = endings | {"gradient_descent": gradient_descent}
    measures = cell_maps.measures(endings, freezing["freezing_time"][0], similarity)
    runs = endings["runs"].ravel()
    return {
        "B": endings["B"],
        "gradient_descent": gradient_descent,
        "noise": cell_maps.noise(endings["eta"], endings["B"], M),
        "eta_t_freeze_by_threshold": cell_maps.eta_t_freeze(endings["eta"], freezing["freezing_time"]),
        **{
            name: np.array([measure(cell, np.arange(count)) for cell, count in enumerate(runs)]).reshape(shape)
            for name, measure in measures.items()
        },
    }


def trends_of(values, rows=ETA, columns=BATCH):
    """Return the arrays of cell_maps.h5 for a quantity with exactly one value per cell."""
    axes = np.array([axis_correlation(values, at, k) for k, at in enumerate((rows, 1 / columns))])
    known = {"B": columns, "gradient_descent": columns == 200, "noise": cell_maps.noise(rows, columns, M)}
    for name in cell_maps.TRENDS:
        correlation = np.float64(rank_correlation(known["noise"].ravel(), values.ravel()))
        known |= {f"{name}_correlation": correlation, f"{name}_interval": np.full(2, correlation)}
        known |= {name: values, f"{name}_axes": axes, f"{name}_axes_interval": np.stack([axes, axes], axis=1)}
        known |= {f"{name}_descent": np.float64(0.25), f"{name}_descent_interval": np.array([0.1, 0.4])}
    return known


CELLS = {"violin_eta": 0.05, "quiet": (0.01, 50), "noisy": (0.05, 50)}
FREEZING = {"eta": 0.02, "reference": (0.05, 50)}


def course(flatness, loss=None, accuracy=None, runs=6):
    time = np.arange(0, 2001, 20)
    scatter = 1 + 0.01 * np.random.default_rng(0).normal(size=(runs, 1))
    loss = np.exp(-time / 100) if loss is None else loss
    accuracy = np.minimum(1, 0.99 + time / 1e5) if accuracy is None else accuracy
    return {
        "iteration": time,
        "flatness": flatness(time) * scatter,
        "train_loss": np.tile(loss, (runs, 1)),
        "train_accuracy": np.tile(accuracy, (runs, 1)),
    }


def growing(end):
    """Return a flatness of time that drops after the first point and then grows to ``end``."""
    return lambda time: np.where(time == 0, 2.0, 0.1 + (end - 0.1) * time / 2000)


def branches_of(effect, scatter=0.02, runs=20, seed=0):
    """Return branches that get flatter, better and more similar by ``effect`` until the run freezes at t_c = 400.

    The scatter of one half of the runs is the negative of that of the other half, so that the mean scatter is 0.
    """
    rng = np.random.default_rng(seed)
    t_c = np.arange(0, 1001, 20)
    way = effect * np.minimum(t_c / 400, 1)

    def scattered():
        half = rng.normal(size=(runs // 2, len(t_c)))
        return way + scatter * np.concatenate([half, -half])

    gap = rng.normal(size=runs // 2)
    freezing = np.full(runs, 400.0)
    return {
        "t_c": t_c,
        "flatness": 2 + scattered(),
        "test_loss": 0.5 - 0.1 * scattered(),
        "test_file_loss": 0.5 - 0.1 * scattered(),
        "similarity_to_last": np.clip(0.6 + 0.4 * scattered(), 0, 1),
        "freezing_time": freezing,
        "basin_freezing_time": freezing - 100 * effect,
        "similarity_before": np.full(runs, 0.8),
        "similarity_after": 0.8 + 0.19 * effect + scatter * np.concatenate([gap, -gap]),
    }


def loosely_tied_branches():
    """Return branches whose flatness and test losses have about the correlation of the paper."""
    made, rng = branches_of(1), np.random.default_rng(1)
    flat = made["flatness"]
    for name in ("test_loss", "test_file_loss"):
        made[name] = -flat + np.sqrt(0.24 / 0.76) * flat.std() * rng.normal(size=flat.shape)
    return made


RATES = np.geomspace(0.01, 0.1, 6)


def diagram_of(effect, runs=2000, seed=0):
    """Return a phase diagram of ``runs`` runs whose quantities follow ``effect`` times log(eta sigma)."""
    rng = np.random.default_rng(seed)
    level = effect * np.log(RATES[:, None] * RATES / 1e-4) / np.log(100)
    share = rng.binomial(runs, 0.7 + 0.25 * level) / runs
    return {
        "eta": RATES,
        "sigma": RATES,
        "stable": np.ones(6, dtype=bool),
        "p_flat": share,
        "diverged": np.zeros((6, 6)),
        "changed": np.full((6, 6), 0.5),
        "enough_changes": np.ones((6, 6), dtype=bool),
        "frozen": np.ones((6, 6), dtype=bool),
        "freezing_time": (100 + 90 * level + rng.normal(size=(6, 6))) / RATES[:, None],
        "freezing_time_error": np.ones((6, 6)) / RATES[:, None],
        "freezing_y": 10 + 5 * level + 0.1 * rng.normal(size=(6, 6)),
        "freezing_y_error": np.full((6, 6), 0.1),
    }


def model(sign=1, final=(0.94, 0.94, 0.94)):
    """Return theory and simulated occupancy; ``sign`` -1 reverses all statements of the paper."""
    along, delta_S = np.geomspace(0.1, 200, 300), np.geomspace(1e-6, 1, 13)
    course_S = np.array([1e-4, 5e-4, 1e-3])
    stationary = 0.6 + sign * (0.05 + 0.3 * (1 - np.exp(-along / (1e4 * course_S[:, None]))))
    y_freeze = (0 if sign > 0 else 300) + sign * 200 * delta_S**0.5
    y_freeze[-2:] = np.nan
    theory = {
        "p_flat_equilibrium": np.float64(0.6),
        "p_flat_boltzmann": np.float64(0.55),
        "along": along,
        "course_delta_S": course_S,
        "p_flat_stationary": stationary,
        "delta_S": delta_S,
        "p_flat_transient_here": np.full(13, 0.94 if sign > 0 else 0.5),
        "y_freeze": y_freeze,
    }
    mean_y = np.tile(np.linspace(1, 30, 200), (3, 1))
    followed = np.stack([np.interp(mean_y[0], along, line) for line in stationary])
    share = np.where(followed < np.array(final)[:, None], followed, np.array(final)[:, None])
    share += 0 if sign > 0 else 0.2  # off the theory
    share[:, -1] = final
    occupancy = {
        "delta_S": course_S,
        "p_flat": share,
        "p_flat_error": np.full(share.shape, 0.007),
        "mean_y": mean_y,
    }
    return theory, occupancy


def frozen_sweep():
    """Return a sweep that has the freezing time of the paper."""
    endings, similarity, freezing = sweep_of(1, scatter=0.001, runs=20)
    freezing["freezing_time"][0, 3, 1] = 440
    return endings, similarity, freezing


def strange_sweep():
    """Return a sweep in which flat runs are inaccurate, a long transient ends sharp, and final losses differ."""
    endings, similarity, freezing = sweep_of(1, runs=20)
    endings["test_accuracy"] = 0.5 - 0.01 * endings["flatness"]
    endings |= errors_of(endings)
    freezing["freezing_time"] = np.stack([5000 - 100 * endings["flatness"]] * 2) / ETA[:, None, None]
    endings["flatness"] = 20 + endings["flatness"]
    endings["train_loss"] = 0.003 * (1 + np.arange(4.0))[:, None] * np.ones((4, 4, 20))
    endings["converged"][3, 0] = False
    similarity["jaccard"] = 1.5 - similarity["jaccard"]  # noisy runs are similar
    return endings, similarity, freezing


def jaccard_of(jumps, runs=6, alike=1.0, unlike=0.5):
    """Return Sim_J (run, t_c, t_c) of the branches of ``branches_of``, with a new basin after each t_c of ``jumps``."""
    basin = (np.arange(0, 1001, 20)[:, None] > np.array(jumps)).sum(axis=1)
    return np.tile(np.where(basin[:, None] == basin, alike, unlike), (runs, 1, 1))


def bounds(value, half):
    """Return a value with its bounds, in the form of the files of the controls."""
    return np.array([value, value - half, value + half])


def paths_of(connected, curves=8):
    """Return curves, ``connected`` of which connect their pair, and pairs, of which one is highly similar."""
    excess = np.where(np.arange(curves)[:, None] < connected, 0.001, 1.0) * np.ones((curves, 3))
    return {
        "pair_similarity": np.r_[0.5, 0.97, np.linspace(0.4, 0.9, curves - 1)],
        "curve_pair": np.arange(1, curves + 1),
        "curve_excess": excess,
    }


def control_of_valleys(growth):
    """Return the arrays of the file of control C5."""
    return {
        "threshold": np.float64(0.01),
        "connected_share": np.array([[np.nan] * 3, [np.nan] * 3, bounds(0.1, 0.1)]),
        "aligned_ratio": np.array([bounds(0.9, 0.05)] * 3),
        "growth": bounds(growth, 0.1),
        "path_height": np.ones((20, 11)),
        "path_at_freezing": np.full(20, 0.5),
    }


def control_of_rates(effect):
    """Return the arrays of the file of control C1; 6 of 9 measured runs are below the edge."""
    exponents = np.array([[0.2, 0.1]] * 3)
    return {
        "measured_eta": np.ones(9),
        "stable_effect": np.full(3, effect),
        "stable_effect_interval": effect + np.array([[-0.05, 0.05]] * 3),
        "stable_cells": np.array([6, 5, 4]),
        "exponent": exponents,
        "exponent_interval": exponents[:, None] + np.array([-0.01, 0.01])[:, None],
        "descent_exponent": exponents[:, :1],
        "descent_exponent_interval": exponents[:, None, :1] + np.array([-0.01, 0.01])[:, None],
    }


def control_of_shape(exponent, left):
    """Return the arrays of the file of control C2."""
    return {
        "freezing_time": np.full(5, 400.0),
        "cell_eta": np.float64(0.05),
        "cell_B": np.int64(50),
        "eigenvector_exponent": np.array([bounds(exponent, 0.05)] * 3),
        "mean_overlap": np.array([bounds(0.9, 0.01)] * 3),
        "isotropic_overlap": np.full((5, 4), 0.1),
        "factor_left": bounds(left, 0.05),
        "noise_left": bounds(left / 2, 0.05),
        "trace_ratio": bounds(1, 0.01),
    }


ARMS = {  # changed settings of the training of each arm
    "minibatch": {},
    "no_noise": {"noise": "none"},
    "isotropic": {"noise": "isotropic"},
    "covariance": {"noise": "covariance"},
    "stronger": {"noise": "isotropic", "noise_scale": 10.0},
    "until_freezing": {"schedule": [{"until": {"loss": 0.1}}, {"until": 1.0, "noise": "none"}]},
    "until_quarter": {"schedule": [{"until": 0.25}, {"until": 1.0, "noise": "none"}]},
    "from_quarter": {"schedule": [{"until": 0.25, "noise": "none"}, {"until": 1.0}]},
    "last": {"schedule": [{"until": 0.75, "noise": "none"}, {"until": 1.0}]},
}


def control_of_arms(**shares):
    """Return the arrays of the file of control C3.

    Args:
        shares: share of the effect of minibatches, by arm; 0.5 for other arms.
    """
    share = np.array([{"minibatch": 1.0, "no_noise": 0.0, **shares}.get(name, 0.5) for name in ARMS])
    half = 0.05 * (share != 1) * (share != 0) + 1e-3
    return {
        "runs": np.full(len(ARMS), 20),
        "share": share,
        "share_interval": np.stack([share - half, share + half]),
        "flatness_difference": 2 * (share - 1),
        "flatness_difference_interval": 2 * np.stack([share - half - 1, share + half - 1]),
    }


def control_of_senses(effect, share):
    """Return the arrays of the file of control C4, with an ``effect`` of noise and a ``share`` of F at t_freeze."""
    return {
        "B": np.array([10, 50, 1000]),
        "eta": np.float64(0.02),
        "noise": np.array([2e-3, 4e-4, 0]),
        "gradient_descent": np.array([False, False, True]),
        "level": np.array([0.1, 0.01, 0.001]),
        "level_ratio": np.stack([np.full((3, 3), 1 + effect) + k for k in (0, -0.1, 0.1)])
        * np.where(np.arange(3) == 2, np.nan, 1),  # the lowest loss is not reached
        "mean_freezing_share": bounds(share, 0.05),
        "freezing_share": np.full((3, 3), 0.1),
        "measure": np.array([b"flatness_10", b"first", b"second"]),
        "invariance": np.array([0, 2, 2]),
        "noise_correlation": np.array([bounds(0.9, 0.02), bounds(0.8, 0.1), bounds(effect, 0.1)]),
    }


def control_of_basins(trend, within):
    """Return the arrays of the file of control C6."""
    return {
        "run_eta": np.full(30, 0.05),
        "trend": np.array([trend, 0.9]),
        "trend_interval": np.array([[trend - 0.1, 0.8], [trend + 0.1, 1.0]]),
        "trend_null": np.array([[-0.3, -0.3], [0.3, 0.3]]),
        "within": np.array([within]),
        "within_interval": np.array([[within - 0.1], [within + 0.1]]),
        "within_null": np.array([[-0.3], [0.3]]),
        "ratio": np.array([0.7]),
        "ratio_interval": np.array([[0.6], [0.8]]),
    }


def control_of_starts(effect, loss, starts=5):
    """Return the arrays of the file of control C7: two learning rates, initializations and four sets of images."""
    scatter = np.linspace(-0.05, 0.05, starts + 4)
    return {
        "B": np.int64(20),
        "group_of_initializations": np.arange(starts + 4) < starts,
        "flatness_effect": np.exp(np.array([[0.5], [1.5]]) * np.log(effect) + scatter),
        "test_file_loss_effect": loss + np.array([[0.01], [-0.01]]) + 0.1 * scatter,
    }


def control_of_gamma(sign, runs=1000):
    """Return the arrays of the file of the two-valley control of gamma, and its values of gamma."""
    gamma = np.array([1.0, 1.05, 1.1, 1.2, 1.5])
    p_flat = 0.5 + sign * np.linspace(0, 0.4, 5)[:, None] * np.linspace(0.8, 1, 4)
    flat, finite = np.round(runs * p_flat), np.full((5, 4), runs)
    return {"p_flat": flat / runs, "flat": flat.astype(int), "finite": finite}, gamma
