"""Compare the freezing time by continuation with that by loss, and map the quantities of the revision (control C6).

The paper's revision (arXiv 2601.10962 v2) defines a freezing time t_f: the gradient-descent continuations of all
checkpoints from t_f on end in one basin. The first version defines t_freeze, the first time at which the training loss
is below L_c (Eq. 7). If the loss decides when a run freezes, both times are correlated among the runs of one cell
(eta, B). A correlation among cells does not show this, because both times depend on eta and B.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import central_interval
from sgd_valleys.statistics.pooled import Pooled, pooled_correlation
from sgd_valleys.statistics.rank import rank_correlation, trend
from sgd_valleys.statistics.reduce import finite_max, finite_mean
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import grid, locate_cell, read_cells
from sgd_valleys.storage.hdf5 import Variable, coordinates

KEY = 6  # of the random stream of this control
MAPS = {  # long name and unit of the maps over converged runs; the maps of times are over continued runs
    "spread": ("r_theta: root mean square distance of a cell's endpoints from their mean, layer {layer}", "1"),
    "mean_flatness": ("mean flatness F of the converged runs, Eq. 6", "1/nat"),
    "mean_test_accuracy": ("mean test accuracy of the converged runs", "1"),
    "mean_test_file_accuracy": ("mean accuracy of the converged runs on the whole test file", "1"),
    "max_test_accuracy": ("largest test accuracy of the converged runs: it rises with their number", "1"),
}


def within_cells(x: np.ndarray, y: np.ndarray, cell: np.ndarray, rng: np.random.Generator, resamples: int) -> Pooled:
    """Correlate the ranks of ``x`` and ``y`` (run) among the runs of each cell, pooled over the cells.

    ``cell`` (run) is the number of a run's cell. The bootstrap resamples whole cells, because a cell has only two or
    three runs.
    """
    return pooled_correlation(x, y, cell, rng, resamples, unit="group")


def at_fixed_eta(x: np.ndarray, y: np.ndarray, eta: np.ndarray, rng: np.random.Generator, resamples: int) -> Pooled:
    """Correlate the ranks of ``x`` and ``y`` (run) among the runs of each learning rate, pooled over these.

    ``eta`` (run) is the learning rate of a run. The bootstrap resamples the runs of each learning rate.
    """
    return pooled_correlation(x, y, eta, rng, resamples, unit="member")


def ratio_of_means(
    x: np.ndarray, y: np.ndarray, rng: np.random.Generator, resamples: int
) -> tuple[float, tuple[float, float]]:
    """Return mean x over mean y of the runs (run) where both are finite, and its central 95% over runs (low, high).

    All three are NaN where no run has both values, or where y sums to 0.
    """
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if not len(x) or not y.sum():
        return np.nan, (np.nan, np.nan)
    drawn = rng.integers(0, len(x), (resamples, len(x)))
    total = y[drawn].sum(axis=1)
    resampled = np.where(total > 0, x[drawn].sum(axis=1) / np.where(total > 0, total, 1), np.nan)
    return float(x.sum() / y.sum()), tuple(central_interval(resampled, len(x)).tolist())


@dataclass(frozen=True)
class Sensitivity:
    """Dependence of the freezing time by continuation on the criterion of one basin.

    Attributes:
        ratio: (criterion) mean time over the mean time by the first criterion, for the runs that freeze by both.
        interval: (bound, criterion) central 95% of ``ratio`` over runs.
        correlation: (criterion) rank correlation over runs of the time with that by the first criterion.
        frozen: (criterion) share of the runs that freeze before their end.
    """

    ratio: np.ndarray
    interval: np.ndarray
    correlation: np.ndarray
    frozen: np.ndarray

    @property
    def is_robust(self) -> bool:
        """Whether every ratio is within a factor of 1.5 of 1, with its interval, and every correlation above 0.8."""
        bounds = (self.interval[0] > 1 / 1.5) & (self.interval[1] < 1.5)
        return bool(bounds.all() and (self.correlation > 0.8).all())


def sensitivity(times: np.ndarray, rng: np.random.Generator, resamples: int) -> Sensitivity:
    """Compare freezing times by several criteria with those by the first one.

    ``times`` (run, criterion), in any unit, are NaN where a run does not freeze.
    """
    found = [ratio_of_means(each, times[:, 0], rng, resamples) for each in times.T]
    ratio, interval = zip(*found, strict=True)
    correlation = rank_correlation(times.T, times[:, 0])
    return Sensitivity(np.array(ratio), np.transpose(interval), correlation, np.isfinite(times).mean(axis=0))


def spread(products: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the root mean square distance (...) of endpoints from their mean.

    Args:
        products: (run, run) scalar products of the endpoints of a cell.
        drawn: (..., run) positions of the runs used, with repetitions in a bootstrap. Without runs the result is NaN.
    """
    if not drawn.shape[-1]:
        return np.full(drawn.shape[:-1], np.nan)
    square = products[drawn, drawn].mean(axis=-1)
    of_mean = products[drawn[..., :, None], drawn[..., None, :]].mean(axis=(-2, -1))
    return np.sqrt(np.maximum(square - of_mean, 0))


