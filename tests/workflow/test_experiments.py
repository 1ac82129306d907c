"""Other experiments, more runs and diverged runs go through all rules to the figures."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.checkout import ROOT, Checkout, edited
from helpers.paper import FIGURES
from helpers.settings import read_settings
from snakemake.utils import update_config

from sgd_valleys.data import download, images
from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5

pytestmark = pytest.mark.slow


def test_a_diverged_run_and_a_cell_in_several_stacks_go_through_to_the_figures(finished: Checkout) -> None:
    finished.set({"experiments": {"mnist": {"sweep": {"realizations": 3}}}})
    finished.run("--until", "train")
    with edited(finished.root / "results/mnist/train/eta0.02_B10_r0-1.h5") as file:
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
            file[name][0, 3:] = np.nan  # realization 0: in the block of Fig. 1, of Fig. 2B and C, and all of Fig. 3A
        for name in file:
            if name.startswith("final_"):
                file[name][0] = np.nan
            if name.startswith("checkpoint_"):
                file[name][0, 3:] = np.nan
        file["test_error"][0, 3:] = 1
        file["diverged"][0] = 1
    finished.run()

    endpoints = hdf5.read(finished.root / "results/mnist/endpoints.h5")
    cell = list(endpoints["eta"]).index(0.02), list(endpoints["B"]).index(10)
    assert endpoints["diverged"][cell].tolist() == [True, False, False]
    assert endpoints["runs"][cell] == 3
    assert endpoints["convergence_probability"][cell] == pytest.approx(2 / 3)
    assert np.isnan(endpoints["flatness"][cell]).tolist() == [True, False, False]
    assert endpoints["similarity"][cell] < 1
    block = hdf5.read(finished.root / "results/mnist/jaccard.h5")
    lost = (block["block_eta"] == 0.02) & (block["block_B"] == 10)
    assert np.array_equal(np.isnan(block["block_jaccard"]), lost | lost[:, None])
    paths = hdf5.read(finished.root / "results/mnist/barriers.h5")
    assert np.isfinite(paths["path_loss"]).all() and np.isfinite(paths["pair_barrier"]).all()
    assert np.isfinite(paths["block_r_squared"]).tolist() == [True, True, True]  # the first over one run fewer
    branches = hdf5.read(finished.root / "results/mnist/branches/endpoints/eta0.02_B10_r0.h5")
    lost = branches["t_c"] >= 150  # they leave the run after it was lost
    for name in ("flatness", "test_loss", "test_file_loss"):
        assert (np.isnan(branches[name]) == lost).all()
    assert np.isnan(branches["similarity_to_last"]).all() and np.isnan(branches["basin_freezing_time"])
    statistics = hdf5.read(finished.root / "results/mnist/branches/statistics/eta0.02_B10.h5")
    assert np.isfinite(statistics["basin_freezing_time"]).tolist() == [False, True, True]
    assert np.isfinite(statistics["flatness_mean"]).all()
    log = (finished.root / "results/logs/mnist/curvature/eta0.02_B10_r0-1.log").read_text(encoding="utf-8")
    assert "the flatness are NaN, because the network's output is not finite" in log
    assert "top 10 eigenvalues at 14 of 22 points, 8 failures" in log
    assert len(finished.results(".png")) == len(FIGURES)


def test_another_experiment_is_another_entry_of_the_config(checkout: Checkout) -> None:
    config = read_settings()
    update_config(config, yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text(encoding="utf-8")))
    wide = config["experiments"]["mnist"] | {"network": {"name": "mlp", "hidden": [24, 30, 24]}}
    wide["sweep"] |= {"B": [10, 50]}
    checkout.set({"experiments": {"wide": wide}, "figures": {"figS2": {"experiment": "wide"}}})
    checkout.run("results/figures/figS2.png")
    assert {path.name for path in checkout.root.glob("results/mnist/*")} == {"data.h5", "test_file.h5"}  # copied
    path = checkout.root / "results/wide/train/eta0.02_B10_r0-1.h5"
    assert hdf5.read(path, ["final_layer2_weight"])["final_layer2_weight"].shape == (2, 30, 24)


def test_a_file_of_the_users_own_is_a_data_set(checkout: Checkout) -> None:
    rng = np.random.default_rng(0)
    own = checkout.root / "own.npz"

    def write(shift: float) -> None:
        """Write four classes that a network separates at once."""
        label = np.arange(80) % 4
        image = rng.normal(size=(80, 6, 6)) + shift + label[:, None, None]
        parts = {"train": slice(0, 40), "test": slice(40, 80)}
        arrays = {f"{name}_image": image[part] for name, part in parts.items()}
        np.savez(own, **arrays, **{f"{name}_label": label[part] for name, part in parts.items()})

    write(0)
    dataset = {"name": "file", "path": "own.npz", "train_per_class": "all", "test_per_class": 5}
    mnist = {"dataset": dataset, "sweep": {"eta": [0.01], "B": [10, 40], "realizations": 2}}
    alone = yaml.safe_load((ROOT / "config" / "without-controls.yaml").read_text(encoding="utf-8"))["experiments"]
    checkout.set({"experiments": {"mnist": mnist | {"branches": None, "curvature": {"per_class": None}}, **alone}})
    target = "results/figures/figS2.png"
    checkout.run(target)
    data = hdf5.read(checkout.root / "results/mnist/data.h5")
    assert data["train_image"].shape == (40, 1, 6, 6) and data["test_label"].tolist() == np.repeat(range(4), 5).tolist()
    assert len(hdf5.read(checkout.root / "results/mnist/test_file.h5")["test_label"]) == 40
    assert checkout.plan(target) == {}
    checkout.set({"data": {"root": "elsewhere"}})  # other places of the files decide nothing
    assert checkout.plan(target) == {}
    write(1)
    assert "data" in checkout.plan(target) and "train" in checkout.plan(target)


def test_fashion_mnist_is_settings_alone(checkout: Checkout, mnist_root: Path) -> None:
    try:
        download.fetch("fashion_mnist", mnist_root)
    except UserError as error:
        pytest.skip(str(error))
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    shown = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
    before = checkout.plan()
    checkout.set(yaml.safe_load(shown))
    plan = checkout.plan()
    drawn = {rule.removeprefix("figure_fashion") for rule in plan.keys() - before.keys()}
    assert drawn == {"1", "2", "2X", "3", "S2"}
    assert {name for name in plan["train"] if name.startswith("fashion/")} == {
        f"fashion/{name}" for name in before["train"] if "/" not in name
    }
    checkout.run(*(f"results/figures/fashion{name}.png" for name in ("2", "2X", "3")))
    assert not (checkout.root / "results" / "mnist").exists()
    found = hdf5.read(checkout.root / "results/fashion/data.h5")
    raw = images.load("fashion_mnist", mnist_root, 10, 20)
    assert np.array_equal(found["train_image"], raw.train_image)
    assert not np.array_equal(found["train_image"], images.load("mnist", mnist_root, 10, 20).train_image)
    run = hdf5.read(checkout.root / "results/fashion/train/eta0.02_B10_r0-1.h5")
    assert (run["train_loss"][:, -1] < run["train_loss"][:, 0] / 2).all()
