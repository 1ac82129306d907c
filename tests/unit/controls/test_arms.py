"""Arms of one cell: made-up runs of which it is known whether their noise matters."""

import logging
from pathlib import Path

import numpy as np
import pytest

from sgd_valleys.controls import arms
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

rng = np.random.default_rng(3)
RUNS = 12


def make_arm(flatness: np.ndarray, deterministic: bool = False) -> arms.Arm:
    values = {name: np.ones(len(flatness)) for name in arms.QUANTITIES if name != "similarity"}
    values["flatness"] = np.asarray(flatness, dtype=float)
    return arms.summarize(
        values, lambda drawn: np.zeros(drawn.shape[:-1]), deterministic, np.random.default_rng(1), 400
    )


QUIET = make_arm([2.0], deterministic=True)
MINIBATCH = make_arm(4 + 0.1 * rng.standard_normal(RUNS))


@pytest.mark.parametrize(("mean", "share"), [(4.0, 1.0), (2.0, 0.0), (3.0, 0.5)])
def test_an_arm_recovers_the_share_of_the_effect_that_its_noise_has(mean: float, share: float) -> None:
    found, (low, high) = arms.recovered_share(make_arm(mean + 0.1 * rng.standard_normal(RUNS)), MINIBATCH, QUIET)
    assert found == pytest.approx(share, abs=0.08)
    assert low < found < high and high - low < 0.2


def test_a_difference_is_seen_where_there_is_one_and_only_there() -> None:
    same = make_arm(4 + 0.1 * rng.standard_normal(RUNS))
    change, (low, high) = arms.difference(same, MINIBATCH, "flatness")
    assert low < 0 < high
    change, (low, high) = arms.difference(QUIET, MINIBATCH, "flatness")
    assert change == pytest.approx(-2, abs=0.1) and high < -1.8


def test_few_runs_have_no_interval_and_no_effect_has_no_share() -> None:
    few = make_arm([4.0, 4.1])
    assert np.isnan(arms.difference(few, MINIBATCH, "flatness")[1]).all()
    assert np.isnan(arms.recovered_share(few, QUIET, QUIET)[0])


def test_arms_share_the_test_images_so_that_their_difference_is_paired() -> None:
    """Two arms misclassify the same tenth of 400 images, one of them 8 more."""
    made = np.random.default_rng(0)
    common, further = made.permutation(400)[:40], made.permutation(400)[:8]
    found = []
    for wrong in (common, np.union1d(common, further)):
        error = np.zeros((1, 1, RUNS, 400), bool)
        error[..., wrong] = True
        ends = {"converged": np.ones((1, 1, RUNS), bool), "runs": np.array([[RUNS]]), "test_file_error": error}
        accuracy = arms.on_resampled_images(ends, (0, 0), np.random.default_rng(2), 2000)
        values = {name: np.full(RUNS, 1 - len(wrong) / 400) for name in arms.QUANTITIES if name != "similarity"}
        still = lambda drawn: np.zeros(drawn.shape[:-1])  # noqa: E731
        found.append(arms.summarize(values, still, False, np.random.default_rng(1), 2000, accuracy))
    name = "test_file_accuracy"
    assert found[0].resampled[name].std() == pytest.approx(np.sqrt(0.1 * 0.9 / 400), rel=0.1)
    change, (low, high) = arms.difference(found[1], found[0], name)
    assert low <= change <= high <= 0 and high - low < 0.03  # unpaired, it would be 0.08
    assert found[0].mean[name] == pytest.approx(0.9)


def write_arm(folder: Path, flatness: list[float], descent: bool) -> dict[str, str]:
    folder.mkdir()
    cell, run = ("eta", "B"), ("eta", "B", "realization")
    count = len(flatness)
    names = {"endpoints": {}, "freezing": {}, "jaccard": {}}
    values = dict.fromkeys(
        ("train_loss", "test_file_loss", "test_file_accuracy", "test_accuracy"), np.ones((1, 1, count))
    )
    flags = {"converged": np.ones((1, 1, count), bool), "diverged": np.zeros((1, 1, count), bool)}
    names["endpoints"] = {
        "eta": Variable(("eta",), [0.1], ""),
        "B": Variable(("B",), [10], ""),
        "gradient_descent": Variable(("B",), [descent], ""),
        "runs": Variable(cell, [[count]], ""),
        "flatness": Variable(run, [[flatness]], "", "1/nat"),
        **{name: Variable(run, array, "") for name, array in (values | flags).items()},
        "test_file_error": Variable((*run, "image"), np.zeros((1, 1, count, 40), bool), ""),
    }
    names["freezing"] = {"freezing_time": Variable(("threshold", *run), np.full((1, 1, 1, count), 50.0), "")}
    names["jaccard"] = {
        "solution_eta": Variable(("solution",), [0.1] * count, ""),
        "solution_B": Variable(("solution",), [10] * count, ""),
        "jaccard": Variable(("solution", "other"), np.where(np.eye(count) == 1, 1.0, 0.5), ""),
    }
    for name, variables in names.items():
        hdf5.write(folder / f"{name}.h5", variables)
    return {f"{folder.name}/{name}": str(folder / f"{name}.h5") for name in names}


def test_the_analysis_reads_the_arms_in_their_order(tmp_path: Path) -> None:
    files = write_arm(tmp_path / "sgd", [4.0, 4.2, 3.8, 4.1, 3.9, 4.0], False) | write_arm(
        tmp_path / "none", [2.0], True
    )
    settings = {"experiments": ["sgd", "none"], "seed": 1, "resamples": 100}
    found = arms.analyze(files, settings, logging.getLogger())
    assert found["flatness"].data == pytest.approx([4, 2])
    assert found["eta_t_freeze"].data == pytest.approx([5, 5])
    assert found["share"].data == pytest.approx((1, 0))
    assert found["similarity"].data == pytest.approx([0.5, 1])
    (low, high) = np.array(found["flatness_difference_interval"].data)[:, 1]
    assert low < -1.9 < high < -1.7 or low < -2 < high