def read_runs(files: Mapping[str, Any], name: str, L_c: float) -> dict[str, np.ndarray]:
    """Read the continued runs of an experiment, in ascending order of (eta, B).

    Args:
        files: ``NAME/continuations``, a list, and ``NAME/freezing``.
        name: name of the experiment.
        L_c: threshold of t_freeze, Eq. 7, in nat.

    Returns:
        arrays by name. ``eta``, ``B`` and ``cell`` (run) are the axes and the number of a run's cell. ``freezing``
        (run) is eta t_freeze. ``basin_time`` (run, criterion) is eta t_f. Times are NaN where a run does not freeze.
        ``threshold`` and ``is_similarity`` (criterion) describe the criteria of one basin.
    """
    cells = read_cells(files[f"{name}/continuations"], ["basin_time"])
    by_loss = hdf5.read(files[f"{name}/freezing"])
    (row,) = np.flatnonzero(by_loss["threshold"] == L_c)
    found: dict[str, list] = {key: [] for key in ("eta", "B", "cell", "freezing", "basin_time")}
    for number, ((eta, B), own) in enumerate(cells.items()):
        i, j = locate_cell(by_loss["eta"], by_loss["B"], eta, B)
        runs = own["realization"]
        for key, values in (("eta", [eta] * len(runs)), ("B", [B] * len(runs)), ("cell", [number] * len(runs))):
            found[key] += values
        found["freezing"] += list(eta * by_loss["freezing_time"][row, i, j, runs])
        found["basin_time"] += list(eta * own["basin_time"])
    first = files[f"{name}/continuations"][0]
    criteria = hdf5.read_attributes(first)["criteria"]
    return {
        **{key: np.array(values) for key, values in found.items()},
        **hdf5.read(first, ["threshold"]),
        "is_similarity": np.array([each == "similarity" for each in criteria]),
    }


