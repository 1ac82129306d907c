"""Test whether barriers separate solutions on every path, and from when on (control C5: are the valleys separate?).

The paper calls two solutions separated if the loss rises along the straight line between them. A permutation of hidden
units or a curved path may avoid this barrier. Along training, Eq. 5 counts a slope as a barrier wherever the two ends
differ in loss. This module therefore uses the height above the chord, between different runs at equal recorded times.

The axis "estimate" holds a value and the lower and upper bound of its 95% interval.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from sgd_valleys.controls.text import format_known
from sgd_valleys.measures.freezing import freezing_time
from sgd_valleys.measures.paths import chord_height, dissimilar_pairs, emergence
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import central_interval, interval, pair_weights
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL, finite_mean, finite_median
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

KEY = 5  # of the random streams of this control
GROUPS = ("sweep", "same", "independent")  # kinds of pairs, by the starts of the two runs
CRITERIA = ("barrier", "chord_height", "agreement", "similarity")  # by which two branches end in one basin
PATHS = ("line_loss", "aligned_loss", "alpha", "pair_similarity", "pair_eta", "pair_B", "pair_realization")
CURVES = ("curve_pair", "curve_excess", "curve_accuracy")
RUN = "pair_eta", "pair_B", "pair_realization"
BOUNDS = "value, and bounds of its 95% interval"


@dataclass(frozen=True)
class Growth:
    """Height above the chord between two runs, before and after they freeze.

    Attributes:
        freezing: (pair) position of the first recorded time at which both runs have frozen, Eq. 7; -1 if never.
        at_freezing: (pair) height at that time, in nat; NaN if never.
        at_end: (pair) height at the last time, in nat.
        ratio: (estimate) mean height at the end over that at the freezing; interval over runs.
    """

    freezing: np.ndarray
    at_freezing: np.ndarray
    at_end: np.ndarray
    ratio: np.ndarray


def connected_share(excess: np.ndarray, threshold: float) -> np.ndarray:
    """Compute the share of pairs that a curve connects without a barrier, and its exact binomial 95% interval.

    The interval treats pairs as independent, because few curves share a run. A bootstrap interval would have length 0
    where all curves agree.

    Args:
        excess: (curve) maximum of the loss on the curve above the mean of its ends, in nat.
        threshold: largest excess of a connected pair, in nat.

    Returns:
        (estimate); NaN without a curve. The bounds are NaN for fewer than ``MIN_RUNS_FOR_INTERVAL`` curves.
    """
    connected, count = int((excess <= threshold).sum()), len(excess)
    if count < MIN_RUNS_FOR_INTERVAL:
        return np.array([connected / count if count else np.nan, np.nan, np.nan])
    found = binomtest(connected, count).proportion_ci()
    return np.array([connected / count, found.low, found.high])


def mean_ratio(
    numerator: np.ndarray, denominator: np.ndarray, pairs: np.ndarray, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Divide two means over the same pairs, with a central 95% interval.

    Args:
        numerator: (pair), in any unit.
        denominator: (pair), in the same unit. Pairs without a finite value of both are left out.
        pairs: (pair, 2) numbers of the two runs. The bootstrap resamples the runs, which pairs share.
        rng: for the bootstrap.
        resamples: number of resamples.

    Returns:
        (estimate); NaN without a pair, or where the mean denominator is 0.
    """
    used = np.isfinite(numerator) & np.isfinite(denominator)
    over, under = numerator[used], denominator[used]

    def ratio(weight: np.ndarray) -> float:
        below = weight @ under
        return weight @ over / below if below else np.nan

    return _over_runs(ratio, pairs[used], rng, resamples)


