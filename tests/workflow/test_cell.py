"""A cell in Python has what the workflow stored of its runs, and refuses what it has not."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.checkout import Checkout
from helpers.tiny_run import rewrite, take

from sgd_valleys.errors import UserError
from sgd_valleys.measures.flatness_measures import find_measures
from sgd_valleys.measures.noise_along_training import MEASURES
from sgd_valleys.measures.perturbation import Perturbation
from sgd_valleys.results.cell import Cell
from sgd_valleys.results.experiment import Experiment
from sgd_valleys.storage import hdf5


@pytest.fixture(scope="module")
def mnist(complete: Checkout) -> Path:
    return complete.root / "results/mnist"


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_cell_has_what_the_workflow_stored_of_its_runs(complete: Checkout, name: str) -> None:
    folder = complete.root / "results" / name
    cell = Cell(folder, eta=0.02, B=10)
    assert cell.realizations == [0, 1]
    stored = hdf5.read(folder / "curvature/eta0.02_B10_r0-1.h5", ["flatness", "trace"])
    run = cell.read("train_loss", "train_accuracy")
    assert cell.converged.tolist() == (run["train_accuracy"][:, -1] == 1).tolist()
    for r in cell.realizations:
        theta = cell.parameters(r)
        assert cell.loss(theta) == pytest.approx(run["train_loss"][r, -1], rel=1e-5)
        assert cell.hessian(theta).trace() == pytest.approx(stored["trace"][r, -1], rel=1e-12)
        assert cell.flatness(r) == pytest.approx(stored["flatness"][r, -1], rel=1e-12, nan_ok=True)


def test_an_experiment_has_its_cells(mnist: Path) -> None:
    cells = Experiment(mnist).cells()
    assert [(cell.eta, cell.B) for cell in cells] == [(eta, B) for eta in (0.01, 0.02) for B in (10, 50, 100)]
    assert repr(Experiment(mnist).cell(0.02, 10)) == repr(cells[3])
    with pytest.raises(UserError, match=r"folder = .*: no trained cell in .*; allowed are folders of one experiment"):
        Experiment(mnist.parent)


def test_arrays_come_from_the_file_that_has_them_with_the_runs_of_their_first_axis(mnist: Path) -> None:
    cell = Cell(mnist, 0.01, 50)
    found = cell.read("flatness", "train_loss", "checkpoint_layer2_bias", "spectrum")
    assert {name: found[name].tolist() for name in ("realization", "checkpoint", "spectrum_realization")} == {
        "realization": [0, 1],
        "checkpoint": [0],
        "spectrum_realization": [0],
    }
    assert found["flatness"].shape == found["train_loss"].shape == (2, len(found["iteration"]))
    assert len(found["checkpoint_layer2_bias"]) == len(found["spectrum"]) == 1
    with pytest.raises(
        UserError, match=r"Cell\(.*\), name of an array = 'flatnes': unknown; .* \(did you mean flatness\?\)"
    ):
        cell.read("flatnes")


def test_parameters_along_a_run_are_those_of_the_kept_runs(mnist: Path) -> None:
    cell = Cell(mnist, 0.01, 50)
    run = cell.read("train_loss")
    assert cell.kept == [0]
    for t, loss in zip(run["iteration"].tolist(), run["train_loss"][0], strict=True):
        assert cell.loss(cell.parameters(0, t=t)) == pytest.approx(loss, rel=1e-5)
    end = cell.parameters(1, t=run["iteration"][-1])  # the end of every run is stored
    assert all(np.array_equal(array, end[name]) for name, array in cell.parameters(1).items())
    with pytest.raises(UserError, match=r"iteration not recorded; allowed are 0, 100, \.\.\., 1000"):
        cell.parameters(0, t=160)
    with pytest.raises(
        UserError, match=r"\)\.parameters\(1, t=100\): .* recording\.checkpoints, here \[0\]; add yours there"
    ):
        cell.parameters(1, t=100)
    with pytest.raises(UserError, match=r"\)\.trajectory\(\): .* recording\.checkpoints, here none; add yours there"):
        Cell(mnist, 0.01, 100).trajectory()


def test_a_barrier_is_that_of_the_workflow(mnist: Path) -> None:
    one, other = Cell(mnist, 0.02, 10), Cell(mnist, 0.01, 50)
    stored = hdf5.read(mnist / "barriers.h5", ["alpha", "path_eta", "path_B", "path_barrier"])
    for eta, B, barrier in zip(stored["path_eta"], stored["path_B"], stored["path_barrier"][:, -1], strict=True):
        ends = [Cell(mnist, *cell).parameters(0) for cell in zip(eta.tolist(), B.tolist(), strict=True)]
        assert one.barrier(*ends, points=len(stored["alpha"])) == pytest.approx(barrier, rel=1e-3, abs=1e-6)
    assert one.barrier(one.parameters(0), other.parameters(0)) > 0


def test_measures_of_flatness_are_those_of_the_workflow(mnist: Path) -> None:
    cell = Cell(mnist, 0.02, 10)
    names = [each.name for each in find_measures("all")]
    stored = cell.read(*names, "flatness", "perturbation_increase_standard_error")
    assert stored["flatness_10"] == pytest.approx(stored["flatness"][:, -1], rel=1e-12, nan_ok=True)
    for r in cell.realizations:
        found = cell.flatness_measures(r)
        assert {*found} > {*names}
        assert found == pytest.approx({name: cell.read(name)[name][r] for name in found}, rel=1e-9, nan_ok=True)
    other = cell.flatness_measures(1, ["perturbation_increase"], perturbation=Perturbation(sigma=0.1))
    assert other["perturbation_increase"] > found["perturbation_increase"]
    along = cell.flatness_measures(1, ["fisher_rao_norm"], t=50)
    assert along["fisher_rao_norm"] > found["fisher_rao_norm"]


def test_the_gradient_noise_is_that_of_the_workflow(mnist: Path, complete: Checkout) -> None:
    cell = Cell(mnist, 0.02, 10)
    stored = hdf5.read(mnist / "gradient_noise/eta0.02_B10_r0-1.h5", ["realization", "iteration", *MEASURES])
    assert stored["realization"].tolist() == [0] and stored["iteration"].tolist() == [0, 250, 500]
    found = cell.gradient_noise(cell.parameters(0, t=250), directions=5, minibatches=20)
    for name in MEASURES:
        assert getattr(found, name) == pytest.approx(stored[name][0, 1], rel=1e-6), name
    other = Cell(complete.root / "results/cifar10", 0.02, 10)
    with pytest.raises(UserError, match=r"layers = \[1\]: layer 1 is a convolution; allowed are .* layers 4, 5"):
        other.gradient_noise(other.parameters(0), layers=[1])


def test_a_cell_or_a_run_that_there_is_not_is_named(mnist: Path) -> None:
    with pytest.raises(UserError, match=r"eta = 0\.05, B = 50: no trained cell in .*; allowed are eta0\.01_B10, "):
        Cell(mnist, 0.05, 50)
    with pytest.raises(UserError, match=r"eta=0\.01, B=100\), realization = 1: unknown; allowed are \[0\]"):
        Cell(mnist, 0.01, 100).parameters(1)


def test_parameters_of_another_network_have_no_loss(mnist: Path, complete: Checkout) -> None:
    cell, theta = Cell(mnist, 0.01, 10), Cell(complete.root / "results/cifar10", 0.02, 10).parameters(0)
    for use in (cell.loss, cell.hessian, lambda wrong: cell.barrier(wrong, cell.parameters(0))):
        with pytest.raises(UserError, match=r"allowed are the parameters of MLP\(sizes=\(784, 24, 24, 10\), "):
            use(theta)


def test_a_run_counts_once_in_stacks_before_and_after_a_change_of_realizations(mnist: Path, tmp_path: Path) -> None:
    os.symlink(mnist / "data.h5", tmp_path / "data.h5")
    for kind in ("train", "curvature"):
        (tmp_path / kind).mkdir()
        shutil.copy(mnist / kind / "eta0.02_B10_r0-1.h5", tmp_path / kind)
        rewrite(mnist / kind / "eta0.02_B10_r0-1.h5", tmp_path / kind / "eta0.02_B10_r0-0.h5", take("realization", [0]))
    whole, joined = Cell(mnist, 0.02, 10), Cell(tmp_path, 0.02, 10)
    assert joined.realizations == [0, 1] and joined.kept == whole.kept
    for name in ("train_loss", "flatness", "checkpoint_layer1_bias"):
        assert np.array_equal(joined.read(name)[name], whole.read(name)[name], equal_nan=True)
    assert joined.loss(joined.parameters(1)) == whole.loss(whole.parameters(1))
    (tmp_path / "curvature/eta0.02_B10_r0-1.h5").unlink()  # training is ahead of the curvature
    with pytest.raises(
        UserError, match=r"curvature: realizations \[0\] of .*; allowed are those of .*train, \[0, 1\]; run"
    ):
        Cell(tmp_path, 0.02, 10).read("flatness")


def test_the_sharpness_and_the_curvature_of_the_whole_network_are_those_of_the_workflow(mnist: Path) -> None:
    cell = Cell(mnist, 0.02, 10)
    theta = cell.parameters(0)
    stored = hdf5.read(mnist / "edge_of_stability/eta0.02_B10_r0-1.h5")
    found = cell.sharpness(theta, minibatches=5)
    assert found.largest == pytest.approx(stored["sharpness"][0, -1], rel=1e-5)
    assert found.batch_error > 0 and stored["edge"] == 2 / 0.02
    whole = hdf5.read(mnist / "layer_curvature/all/eta0.02_B10_r0-1.h5")
    assert whole["eigenvalue"][0, -1, 0] == pytest.approx(found.largest, rel=1e-5)
    assert cell.curvature(theta).trace() == pytest.approx(whole["trace"][0, -1], rel=1e-10)
