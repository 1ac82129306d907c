"""Made-up results of which every claim is known to be true or false."""

import json

import numpy as np

from sgd_valleys.claims import landscape, noise_trends
from sgd_valleys.claims.estimates import Sampling
from sgd_valleys.claims.verdict import Claim, Estimate, to_json
from sgd_valleys.measures import cell_maps
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation

RESAMPLES = 120


def sampling(resamples=RESAMPLES):
    """A new sampling, the same every time."""
    return Sampling(np.random.default_rng(1), resamples)


def claim(expected, value, low, high, p_value=None, key="made_up", paper="so", method="made up", **how):
    measured = Estimate(value, (low, high), "10 runs", method, 10, p_value, **how)
    return Claim(key, "II A", "Something | happens.", paper, expected, measured)


def content_of(sections):
    """The content of results/claims.json."""
    return json.loads(to_json(sections, {}))


def verdicts(claims):
    return {one.key: one.verdict for one in claims}


def barriers_of(height, solutions=40, noise=0.0):
    """Barriers that are a function of the similarity, of all pairs of some solutions on a line."""
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
        "path_barrier": np.stack([np.zeros(11), *[np.minimum(time / 0.2, 1)] * 10]),
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


def sweep_of(effect, scatter=0.05, runs=8):
    """Endings, freezing times and similarities that go with log(eta / B) by ``effect``, and otherwise scatter."""
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
    """Reduce a made-up sweep to what cell_maps.h5 holds, without correlations."""
    shape = endings["runs"].shape
    gradient_descent = endings["B"] == M
    endings = endings | {"gradient_descent": gradient_descent}
    measures = cell_maps.measures(endings, freezing["freezing_time"][0], similarity)
    runs = endings["runs"].ravel()
    return {
        "noise": cell_maps.noise(endings["eta"], endings["B"], gradient_descent),
        "eta_t_freeze_by_threshold": cell_maps.eta_t_freeze(endings["eta"], freezing["freezing_time"]),
        **{
            name: np.array([measure(cell, np.arange(count)) for cell, count in enumerate(runs)]).reshape(shape)
            for name, measure in measures.items()
        },
    }


def trends_of(values, rows=ETA, columns=BATCH):
    """What cell_maps.h5 holds of a quantity that every cell has exactly."""
    noise = rows[:, None] / columns
    correlation = rank_correlation(noise.ravel(), values.ravel())
    axes = np.array([axis_correlation(values, at, k) for k, at in enumerate((rows, 1 / columns))])
    known = {"noise": noise}
    for name in noise_trends.TRENDS:
        known |= {name: values, f"{name}_correlation": np.float64(correlation), f"{name}_axes": axes}
        known |= {f"{name}_interval": np.full(2, correlation), f"{name}_axes_interval": np.stack([axes, axes], axis=1)}
    return known


CELLS = {"violin_eta": 0.05, "quiet": (0.01, 50), "noisy": (0.05, 50), "images": 200}
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
    """Flatness that drops at once and then grows to ``end``."""
    return lambda time: np.where(time == 0, 2.0, 0.1 + (end - 0.1) * time / 2000)


def branches_of(effect, scatter=0.02, runs=20, seed=0):
    """Branches that get flatter, better and more similar by ``effect`` until the run freezes at 400.

    Every run's scatter is that of another one turned around, so that without an effect nothing is left on the mean.
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
    """Branches whose flatness and test losses go together about as tightly as the paper's do."""
    made, rng = branches_of(1), np.random.default_rng(1)
    flat = made["flatness"]
    for name in ("test_loss", "test_file_loss"):
        made[name] = -flat + np.sqrt(0.24 / 0.76) * flat.std() * rng.normal(size=flat.shape)
    return made


RATES = np.geomspace(0.01, 0.1, 6)