def emergence_time(
    height: np.ndarray, time: np.ndarray, pairs: np.ndarray, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Compute the median time from which on the height is at least half of its final value.

    Args:
        height: (pair, time) height above the chord, or barrier, in nat.
        time: (time) in any unit.
        pairs: (pair, 2) numbers of the runs, which the bootstrap resamples.
        rng: for the bootstrap.
        resamples: number of resamples.

    Returns:
        (estimate) the median over pairs in the unit of ``time``, with its central 95% interval over runs.
    """
    first = emergence(height, time)
    return _over_runs(lambda weight: float(np.median(np.repeat(first, weight))), pairs, rng, resamples)


def _over_runs(
    statistic: Callable[[np.ndarray], float], pairs: np.ndarray, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Return a statistic of weighted pairs (estimate), with its central 95% interval over the runs of the pairs.

    ``statistic`` takes how often each pair occurs (pair), integers.
    """
    if not len(pairs):
        return np.full(3, np.nan)
    resampled = np.array([statistic(weight) for weight in pair_weights(pairs, rng, resamples)])
    return np.array([statistic(np.ones(len(pairs), int)), *central_interval(resampled, len(np.unique(pairs)))])


def growth_after_freezing(
    height: np.ndarray,
    end_loss: np.ndarray,
    pairs: np.ndarray,
    L_c: float,
    rng: np.random.Generator,
    resamples: int,
) -> Growth:
    """Compare the height between two runs at the end of training with that at their freezing.

    Args:
        height: (pair, time) height above the chord at equal times in nat.
        end_loss: (pair, time, end) training loss of the two runs in nat.
        pairs: (pair, 2) numbers of the runs, which the bootstrap resamples.
        L_c: threshold of the freezing time, Eq. 7, in nat. A pair is frozen when both runs are.
        rng: for the bootstrap.
        resamples: number of resamples.
    """
    times = np.arange(height.shape[1])
    own = freezing_time(times, end_loss.swapaxes(1, 2), L_c).max(axis=1, initial=0)  # NaN if either never freezes
    freezing = np.nan_to_num(own, nan=-1).astype(int)
    at_freezing = np.where(freezing >= 0, height[np.arange(len(height)), freezing], np.nan)
    at_end = height[:, -1]
    return Growth(freezing, at_freezing, at_end, mean_ratio(at_end, at_freezing, pairs, rng, resamples))


def vanishing_time(
    basin_time: np.ndarray, t_freeze: np.ndarray, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Compute the median time from which on all branches end in one basin, relative to t_freeze.

    Args:
        basin_time: (run) earliest t_c from which on every branch ends in the basin of the last one, in iterations.
        t_freeze: (run) freezing time, Eq. 7, in iterations.
        rng: for the bootstrap over runs.
        resamples: number of resamples.

    Returns:
        (estimate) the median; 1 if the barriers between branches vanish at the freezing.
    """
    return np.stack(interval(basin_time / t_freeze, rng, resamples, finite_median))


def analyze(
    files: Mapping[str, str | list[str]], settings: Mapping[str, Any], log: logging.Logger
) -> dict[str, Variable]:
    """Compute the numbers of Fig. C5.

    Args:
        files: ``paths`` and ``barriers`` of the sweep; ``independent``, the paths of an experiment with several
            initializations; ``basins`` and ``branches``, lists of files of the branched runs. All but
            ``paths`` may be absent.
        settings: ``seed`` and ``resamples``; ``L_c``, the threshold of the freezing time in nat; ``threshold``, the
            largest excess of a connected pair in nat.
        log: receives one line for each headline number.
    """
    found = {
        "threshold": Variable((), settings["threshold"], "largest excess of a connected pair", "nat"),
        "L_c": Variable((), settings["L_c"], "threshold of t_freeze, Eq. 7", "nat"),
    }
    return found | _pairs(files, settings, log) | _along(files, settings, log) | _branches(files, settings, log)


def _pairs(files: Mapping[str, Any], settings: Mapping[str, Any], log: logging.Logger) -> dict[str, Variable]:
    """Compare straight lines, lines after alignment of units, and curves, for each of ``GROUPS`` of pairs."""
    groups: dict[str, tuple[dict[str, np.ndarray], np.ndarray]] = {}
    for key in ("paths", "independent"):
        if not files.get(key):
            continue
        has_curves = "curve_pair" in hdf5.describe(files[key])
        read = hdf5.read(files[key], [*PATHS, "pair_initialization", *(CURVES if has_curves else ())])
        same = np.diff(read["pair_initialization"], axis=1)[:, 0] == 0
        chosen = {"sweep": np.ones(len(same), bool)} if key == "paths" else {"same": same, "independent": ~same}
        groups |= {name: (read, which) for name, which in chosen.items()}
    rows: dict[str, list[np.ndarray]] = {"kind": [], "straight": [], "aligned": [], "similarity": []}
    curves: list[tuple] = []
    ratio, share = np.full((2, len(GROUPS), 3), np.nan)
    for g, name in enumerate(GROUPS):
        if name not in groups:
            continue
        read, which = groups[name]
        straight, aligned = (chord_height(read[f"{line}_loss"][which], read["alpha"]) for line in ("line", "aligned"))
        runs = np.stack([read[key][which] for key in RUN], axis=-1).reshape(-1, 3)
        pairs = np.unique(runs, axis=0, return_inverse=True)[1].reshape(-1, 2)
        rng = stream(settings["seed"], Stage.CONTROLS, KEY, 0, g)
        ratio[g] = mean_ratio(aligned, straight, pairs, rng, settings["resamples"])
        rows["kind"] += [np.full(len(straight), g)]
        rows["straight"] += [straight]
        rows["aligned"] += [aligned]
        rows["similarity"] += [read["pair_similarity"][which]]
        if "curve_pair" in read:
            own = which[read["curve_pair"]]
            share[g] = connected_share(read["curve_excess"][own, -1], settings["threshold"])
            curves += [(g, *each) for each in zip(*(read[key][own] for key in CURVES), strict=True)]
        log.info(
            f"pairs of {name}: {len(straight)}, mean height {finite_mean(straight):.3g} nat, aligned over straight "
            f"{format_known(ratio[g])}, connected share of curves {format_known(share[g])}"
        )
    steps = max((len(curve[2]) for curve in curves), default=1)
    kind, _, *along = zip(*curves, strict=True) if curves else ((),) * 4
    padded = [[np.append(each, np.full(steps - len(each), each[-1])) for each in lines] for lines in along]
    excess, accuracy = (np.array(each, dtype=float).reshape(-1, steps) for each in padded)
    joined = {name: np.concatenate([np.empty(0), *values]) for name, values in rows.items()}
    names, number = ", ".join(GROUPS), ("group", "estimate")
    return {
        "pair_group": Variable(("pair",), joined["kind"].astype(int), f"group of the pair, in the order {names}"),
        "pair_similarity": Variable(("pair",), joined["similarity"], "Jaccard similarity of the pair, Eq. 4"),
        "straight_height": Variable(("pair",), joined["straight"], "height of the loss above the chord", "nat"),
        "aligned_height": Variable(("pair",), joined["aligned"], "the same after permutation of units", "nat"),
        "curve_group": Variable(("curve",), np.array(kind, dtype=int), f"group of the curve, in the order {names}"),
        "curve_excess": Variable(("curve", "step"), excess, "maximum of the curve above the mean of its ends", "nat"),
        "curve_accuracy": Variable(("curve", "step"), accuracy, "lowest training accuracy of the curve"),
        "aligned_ratio": Variable(number, ratio, f"mean aligned over mean straight height; {BOUNDS}, over runs"),
        "connected_share": Variable(number, share, f"share of curves with at most that excess; {BOUNDS}"),
    }


def _along(files: Mapping[str, Any], settings: Mapping[str, Any], log: logging.Logger) -> dict[str, Variable]:
    """Follow the height between dissimilar runs along training, at equal t / t_max; nothing without ``barriers``."""
    if not files.get("barriers"):
        return {}
    names = ["path_loss", "path_chord_height", "path_barrier", "path_solution", "path_similarity"]
    time = hdf5.read(files["barriers"], ["time_fraction"])["time_fraction"]
    read = hdf5.read(files["barriers"], names)
    alike = min(hdf5.read_attributes(files["barriers"])["parameters"]["similarity"])
    kept = dissimilar_pairs(read["path_similarity"], read["path_chord_height"], alike)
    read = {name: array[kept] for name, array in read.items()}
    height, barrier, pairs = (read[f"path_{name}"] for name in ("chord_height", "barrier", "solution"))
    sampling = stream(settings["seed"], Stage.CONTROLS, KEY, 1), settings["resamples"]
    growth = growth_after_freezing(height, read["path_loss"][..., [-1, 0]], pairs, settings["L_c"], *sampling)
    emergence = np.stack([emergence_time(each, time, pairs, *sampling) for each in (height, barrier)])
    log.info(
        f"{len(pairs)} pairs with Sim_J <= {alike:g}: height at the end over that at the freezing "
        f"{format_known(growth.ratio)}; half of the final height since t / t_max = {format_known(emergence[0])}, "
        f"half of the final barrier of Eq. 5 since {format_known(emergence[1])}"
    )
    line, both = ("path", "time"), np.maximum(growth.freezing, 0)
    fraction = np.where(growth.freezing >= 0, time[both], np.nan)
    return {
        "time_fraction": Variable(("time",), time, "t / t_max, equal eta t of both runs"),
        "path_height": Variable(line, height, "height of the loss above the chord", "nat"),
        "path_barrier": Variable(line, barrier, "loss barrier, Eq. 5", "nat"),
        "path_freezing": Variable(("path",), fraction, "first t / t_max at which both runs have crossed L_c"),
        "path_at_freezing": Variable(("path",), growth.at_freezing, "height at that time", "nat"),
        "path_at_end": Variable(("path",), growth.at_end, "height at the end", "nat"),
        "growth": Variable(("estimate",), growth.ratio, f"mean height at the end over that at freezing; {BOUNDS}"),
        "emergence": Variable(
            ("height", "estimate"), emergence, f"median t / t_max of half the final height, of half Eq. 5; {BOUNDS}"
        ),
    }


def _branches(files: Mapping[str, Any], settings: Mapping[str, Any], log: logging.Logger) -> dict[str, Variable]:
    """Collect the barriers of branches to the last one, and the times at which they vanish; none without ``basins``."""
    if not files.get("basins"):
        return {}
    rng = stream(settings["seed"], Stage.CONTROLS, KEY, 2)
    times = [f"basin_time_{name}" for name in CRITERIA]
    basins = [hdf5.read(path, ["t_c", "barrier", "chord_height", *times]) for path in files["basins"]]
    t_freeze = np.array([hdf5.read(path, ["freezing_time"])["freezing_time"] for path in files["branches"]])
    stacked = {name: np.stack([each[name] for each in basins]) for name in ("barrier", "chord_height", *times)}
    found = np.stack([stacked[name] for name in times], axis=1)
    vanishing = np.stack([vanishing_time(each, t_freeze, rng, settings["resamples"]) for each in found.T])
    for name, value in zip(CRITERIA, vanishing, strict=True):
        log.info(f"branches: basin time by {name} over t_freeze, median of {len(found)} runs {format_known(value)}")
    run, at, criteria = ("realization",), ("realization", "t_c"), ", ".join(CRITERIA)
    return {
        **hdf5.coordinates(t_c=basins[0]["t_c"]),
        "branch_barrier": Variable(at, stacked["barrier"], "loss barrier, Eq. 5, to the last branch", "nat"),
        "branch_height": Variable(at, stacked["chord_height"], "height above the chord, to the last branch", "nat"),
        "t_freeze": Variable(run, t_freeze, "freezing time of the run, Eq. 7", "iterations"),
        "basin_time": Variable(("realization", "criterion"), found, f"basin time by {criteria}", "iterations"),
        "vanishing": Variable(
            ("criterion", "estimate"), vanishing, f"median of the same over t_freeze; {BOUNDS}, over runs"
        ),
    }
