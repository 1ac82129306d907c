"""Branches start where the SGD run was, descend on their own, and are compared at the same total iteration."""

from pathlib import Path

import numpy as np
import pytest
from helpers.checkout import Checkout, edited

from sgd_valleys.data import images
from sgd_valleys.measures import curvature, similarity
from sgd_valleys.measures.basins import basin_freezing_time
from sgd_valleys.measures.freezing import freezing_time
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.storage import hdf5

FOLDER = Path("results/mnist/branches")
RUN, REFERENCE = "eta0.02_B10_r0.h5", "eta0.02_B10_r1.h5"
STACK = "results/mnist/train/eta0.02_B10_r0-1.h5"
SERIES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "test_error")


def branches_of(checkout: Checkout, kind: str, run: str = RUN) -> dict[str, np.ndarray]:
    return hdf5.read(checkout.root / FOLDER / kind / run)


@pytest.mark.parametrize("run", [RUN, REFERENCE])
def test_the_branch_at_0_is_gradient_descent_from_the_initialization(complete: Checkout, run: str) -> None:
    branches = branches_of(complete, "train", run)
    descent = hdf5.read(complete.root / "results/mnist/train/eta0.02_B100_r0-0.h5")
    assert np.array_equal(branches["iteration"], descent["iteration"])
    for name in SERIES:
        assert np.array_equal(branches[name][0], descent[name][0]), name
    for name in MLP((784, 24, 24, 10)).names():
        assert np.array_equal(branches[f"final_{name}"][0], descent[f"final_{name}"][0])


@pytest.mark.parametrize(("run", "row"), [(RUN, 0), (REFERENCE, 1)])
def test_a_branch_starts_with_what_the_run_recorded_there(complete: Checkout, run: str, row: int) -> None:
    branches, sgd = branches_of(complete, "train", run), hdf5.read(complete.root / STACK)
    assert branches["t_c"].tolist() == [0, 50, 100, 150, 200]
    times = np.searchsorted(sgd["iteration"], branches["t_c"])
    for name in SERIES:
        assert np.array_equal(branches[name][:, 0], sgd[name][row, times]), name


def test_what_the_run_does_after_its_last_branch_plays_no_part(complete: Checkout, finished: Checkout) -> None:
    path = finished.root / STACK
    with edited(path) as file:
        for name, dataset in list(file.items()):
            axes = [dim[0].name for dim in dataset.dims if len(dim)]
            if "/time" in axes:  # all that follows t_c = 200, the losses with it, is taken out of the file
                cut = tuple(slice(0, 5) if axis == "/time" else slice(None) for axis in axes)
                values = dataset[cut]
                del file[name]
                file[name] = values
                for axis, label in enumerate(axes):
                    if label != "/time":
                        file[name].dims[axis].attach_scale(file[label])
        del file["iteration"]
        file["iteration"] = 50 * np.arange(5)
        del file["time"]
        file["time"] = np.arange(5)
        file["time"].make_scale("time")
        for name, dataset in file.items():
            if name.startswith("checkpoint_"):
                dataset.dims[1].attach_scale(file["time"])
        file["iteration"].dims[0].attach_scale(file["time"])
    assert hdf5.read(path, ["checkpoint_layer2_weight"])["checkpoint_layer2_weight"].shape[1] == 5
    for run in (RUN, REFERENCE):
        (finished.root / FOLDER / "train" / run).unlink()
    finished.run("--until", "branch", "--rerun-triggers", "params")
    for run in (RUN, REFERENCE):
        name = FOLDER / "train" / run
        assert (finished.root / name).read_bytes() == (complete.root / name).read_bytes()


@pytest.mark.parametrize("run", [RUN, REFERENCE])
def test_final_values_are_those_at_the_end_of_the_run_in_total(complete: Checkout, run: str) -> None:
    branches, ends = branches_of(complete, "train", run), branches_of(complete, "endpoints", run)
    for b, t in enumerate(branches["t_c"]):
        k = list(branches["iteration"]).index(500 - t)
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
            assert ends[name][b] == branches[name][b, k]
        if run == REFERENCE:
            assert np.array_equal(branches["final_layer2_weight"][b], branches["checkpoint_layer2_weight"][b, k])
    error = branches["test_error"][np.arange(5), branches["final"]]
    assert np.array_equal(ends["jaccard"], similarity.jaccard(error))
    assert np.array_equal(ends["similarity_to_last"], ends["jaccard"][-1])