def diagram_of(effect, runs=2000, seed=0):
    """A phase diagram in which everything goes with log(eta sigma) by ``effect``, as so many runs show it."""
    rng = np.random.default_rng(seed)
    level = effect * np.log(RATES[:, None] * RATES / 1e-4) / np.log(100)
    share = rng.binomial(runs, 0.7 + 0.25 * level) / runs
    return {
        "eta": RATES,
        "sigma": RATES,
        "stable": np.ones(6, dtype=bool),
        "p_flat": share,
        "diverged": np.zeros((6, 6)),
        "freezing_time": (100 + 90 * level + rng.normal(size=(6, 6))) / RATES[:, None],
        "freezing_time_error": np.ones((6, 6)) / RATES[:, None],
        "freezing_y": 10 + 5 * level + 0.1 * rng.normal(size=(6, 6)),
        "freezing_y_error": np.full((6, 6), 0.1),
    }


def model(sign=1, final=(0.93, 0.94, 0.95)):
    """Closed forms and a course of simulation; ``sign`` -1 turns all that the paper says around."""
    along, delta_S = np.geomspace(0.1, 200, 300), np.geomspace(1e-6, 1, 13)
    course_S = np.array([1e-4, 5e-4, 1e-3])
    stationary = 0.6 + sign * (0.05 + 0.3 * (1 - np.exp(-along / (1e4 * course_S[:, None]))))
    x, gamma = np.linspace(-1, 1, 41), np.linspace(1, 1.2, 5)
    transient = 0.6 + sign * 0.01 * np.outer(gamma - 1, 14 + np.log(delta_S))
    y_freeze = (0 if sign > 0 else 300) + sign * 200 * delta_S**0.5
    y_freeze[-2:] = np.nan
    y, surface = np.linspace(0, 50, 26), np.linspace(-1, 1, 81)
    depth = sign * y / (y + 20) + (1 if sign < 0 else 0)
    loss = depth * np.minimum((np.abs(surface[:, None]) - 0.5) ** 2 * 4 - 1, 0)
    loss[surface > 0] *= 1 if sign > 0 else 0.8  # a valley less deep than the other
    theory = {
        "tau_x_max": np.float64(0.32 if sign > 0 else 0.5),
        "tau_y_min": np.float64(41.84 if sign > 0 else 20.0),
        "p_flat_equilibrium": np.float64(0.6),
        "p_flat_boltzmann": np.float64(0.6 if sign > 0 else 0.55),
        "cut_x": x,
        "cut_loss": (np.abs(x) - 0.5) ** 2,
        "cut_L_SGD": -sign * 0.1 * np.sign(x),
        "along": along,
        "course_delta_S": course_S,
        "p_flat_stationary": stationary,
        "delta_S": delta_S,
        "gamma": gamma,
        "p_flat_transient": transient,
        "p_flat_transient_here": np.full(13, 0.94 if sign > 0 else 0.5),
        "y_freeze": y_freeze,
        "x": surface,
        "y": y,
        "loss": loss,
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


def scaled_sweep():
    """A sweep that has the ends of the paper's colour scales, and the paper's freezing time."""
    endings, similarity, freezing = sweep_of(1, scatter=0.001, runs=20)
    level = (endings["flatness"] - 3) / 2
    endings["flatness"], endings["test_accuracy"] = 1.66 + 4.31 * level, 0.895 + 0.035 * level
    freezing["freezing_time"][0, 3, 1] = 440
    return endings, similarity, freezing


def strange_sweep():
    """A sweep in which flat cells are the inaccurate ones, a long transient is a sharp end, and losses differ."""
    endings, similarity, freezing = sweep_of(1, runs=20)
    endings["test_accuracy"] = 0.5 - 0.01 * endings["flatness"]
    freezing["freezing_time"] = np.stack([5000 - 100 * endings["flatness"]] * 2) / ETA[:, None, None]
    endings["flatness"] = 20 + endings["flatness"]
    endings["train_loss"] = 0.003 * (1 + np.arange(4.0))[:, None] * np.ones((4, 4, 20))
    endings["converged"][3, 0] = False
    similarity["jaccard"] = 1.5 - similarity["jaccard"]  # noisy runs are similar
    return endings, similarity, freezing


def landscape_claims(height, loss=0.003, **how):
    """Claims about a landscape whose barriers are a function of the similarity."""
    made, endings = barriers_of(height, **how), endings_of(loss)
    return landscape.collect(made, BLOCK, endings, sampling, (0.95, 0.625))
