"""Compare F at equal training loss, and correlate other measures of flatness with the noise (control C4).

The flatness F of Eq. 6 grows as the loss falls, even along gradient descent. The first part compares F at equal
training loss, and computes the share of the final F that a run has at t_freeze. The second part correlates every
stored measure of flatness with the noise and with the test loss.

The axis "estimate" holds a value and the lower and upper bound of its central 95% interval over runs.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sgd_valleys.controls.crossing import value_at_loss
from sgd_valleys.controls.text import format_known
from sgd_valleys.measures.flatness import flatness
from sgd_valleys.measures.flatness_measures import MEASURES
from sgd_valleys.measures.freezing import freezing_time
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import central_interval, draw_runs, interval, resample, take_runs
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation
from sgd_valleys.statistics.reduce import finite_mean
from sgd_valleys.storage import cells as stored_cells
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

LEVELS = (0.1, 0.03, 0.01, 0.005)  # training losses at whose first crossing F is compared, in nat
ALWAYS = (5, 9, 10)  # numbers N of eigenvalues in Eq. 6; the curvature files hold 10 eigenvalues by default
WHOLE = "_of_network"  # suffix of the names of measures in all parameters
RUNS_FOR_RANKS = 3  # smallest number of runs of a cell; two runs always have a rank correlation of 1 or -1
ESTIMATE = "value, and bounds of its 95% interval over runs"
KEY = 4  # of this control's random numbers


@dataclass(frozen=True)
class NoiseEffect:
    """F at equal training loss, and its dependence on the noise.

    Attributes:
        mean: (estimate, cell, level) mean over the runs of a cell, in 1/nat.
        difference: (estimate, cell, level) mean minus that of gradient descent, which counts as exact, in 1/nat. NaN
            for gradient descent itself, or without it.
        ratio: (estimate, cell, level) mean over that of gradient descent, with NaN as in ``difference``.
        correlation: (estimate, level) rank correlation over cells of the mean with the noise.
    """

    mean: np.ndarray
    difference: np.ndarray
    ratio: np.ndarray
    correlation: np.ndarray


@dataclass(frozen=True)
class Correlations:
    """Rank correlations (estimate) of a measure of flatness.

    Attributes:
        noise: of the cell means with the noise at fixed eta, mean over eta. Positive if more noise gives flatter cells.
        within: minus that with the test loss over the runs of a cell, mean over cells. Positive if flatter runs have a
            lower test loss.
        between: minus that of the cell means with the test loss. Positive if flatter cells have a lower test loss.
    """

    noise: np.ndarray
    within: np.ndarray
    between: np.ndarray


def noise_effect(F: Sequence[np.ndarray], noise: np.ndarray, rng: np.random.Generator, resamples: int) -> NoiseEffect:
    """Compare F at equal training loss between cells of one eta with different noise.

    Args:
        F: for each cell, (run, level) in 1/nat.
        noise: (cell) eta (1/B - 1/M) in 1/samples, 0 for gradient descent.
        rng: for the bootstrap, which resamples the runs of each cell. A single run of gradient descent has no interval.
        resamples: number of resamples.
    """
    means = np.stack([np.stack(interval(values, rng, resamples)) for values in F], axis=1)
    descent = np.flatnonzero(noise == 0)
    reference = means[0, descent[0]] if descent.size else np.full(means.shape[2], np.nan)
    with_noise = np.where(noise[:, None] > 0, means, np.nan)
    drawn = [
        np.stack([finite_mean(values[chosen], axis=0) for values, chosen in zip(F, positions, strict=True)])
        for positions in resample([len(values) for values in F], rng, resamples)
    ]
    fewest = min((len(values) for values, own in zip(F, noise, strict=True) if own > 0), default=0)
    resampled = rank_correlation(noise, np.stack(drawn).swapaxes(1, 2))
    correlation = [rank_correlation(noise, means[0].T), *central_interval(resampled, fewest)]
    return NoiseEffect(means, with_noise - reference, with_noise / reference, np.stack(correlation))


def share_at_freezing(
    frozen: Sequence[np.ndarray],
    final: Sequence[np.ndarray],
    noise: np.ndarray,
    rng: np.random.Generator,
    resamples: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the share of the final F that runs have at t_freeze; 1 if F no longer changes after the freezing.

    Args:
        frozen: for each cell, F (run) at t_freeze in 1/nat; NaN where a run does not freeze.
        final: for each cell, F (run) at the end in 1/nat.
        noise: (cell) eta (1/B - 1/M) in 1/samples, 0 for gradient descent.
        rng: for the bootstrap over the runs of each cell.
        resamples: number of resamples.

    Returns:
        (estimate, cell) the mean share over the runs, and (estimate) its mean over the cells with noise.
    """
    shares = [a / b for a, b in zip(frozen, final, strict=True)]
    by_cell = np.stack([np.stack(interval(share, rng, resamples)) for share in shares], axis=1)
    shares = [share for share, own in zip(shares, noise, strict=True) if own > 0]
    drawn = resample([len(share) for share in shares], rng, resamples)
    means = [[finite_mean(share[chosen]) for share, chosen in zip(shares, each, strict=True)] for each in drawn]
    fewest = min((int(np.isfinite(share).sum()) for share in shares), default=0)
    bounds = central_interval(finite_mean(np.array(means).reshape(resamples, -1)), fewest)
    return by_cell, np.array([finite_mean(by_cell[0, noise > 0]), *bounds])


