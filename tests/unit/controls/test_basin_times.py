"""Freezing by continuation against freezing by loss: made-up runs whose answer is known."""

import logging
from pathlib import Path

import numpy as np
import pytest

from sgd_valleys.controls import basin_times
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable, coordinates

CELL = np.repeat(np.arange(12), 3)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_runs_that_freeze_when_their_loss_falls_are_seen_within_cells_and_others_are_not() -> None:
    by_loss = 10.0 + CELL + rng(1).normal(size=len(CELL))
    assert basin_times.within_cells(by_loss * 0.8, by_loss, CELL, rng(), 300).is_positive
    others = [8.0 + CELL + rng(seed).normal(size=len(CELL)) for seed in range(10, 50)]  # related among cells alone
    assert sum(basin_times.within_cells(each, by_loss, CELL, rng(), 200).is_positive for each in others) <= 4


@pytest.mark.parametrize(("effect", "seen"), [(2.0, True), (0.0, False), (-2.0, False)])
def test_a_trend_with_the_noise_at_fixed_eta_is_seen_where_there_is_one(effect: float, seen: bool) -> None:
    eta, noise = np.repeat([0.01, 0.1], 18), np.tile(np.repeat([0.1, 0.05, 0.02, 0.01, 0.005, 0.002], 3), 2)
    times = 1000 * eta + effect * np.log(noise) + rng(3).normal(size=36)  # eta alone changes the times, too
    assert basin_times.at_fixed_eta(noise, times, eta, rng(), 300).is_positive is seen


def test_the_ratio_of_means_leaves_out_runs_that_do_not_freeze() -> None:
    y = rng(1).uniform(10, 20, 40)
    x = np.where(np.arange(40) < 35, 0.5 * y, np.nan)
    ratio, (low, high) = basin_times.ratio_of_means(x, y, rng(), 200)
    assert ratio == pytest.approx(0.5)
    assert low <= ratio <= high < 0.6
    assert np.isnan(basin_times.ratio_of_means(x[:3], y[:3], rng(), 200)[1]).all()
    assert np.isnan(basin_times.ratio_of_means(x[:0], y[:0], rng(), 200)[0])


def test_times_that_depend_on_the_threshold_are_not_robust_and_others_are() -> None:
    first = rng(1).uniform(10, 50, 60)
    robust = np.stack([first, 1.1 * first + rng(2).normal(size=60)], axis=1)
    assert basin_times.sensitivity(robust, rng(), 200).is_robust
    assert not basin_times.sensitivity(np.stack([first, 2 * first], axis=1), rng(), 200).is_robust
    shuffled = np.stack([first, rng(3).permutation(first)], axis=1)
    assert not basin_times.sensitivity(shuffled, rng(), 200).is_robust
    robust[::4, 1] = np.nan
    np.testing.assert_allclose(basin_times.sensitivity(robust, rng(), 200).frozen, [1, 0.75])


def test_the_spread_is_the_distance_of_endpoints_from_their_mean() -> None:
    ends = rng(1).normal(size=(6, 40)) + 5
    drawn = np.array([[0, 1, 2, 3, 4, 5], [2, 2, 2, 2, 2, 2], [0, 0, 1, 4, 4, 5]])
    expected = [np.sqrt(((ends[d] - ends[d].mean(axis=0)) ** 2).sum(axis=1).mean()) for d in drawn]
    np.testing.assert_allclose(basin_times.spread(ends @ ends.T, drawn), expected, atol=1e-6)
    assert np.isnan(basin_times.spread(ends @ ends.T, np.empty(0, int)))


ETAS, BS, RUNS = [0.01, 0.1], [10, 100], 6
RUN = ("eta", "B", "realization")


def write_experiment(folder: Path) -> dict[str, str | list[str]]:
    """Write the files of a sweep of four cells with six runs each, three of them continued."""
    folder.mkdir()
    shape = 2, 2, RUNS
    freezing = rng(5).uniform(100, 200, shape) / np.array(ETAS)[:, None, None]
    ones = np.ones(shape)
    endpoints = {
        **coordinates(eta=ETAS, B=BS, realization=range(RUNS)),
        "runs": Variable(("eta", "B"), np.full((2, 2), RUNS), ""),
        "gradient_descent": Variable(("B",), [False, False], ""),
        "converged": Variable(RUN, (np.arange(4) < 3).reshape(2, 2)[..., None] * ones > 0, ""),  # not the last cell
        "flatness": Variable(RUN, 2 * ones, "", "1/nat"),
        **{name: Variable(RUN, 0.9 * ones, "") for name in ("test_accuracy", "test_file_accuracy")},
    }
    axes = coordinates(eta=ETAS, B=BS, realization=range(RUNS), threshold=[0.1, 0.05])
    times = axes | {"freezing_time": Variable(("threshold", *RUN), np.stack([freezing, 2 * freezing]), "")}
    hdf5.write(folder / "endpoints.h5", endpoints)
    hdf5.write(folder / "freezing.h5", times)
    chunks: dict[str, list[str]] = {"train": [], "continuations": []}
    for i, j in np.ndindex(2, 2):
        attributes = {"eta": ETAS[i], "B": BS[j]}
        weights = {"final_layer2_weight": Variable(("realization", "out", "in"), rng(j).normal(size=(RUNS, 2, 3)), "")}
        basin_time = np.stack([freezing[i, j, :3], 1.1 * freezing[i, j, :3]], axis=1)
        found = {
            "threshold": Variable(("criterion",), [0.99, 0.9], ""),
            "basin_time": Variable(("realization", "criterion"), basin_time, ""),
        }
        for name, variables, runs, also in (
            ("train", weights, RUNS, {}),
            ("continuations", found, 3, {"criteria": ["agreement", "similarity"]}),
        ):
            path = folder / f"{name}_{i}{j}.h5"
            hdf5.write(path, coordinates(realization=range(runs)) | variables, attributes | also)
            chunks[name].append(str(path))
    analyses = {f"mnist/{name}": str(folder / f"{name}.h5") for name in ("endpoints", "freezing")}
    return analyses | {f"mnist/{name}": paths for name, paths in chunks.items()}


def test_the_analysis_compares_the_runs_and_maps_their_cells(tmp_path: Path) -> None:
    settings = {"experiments": ["mnist"], "seed": 1, "resamples": 100, "L_c": 0.1, "layer": 2}
    found = basin_times.analyze(write_experiment(tmp_path / "mnist"), settings, logging.getLogger())
    assert len(found["run_eta"].data) == 12
    np.testing.assert_allclose(found["ratio"].data, [1, 1.1])
    np.testing.assert_allclose(found["within"].data, [1, 1])
    np.testing.assert_allclose(found["relative"].data, [1, 1.1])
    np.testing.assert_allclose(found["eta_t_f"].data, found["eta_t_freeze"].data)
    np.testing.assert_array_equal(found["converged"].data, [[6, 6], [6, 0]])
    weights = rng(0).normal(size=(RUNS, 6))
    expected = np.sqrt(((weights - weights.mean(axis=0)) ** 2).sum(axis=1).mean())
    np.testing.assert_allclose(found["spread"].data[0, 0], expected)
    np.testing.assert_allclose(found["max_test_accuracy"].data, [[0.9, 0.9], [0.9, np.nan]])
    hdf5.write(tmp_path / "control.h5", found)
