"""The files of the tiny run are self-describing, and what they hold agrees."""

import re

import numpy as np
import pytest
import xarray
from helpers.checkout import Checkout

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures.curvature import LayerHessian
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.storage import hdf5


def test_every_training_log_says_its_iterations(complete: Checkout) -> None:
    logs = sorted(complete.root.glob("results/logs/mnist/train/*.log"))
    assert len(logs) == 6
    for log in logs:
        eta = re.match(r"eta([0-9.]+)_", log.name)[1]
        assert f" {round(10 / float(eta))} iterations" in log.read_text(encoding="utf-8")


def test_every_file_opens_in_xarray_with_named_axes(complete: Checkout) -> None:
    paths = sorted((complete.root / "results").rglob("*.h5"))
    assert len(paths) > 150
    for path in paths:
        with xarray.open_dataset(path, engine="h5netcdf") as found:
            for name, array in found.variables.items():
                assert not [dim for dim in array.dims if dim.startswith("phony")], (path.name, name)
                assert array.attrs["long_name"], (path.name, name)
                assert array.attrs["units"], (path.name, name)


def test_the_convolutional_network_goes_through_the_same_rules(complete: Checkout) -> None:
    folder = complete.root / "results/cifar10"
    run = hdf5.read(folder / "train/eta0.05_B10_r0-1.h5")
    assert run["initial_layer1_weight"].shape == (4, 3, 3, 3) and run["final_layer1_weight"].shape == (2, 4, 3, 3, 3)
    assert run["checkpoint"].tolist() == [0]
    # what is stored is the network's: its loss, and the curvature of its last layer on the first two images a class
    settings = {"network": {"name": "cnn", "channels": [4, 4, 4], "hidden": [8]}, "classes": 10}
    network, samples = load_network_and_samples(folder / "data.h5", settings, ["train"])
    images, labels = samples["train"]
    parameters = {name: run[f"final_{name}"][1].astype(np.float64) for name in network.names()}
    loss = cross_entropy(network.forward(parameters, images.astype(np.float64)), labels)
    assert run["train_loss"][1, -1] == pytest.approx(loss, rel=1e-5)
    few = np.concatenate([np.flatnonzero(labels == c)[:2] for c in range(10)])
    hessian = LayerHessian(network.linearize(parameters, images[few].astype(np.float64), 5))
    bent = hdf5.read(folder / "curvature/eta0.05_B10_r0-1.h5")
    assert bent["eigenvalue"][1, -1] == pytest.approx(hessian.spectrum()[:10], rel=1e-9)
    assert np.isfinite(bent["flatness"][0]).all()


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_trends_are_of_what_the_figures_show(complete: Checkout, name: str) -> None:
    folder = complete.root / "results" / name
    found, ends = hdf5.read(folder / "cell_maps.h5"), hdf5.read(folder / "endpoints.h5")
    for shared in ("similarity", "convergence_probability"):
        assert found[shared] == pytest.approx(ends[shared], nan_ok=True)
    times = hdf5.read(folder / "freezing.h5", ["freezing_time"])["freezing_time"][0]
    mean = np.nansum(times, axis=-1) / np.isfinite(times).sum(axis=-1)  # every cell has runs that freeze
    assert found["eta_t_freeze"] == pytest.approx(ends["eta"][:, None] * mean)
    rates, sizes = np.meshgrid(found["eta"], found["B"], indexing="ij")
    noise = rates * (1 / sizes - 1 / {"mnist": 100, "cifar10": 40}[name])  # of as many images
    assert found["noise"] == pytest.approx(noise, abs=1e-15)
    assert np.isnan(found["similarity_interval"]).all()  # two runs a cell