def correlations(
    flat: np.ndarray,
    test_loss: np.ndarray,
    noise: np.ndarray,
    rng: np.random.Generator,
    resamples: int,
) -> Correlations:
    """Correlate a measure, oriented so that larger is flatter, with the noise and with the test loss.

    Args:
        flat: (eta, B, run) the measure; NaN for runs that do not count.
        test_loss: (eta, B, run) in nat, on the whole test file.
        noise: (B) 1/B - 1/M, which orders the noise at fixed eta.
        rng: for the bootstrap, which resamples the runs of each cell.
        resamples: number of resamples.
    """
    used = np.isfinite(flat) & np.isfinite(test_loss)
    order = np.argsort(~used, axis=-1, kind="stable")  # runs with values first, as `draw_runs` requires
    flat, test_loss = (np.take_along_axis(np.where(used, each, np.nan), order, -1) for each in (flat, test_loss))
    runs = used.sum(axis=-1)

    def statistics(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        mean_x, mean_y = finite_mean(x), finite_mean(y)
        within = np.where(runs >= RUNS_FOR_RANKS, -rank_correlation(x, y), np.nan)
        flattened = [each.reshape(*each.shape[:-2], -1) for each in (within, mean_x, mean_y)]
        between = -rank_correlation(*flattened[1:])
        return np.stack([axis_correlation(mean_x, noise, 1), finite_mean(flattened[0]), between])

    drawn = draw_runs((resamples, *flat.shape), runs, rng)
    resampled = statistics(*(take_runs(each[None], drawn) for each in (flat, test_loss)))
    several = runs[runs > 1]
    bounds = central_interval(resampled.T, np.median(several) if several.size else 0)
    return Correlations(*np.stack([statistics(flat, test_loss), *bounds]).T)


def analyze(
    files: Mapping[str, str | list[str]], settings: Mapping[str, Any], log: logging.Logger
) -> dict[str, Variable]:
    """Compute the numbers of Fig. C4.

    Args:
        files: ``endpoints`` of the sweep; ``train`` and ``along``, lists of the training and curvature files of every B
            at one eta; ``curvature``, ``flatness`` and ``layer_curvature``, lists of files of the sweep. The last two
            may be absent.
        settings: ``seed``, ``resamples``, and ``L_c``, the threshold of the freezing time in nat.
        log: receives one line for each headline number.
    """
    return _along_training(files, settings, log) | _measures(files, settings, log)


def _along_training(files: Mapping[str, Any], settings: Mapping[str, Any], log: logging.Logger) -> dict[str, Variable]:
    """Compute F at equal training loss and at t_freeze, for the cells of one eta."""
    rng, resamples = stream(settings["seed"], Stage.CONTROLS, KEY, 0), settings["resamples"]
    train = stored_cells.read_cells(files["train"], ["train_loss"], ["iteration"])
    along = stored_cells.read_cells(files["along"], ["flatness"])
    ends = hdf5.read(files["endpoints"], ["B", "gradient_descent"])
    L_c = settings["L_c"]
    eta, B = next(iter(train))[0], np.array([B for _, B in train])
    noise = eta * _inverse_B(B, ends)

    crossed, frozen, final = [], [], []
    for key, run in train.items():
        loss, F = run["train_loss"], along[key]["flatness"]
        crossed.append(np.exp(np.stack([value_at_loss(loss, np.log(F), level) for level in LEVELS], axis=-1)))
        at = freezing_time(np.arange(loss.shape[1]), loss, L_c)
        found = F[np.arange(len(F)), np.nan_to_num(at).astype(int)]
        frozen.append(np.where(np.isfinite(at), found, np.nan))
        final.append(F[:, -1])
    effect = noise_effect(crossed, noise, rng, resamples)
    by_cell, overall = share_at_freezing(frozen, final, noise, rng, resamples)
    strongest = int(noise.argmax())
    for k, level in enumerate(LEVELS):
        log.info(
            f"eta = {eta:g}, L = {level:g} nat: F of B = {B[strongest]} minus that of gradient descent "
            f"{format_known(effect.difference[:, strongest, k])} 1/nat; rank correlation of F with the noise "
            f"{format_known(effect.correlation[:, k])}"
        )
    log.info(f"share of the final F at t_freeze (L < {L_c:g} nat): {format_known(overall)}")
    cell, levels = ("B",), ("estimate", "B", "level")
    return {
        "eta": Variable((), eta, "learning rate"),
        "B": Variable(cell, B, "batch size", "samples"),
        "noise": Variable(cell, noise, "noise scale eta (1/B - 1/M)"),
        "gradient_descent": Variable(cell, noise == 0, "whether B = M, full-batch gradient descent"),
        "level": Variable(("level",), np.array(LEVELS), "training loss of the comparison", "nat"),
        "L_c": Variable((), L_c, "threshold of t_freeze, Eq. 7", "nat"),
        "level_flatness": Variable(levels, effect.mean, f"F at the first crossing of the loss; {ESTIMATE}", "1/nat"),
        "level_difference": Variable(
            levels, effect.difference, f"F minus that of gradient descent; {ESTIMATE}", "1/nat"
        ),
        "level_ratio": Variable(levels, effect.ratio, f"F over that of gradient descent; {ESTIMATE}"),
        "level_correlation": Variable(
            ("estimate", "level"), effect.correlation, f"rank correlation of F with the noise; {ESTIMATE}"
        ),
        "freezing_share": Variable(("estimate", "B"), by_cell, f"F at t_freeze over F at the end; {ESTIMATE}"),
        "mean_freezing_share": Variable(("estimate",), overall, f"mean of the same over B with noise; {ESTIMATE}"),
    }


def _measures(files: Mapping[str, Any], settings: Mapping[str, Any], log: logging.Logger) -> dict[str, Variable]:
    """Correlate every measure with noise and test loss, over the converged runs of the sweep."""
    ends = hdf5.read(files["endpoints"], ["eta", "B", "gradient_descent", "converged", "test_file_loss"])
    values, counts = read_measures(files, ends), ends["converged"].astype(bool)
    noise, found = _inverse_B(ends["B"], ends), []
    test_loss = np.where(counts, ends["test_file_loss"], np.nan)
    for number, (name, value) in enumerate(values.items()):
        rng = stream(settings["seed"], Stage.CONTROLS, KEY, 1, number)
        oriented = np.where(counts, value if name.startswith("flatness") else -value, np.nan)
        found.append(correlations(oriented, test_loss, noise, rng, settings["resamples"]))
        of_noise, within, between = map(format_known, (found[-1].noise, found[-1].within, found[-1].between))
        log.info(
            f"{name}: rank correlation with the noise at fixed eta {of_noise}, with minus the test loss within a cell "
            f"{within}, between cells {between}"
        )
    invariance = [each.invariant + each.unit_invariant if (each := MEASURES.get(name)) else 0 for name in values]
    titles = {
        "noise": "rank correlation with the noise at fixed eta, larger is flatter",
        "within": "minus the rank correlation with the test loss over a cell's runs, larger is flatter",
        "between": "minus the rank correlation with the test loss over cells, larger is flatter",
    }
    return {
        "measure": Variable(("measure",), np.array(list(values), dtype="S"), "measure of flatness"),
        "invariance": Variable(
            ("measure",), np.array(invariance), "rescalings of a ReLU network without effect: 0 none, 1 layers, 2 units"
        ),
    } | {
        f"{name}_correlation": Variable(
            ("measure", "estimate"), np.array([getattr(each, name) for each in found]), f"{title}; {ESTIMATE}"
        )
        for name, title in titles.items()
    }


def read_measures(files: Mapping[str, Any], ends: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Read every stored measure of flatness at the end of every run (eta, B, run), by name.

    The curvature files give F of 5, 9 and 10 eigenvalues, the largest eigenvalue and the trace. A flatness file that
    holds the same measure takes precedence. Measures in all parameters have names that end in ``WHOLE``.

    Args:
        files: ``curvature``, ``flatness`` and ``layer_curvature``, lists of files; the last two may be absent.
        ends: ``eta``, ``B`` and ``converged`` of ``endpoints.h5``.
    """
    last: dict[str, Any] = {}

    def place(paths: Sequence[str], names: Sequence[str]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for (eta, B), run in (stored_cells.read_cells(paths, names) if paths else {}).items():
            at = stored_cells.find_cell(ends["eta"], ends["B"], eta, B)
            if at is None:
                continue
            for name in names:
                shape = ends["converged"].shape + run[name].shape[2:]  # without the time axis
                empty = np.full(shape if run[name].ndim > 1 else shape[:3], np.nan)
                value = run[name][:, -1] if run[name].ndim > 1 else run[name]
                found.setdefault(name, empty)[*at, run["realization"]] = value
        return found

    stored = files.get("flatness", ())
    names = list(hdf5.read_attributes(stored[0])["measures"]) if stored else []
    layer = place(files["curvature"], ["eigenvalue", "trace"])
    whole = place(files.get("layer_curvature", ()), ["eigenvalue", "flatness", "trace"])
    for N in ALWAYS:
        if layer["eigenvalue"].shape[-1] >= N:
            last[f"flatness_{N}"] = flatness(layer["eigenvalue"][..., :N])
    last |= {"largest_eigenvalue": layer["eigenvalue"][..., 0], "hessian_trace": layer["trace"]}
    last |= place(stored, names)
    if whole:
        last |= {f"flatness{WHOLE}": whole["flatness"], f"largest_eigenvalue{WHOLE}": whole["eigenvalue"][..., 0]}
        last[f"trace{WHOLE}"] = whole["trace"]
    order = {name: place for place, name in enumerate(MEASURES)}
    return dict(sorted(last.items(), key=lambda item: order.get(item[0], len(order))))


def _inverse_B(B: np.ndarray, ends: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return 1/B - 1/M, which is 0 for gradient descent; 1/B if the sweep has no gradient descent."""
    descent = ends["B"][ends["gradient_descent"].astype(bool)]
    return 1 / B - (1 / descent[-1] if descent.size else 0)