def test_branches_of_other_runs_end_with_the_run(complete: Checkout) -> None:
    train_loss = branches_of(complete, "train")["train_loss"]
    assert np.isfinite(train_loss).sum(axis=1).tolist() == [11, 10, 9, 8, 7]
    assert np.isfinite(branches_of(complete, "train", REFERENCE)["train_loss"]).all()


def test_flatness_is_that_of_the_final_parameters(complete: Checkout) -> None:
    images = hdf5.read(complete.root / "results/mnist/data.h5", ["train_image"])["train_image"]
    inputs = images.reshape(len(images), -1).astype(float)
    network = MLP((784, 24, 24, 10))
    branches, ends = branches_of(complete, "train"), branches_of(complete, "endpoints")
    for b in range(5):
        parameters = {name: branches[f"final_{name}"][b].astype(float) for name in network.names()}
        spectrum = curvature.LayerHessian(network.linearize(parameters, inputs, layer=2)).spectrum()
        assert ends["flatness"][b] == pytest.approx(np.exp(-np.log(spectrum[:10]).mean()), rel=1e-6)


def test_only_the_reference_is_followed_along_its_branches(complete: Checkout) -> None:
    along = branches_of(complete, "curvature", REFERENCE)["flatness"]
    assert along.shape == (5, 11)
    assert np.isfinite(along).sum(axis=1).tolist() == [11, 10, 9, 8, 7]  # up to the run's end
    end = branches_of(complete, "curvature")["flatness"]
    assert np.isfinite(end).sum(axis=1).tolist() == [1] * 5
    # where a branch leaves the run, both have the same parameters; the run of the reference is followed too
    run = hdf5.read(complete.root / STACK.replace("/train/", "/curvature/"))["flatness"][1]
    assert along[:, 0] == pytest.approx(run[:5], rel=1e-9)


def test_both_freezing_times_are_those_of_the_run_and_of_its_branches(complete: Checkout) -> None:
    ends, sgd = branches_of(complete, "endpoints"), hdf5.read(complete.root / STACK)
    assert ends["freezing_time"] == freezing_time(sgd["iteration"], sgd["train_loss"][0], 0.1)
    assert ends["basin_freezing_time"] == basin_freezing_time(ends["t_c"], ends["similarity_to_last"], 0.9)


def test_the_whole_test_file_is_scored(complete: Checkout) -> None:
    whole = hdf5.read(complete.root / "results/mnist/test_file.h5")
    assert whole["test_image"].shape == (10_000, 1, 28, 28)
    some = hdf5.read(complete.root / "results/mnist/data.h5")
    for label in range(10):
        first = whole["test_image"][whole["test_label"] == label][:20]
        assert np.array_equal(first, some["test_image"][some["test_label"] == label])
    branches, ends = branches_of(complete, "train"), branches_of(complete, "endpoints")
    network = MLP((784, 24, 24, 10))
    parameters = {name: branches[f"final_{name}"][2] for name in network.names()}
    logits = network.forward(parameters, whole["test_image"].reshape(10_000, -1))
    assert ends["test_file_accuracy"][2] == (logits.argmax(axis=1) == whole["test_label"]).mean()
    assert ends["test_file_loss"][2] == pytest.approx(cross_entropy(logits, whole["test_label"]))


def test_the_test_file_is_that_of_the_data_set(mnist_root: Path) -> None:
    image, label = images.load_test_file("mnist", mnist_root)
    assert np.bincount(label).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert image.dtype == np.float32 and image.min() == -1 and image.max() == 1


def test_a_diverged_reference_is_refused_by_name(finished: Checkout) -> None:
    with edited(finished.root / STACK) as file:
        for name in file:
            if name.startswith("checkpoint_layer"):
                file[name][1, 3:] = np.nan
    target = FOLDER / "train" / REFERENCE
    (finished.root / target).unlink()
    ended = finished.snakemake(str(target), "--rerun-triggers", "params")
    assert ended.returncode != 0 and "Traceback" not in ended.stdout
    assert (
        "experiments.mnist.branches.reference = {eta: 0.02, B: 10, realization: 1}: diverged by iteration 150; "
        in ended.stdout
    )
    assert not (finished.root / target).exists()
