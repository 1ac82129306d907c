"""The files of paths and basins have what a cell computes in Python from the same solutions."""

from pathlib import Path

import numpy as np
import pytest
from helpers.checkout import Checkout
from helpers.paper import CONTROLS

from sgd_valleys.errors import UserError
from sgd_valleys.measures.basins import basin_freezing_time
from sgd_valleys.measures.paths import barrier
from sgd_valleys.results.cell import Cell
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.parameters import read_parameters

THRESHOLDS = {"similarity": 0.9, "agreement": 0.98, "barrier": 0.01, "chord_height": 0.01}


@pytest.fixture(scope="module")
def mnist(complete: Checkout) -> Path:
    return complete.root / "results/mnist"


def test_paths_are_those_of_the_cells(mnist: Path) -> None:
    found = hdf5.read(mnist / "paths.h5")
    points, cell = len(found["alpha"]), Cell(mnist, 0.02, 10)
    runs = zip(found["pair_eta"], found["pair_B"], found["pair_realization"], strict=True)
    pairs = [
        [Cell(mnist, *each[:2]).parameters(each[2]) for each in zip(*map(np.ndarray.tolist, run), strict=True)]
        for run in runs
    ]
    assert len(pairs) == 8
    for k, ends in enumerate(pairs):
        assert found["line_barrier"][k] == pytest.approx(cell.barrier(*ends, points), rel=1e-3, abs=1e-6)
        assert found["line_chord_height"][k] == pytest.approx(cell.chord_height(*ends, points), rel=1e-3, abs=1e-6)
        assert found["aligned_barrier"][k] == pytest.approx(cell.aligned_barrier(*ends, points), rel=1e-3, abs=1e-6)
        assert found["moved_units"][k] == cell.align(*ends).moved
    for k, pair in enumerate(found["curve_pair"]):
        curve = cell.bezier(*pairs[pair], steps=3, points=points)
        assert found["curve_excess"][k] == pytest.approx(curve.excess, rel=1e-4, abs=1e-6)
        assert found["curve_accuracy"][k] == pytest.approx(curve.accuracy)
        assert barrier(found["curve_loss"][k]) == pytest.approx(found["curve_excess"][k, -1])
    ranked = np.argsort(found["pair_similarity"], kind="stable")
    assert found["curve_pair"].tolist() == [ranked[0], ranked[-1]]  # the least and the most similar


def test_the_slice_is_around_the_reference_run(mnist: Path) -> None:
    found, cell = hdf5.read(mnist / "paths.h5"), Cell(mnist, 0.02, 10)
    expected = cell.loss_slice(1, points=4)
    for name, array in (("slice_loss", expected.loss), ("slice_trajectory", expected.trajectory)):
        assert found[name] == pytest.approx(array, rel=1e-3, abs=1e-4)
    assert found["iteration"].tolist() == cell.read()["iteration"].tolist()
    with pytest.raises(UserError, match=r"\)\.loss_slice\(1\): .* recording\.checkpoints, here \[0\]; add yours there"):
        Cell(mnist, 0.01, 50).loss_slice(1)


def test_heights_along_training_are_those_of_the_stored_lines(mnist: Path) -> None:
    found, stored = hdf5.read(mnist / "paths.h5"), hdf5.read(mnist / "barriers.h5")
    chord = stored["path_loss"][..., :1] + stored["alpha"] * (
        stored["path_loss"][..., -1:] - stored["path_loss"][..., :1]
    )
    assert found["path_chord_height"] == pytest.approx((stored["path_loss"] - chord).max(axis=-1), abs=1e-12)
    assert (found["path_chord_height"] >= 0).all()
    assert np.array_equal(found["path_eta"], stored["path_eta"])


def test_basins_of_branches_are_those_of_each_criterion(mnist: Path) -> None:
    ends = hdf5.read(mnist / "branches/endpoints/eta0.02_B10_r1.h5")
    found = hdf5.read(mnist / "branches/basins/eta0.02_B10_r1.h5")
    final = read_parameters(mnist / "branches/train/eta0.02_B10_r1.h5", "final")
    cell = Cell(mnist, 0.02, 10)
    branches = [{name: array[b].astype(float) for name, array in final.items()} for b in range(len(found["t_c"]))]
    assert found["similarity"] == pytest.approx(ends["similarity_to_last"])
    assert found["basin_time_similarity"] == ends["basin_freezing_time"]
    for b, branch in enumerate(branches):
        assert found["agreement"][b] == pytest.approx(cell.agreement(branch, branches[-1]), abs=2e-4)
        assert found["barrier"][b] == pytest.approx(cell.barrier(branch, branches[-1], 5), rel=1e-3, abs=1e-6)
        height = cell.chord_height(branch, branches[-1], 5)
        assert found["chord_height"][b] == pytest.approx(height, rel=1e-3, abs=1e-6)
    for name, threshold in THRESHOLDS.items():
        time = basin_freezing_time(found["t_c"], found[name], threshold, name)
        assert found[f"basin_time_{name}"] == time


def test_parameters_of_another_network_have_no_path(mnist: Path, complete: Checkout) -> None:
    cell, theta = Cell(mnist, 0.01, 10), Cell(complete.root / "results/cifar10", 0.02, 10).parameters(0)
    for use in (cell.chord_height, cell.align, cell.aligned_barrier, cell.bezier, cell.agreement):
        with pytest.raises(
            UserError, match=r"^other: layer.* allowed are the parameters of MLP\(sizes=\(784, 24, 24, 10\)"
        ):
            use(cell.parameters(0), theta)


@pytest.mark.slow
def test_other_thresholds_and_paths_train_nothing(finished: Checkout) -> None:
    branches = {"basins": {"agreement": 0.9, "barrier": 0.1}}
    finished.set({"experiments": {"mnist": {"paths": {"pairs": 3}, "branches": branches}}})
    assert set(finished.plan()) - CONTROLS == {"paths", "branch_basins", "claims", "claims_table"}