def map_times(runs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Average eta t_f by the first criterion, and eta t_freeze of the same runs, over each cell.

    Args:
        runs: arrays of ``read_runs``.

    Returns:
        maps (eta, B). ``eta_t_f`` and ``eta_t_freeze`` are means over the runs that have both times. ``frozen`` is the
        share of the continued runs that freeze by the first criterion. A cell without continued runs is NaN.
    """
    etas, Bs = np.unique(runs["eta"]), np.unique(runs["B"])
    first = runs["basin_time"][:, 0]
    both = np.isfinite(first) & np.isfinite(runs["freezing"])
    found = {key: np.full((len(etas), len(Bs)), np.nan) for key in ("eta_t_f", "eta_t_freeze", "frozen")}
    for i, j in np.ndindex(len(etas), len(Bs)):
        own = (runs["eta"] == etas[i]) & (runs["B"] == Bs[j])
        if own.any():
            found["frozen"][i, j] = np.isfinite(first[own]).mean()
            found["eta_t_f"][i, j], found["eta_t_freeze"][i, j] = (
                finite_mean(values[own & both]) for values in (first, runs["freezing"])
            )
    return found


def read_ends(files: Mapping[str, Any], name: str, layer: int, cells: list[tuple[float, int]]) -> list[dict[str, Any]]:
    """Read the quantities of ``MAPS`` at the end of the converged runs of some cells.

    Args:
        files: ``NAME/endpoints``, and ``NAME/train``, a list.
        name: name of the experiment.
        layer: number of the layer of the spread.
        cells: cells (eta, B).

    Returns:
        for each cell, ``mean_flatness``, ``mean_test_accuracy`` and ``mean_test_file_accuracy`` (run); ``spread``
        (run, run), the scalar products of the layer's final weights; ``runs``, the number of all runs.
    """
    endpoints = hdf5.read(files[f"{name}/endpoints"])
    weights = read_cells(files[f"{name}/train"], [f"final_layer{layer}_weight"])
    found = []
    for cell in cells:
        at = locate_cell(endpoints["eta"], endpoints["B"], *cell)
        count = int(endpoints["runs"][at])
        chosen = endpoints["converged"][at][:count] == 1
        values = {key: endpoints[key.removeprefix("mean_")][at][:count][chosen] for key in MAPS if "mean" in key}
        final = weights[cell][f"final_layer{layer}_weight"][:count]
        final = final.reshape(count, -1)[chosen].astype(np.float64)
        found.append({**values, "spread": final @ final.T, "runs": count})
    return found


def measure(ends: list[dict[str, Any]], name: str, cell: int, drawn: np.ndarray) -> np.ndarray:
    """Return the value (...) of a map at a cell of ``read_ends``, from positions ``drawn`` (..., run) of its runs."""
    if name == "spread":
        return spread(ends[cell][name], drawn)
    values = ends[cell][name.replace("max_", "mean_")][drawn]
    return finite_max(values) if name.startswith("max_") and drawn.shape[-1] else finite_mean(values)


def analyze(files: Mapping[str, Any], settings: Mapping[str, Any], log: Any) -> dict[str, Variable]:
    """Compute the numbers of Fig. C6: freezing by continuation against freezing by loss, and the revision's maps.

    Args:
        files: the files of ``read_runs`` and ``read_ends``.
        settings: ``experiments``, of which there is one; ``L_c`` in nat; ``layer``; ``seed`` and ``resamples``.
        log: receives one line for each headline number.
    """
    (name,), resamples = settings["experiments"], settings["resamples"]
    rng = stream(settings["seed"], Stage.CONTROLS, KEY)
    runs = read_runs(files, name, settings["L_c"])
    times, by_loss, noise = runs["basin_time"], runs["freezing"], 1 / runs["B"]  # 1/B orders the noise at fixed eta
    criteria = [
        f"{'Sim_J' if similar else 'agreement'} >= {threshold:g}"
        for similar, threshold in zip(runs["is_similarity"], runs["threshold"], strict=True)
    ]
    within = [within_cells(each, by_loss, runs["cell"], rng, resamples) for each in times.T]
    noisy = [at_fixed_eta(noise, each, runs["eta"], rng, resamples) for each in (*times.T, by_loss)]
    ratios = [ratio_of_means(each, by_loss, rng, resamples) for each in times.T]
    robust = sensitivity(times, rng, resamples)
    for k, text in enumerate(criteria):
        log.info(f"{text}: rank correlation with t_freeze within cells {_format(within[k])}")
        log.info(f"{text}: rank correlation of eta t_f with the noise at fixed eta {_format(noisy[k])}")
        low, high = ratios[k][1]
        log.info(f"{text}: <t_f> / <t_freeze> = {ratios[k][0]:.3f} [{low:.3f}, {high:.3f}]")
        low, high = robust.interval[:, k]
        log.info(
            f"{text}: <t_f> relative to that of {criteria[0]}: {robust.ratio[k]:.3f} [{low:.3f}, {high:.3f}], rank "
            f"correlation {robust.correlation[k]:.3f}; {robust.frozen[k]:.1%} of {len(times)} runs freeze"
        )
    log.info(f"rank correlation of eta t_freeze with the noise at fixed eta {_format(noisy[-1])}")
    if np.isfinite(robust.interval).all():
        log.info(f"t_f is {'' if robust.is_robust else 'not '}robust to the criterion and its threshold")
    return {
        **_describe_runs(runs),
        **_describe_pooled("within", "t_f with t_freeze among the runs of a cell, by criterion", "criterion", within),
        **_describe_pooled("trend", "eta t_f with 1 / B at fixed eta, by criterion; last: eta t_freeze", "time", noisy),
        "ratio": Variable(("criterion",), [ratio for ratio, _ in ratios], "mean t_f over mean t_freeze"),
        "ratio_interval": Variable(
            ("bound", "criterion"), np.transpose([bounds for _, bounds in ratios]), "central 95% over runs"
        ),
        "relative": Variable(("criterion",), robust.ratio, "mean t_f over that by the first criterion"),
        "relative_interval": Variable(("bound", "criterion"), robust.interval, "central 95% over runs"),
        "criterion_correlation": Variable(
            ("criterion",), robust.correlation, "rank correlation of t_f over runs with that by the first criterion"
        ),
        "frozen_share": Variable(("criterion",), robust.frozen, "share of the runs that freeze before their end"),
        **_maps(files, settings, name, runs, rng, log),
    }


def _format(found: Pooled) -> str:
    (low, high), (below, above) = found.interval, found.null
    known = np.isfinite(low)
    verdict = "rises" if found.is_positive else "not seen to rise" if known else "too few runs to decide"
    null = f"without a relation [{below:.3f}, {above:.3f}]"
    return f"{found.correlation:.3f} [{low:.3f}, {high:.3f}] of {found.members} runs, {null}: {verdict}"


def _describe_pooled(name: str, text: str, axis: str, found: list[Pooled]) -> dict[str, Variable]:
    """Describe rank correlations, with their intervals and nulls."""
    return {
        name: Variable((axis,), [each.correlation for each in found], f"rank correlation of {text}"),
        f"{name}_interval": Variable(("bound", axis), np.transpose([each.interval for each in found]), "central 95%"),
        f"{name}_null": Variable(
            ("bound", axis), np.transpose([each.null for each in found]), "central 95% of permuted runs"
        ),
    }


def _describe_runs(runs: Mapping[str, np.ndarray]) -> dict[str, Variable]:
    return {
        "run_eta": Variable(("run",), runs["eta"], "learning rate"),
        "run_B": Variable(("run",), runs["B"], "batch size", "samples"),
        "run_eta_t_f": Variable(("run", "criterion"), runs["basin_time"], "eta t_f by continuation, NaN if not frozen"),
        "run_eta_t_freeze": Variable(("run",), runs["freezing"], "eta t_freeze by loss, Eq. 7; NaN where never"),
        "threshold": Variable(("criterion",), runs["threshold"], "smallest value in the same basin, by criterion"),
        "is_similarity": Variable(
            ("criterion",), runs["is_similarity"], "whether the criterion is Sim_J, not the agreement of predictions"
        ),
    }


def _maps(
    files: Mapping[str, Any],
    settings: Mapping[str, Any],
    name: str,
    runs: Mapping[str, np.ndarray],
    rng: np.random.Generator,
    log: Any,
) -> dict[str, Variable]:
    """Return the maps over the continued cells (eta, B), and the trend of each map with the noise at fixed eta."""
    axes, times = ("eta", "B"), map_times(runs)
    cells = sorted(set(zip(runs["eta"].tolist(), runs["B"].tolist(), strict=True)))
    etas, Bs = map(np.array, grid(cells))
    whole = [(eta, B) for eta in etas.tolist() for B in Bs.tolist()]
    ends = dict(zip(cells, read_ends(files, name, settings["layer"], cells), strict=True))
    empty = {key: np.empty((0, 0) if key == "spread" else 0) for key in (*MAPS, "runs")} | {"runs": 0}
    found = [ends.get(cell, empty) for cell in whole]
    sweep = hdf5.read(files[f"{name}/endpoints"], ["B", "gradient_descent"])
    control = np.isin(Bs, sweep["B"][sweep["gradient_descent"] == 1])
    noisy = [end["runs"] for (_, B), end in ends.items() if B not in Bs[control]]
    noise, counts = np.array([eta / B for eta, B in whole]), [len(end["spread"]) for end in found]
    variables: dict[str, Variable] = {}
    for key, (text, units) in MAPS.items():

        def value(cell: int, drawn: np.ndarray, key: str = key) -> np.ndarray:
            return measure(found, key, cell, drawn)

        own = trend(noise, (etas, 1 / Bs), control, counts, value, min(noisy, default=1), rng, settings["resamples"])
        low, high = own.axes_interval[1]
        log.info(f"rank correlation of {key} with the noise at fixed eta {own.axes[1]:.3f} [{low:.3f}, {high:.3f}]")
        long_name = text.format(layer=settings["layer"])
        variables |= {
            key: Variable(axes, own.value.reshape(len(etas), len(Bs)), long_name, units),
            f"{key}_trend": Variable(
                ("estimate",), [own.axes[1], low, high], "rank correlation with 1 / B at fixed eta, and its central 95%"
            ),
        }
    shape = len(etas), len(Bs)
    return {
        **coordinates(eta=etas, B=Bs),
        "eta_t_f": Variable(axes, times["eta_t_f"], "eta times the mean t_f by the first criterion"),
        "eta_t_freeze": Variable(axes, times["eta_t_freeze"], "eta times the mean t_freeze of the same runs"),
        "frozen": Variable(axes, times["frozen"], "share of the continued runs that freeze by the first criterion"),
        "converged": Variable(axes, np.reshape(counts, shape), "converged runs behind the other maps"),
        **variables,
    }
