"""Every example of docs/training.md runs, and every setting has an effect."""

import re
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.checkout import ROOT, Checkout
from helpers.settings import checked, read_settings
from snakemake.utils import update_config

from sgd_valleys.storage import hdf5
from sgd_valleys.storage.parameters import read_parameters

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
ARMS = {name: arm for example in EXAMPLES for name, arm in example["experiments"].items() if "like" in arm}
# one cell of two runs; the branches of the run of realization 1
SMALL = {
    "sweep": {"eta": [0.02], "B": [10], "realizations": 2},
    "branches": {"runs": [{"eta": "all", "B": "all", "realizations": [1]}]},
}
RUN, DESCENT = "eta0.02_B10_r0-1", "eta0.02_B10_r0-0"
BRANCHED = ("copies", "perturbed")  # arms that differ from the paper in their branches alone


def overlay(*examples: dict[str, Any]) -> dict[str, Any]:
    """The examples in one configuration, without figures."""
    whole: dict[str, Any] = {"experiments": {"mnist": {**SMALL, "template": True}, "cifar10": {"template": True}}}
    whole |= {"two_valley": None, "figures": dict.fromkeys(_figures())}
    for example in examples:
        update_config(
            whole["experiments"], {name: arm for name, arm in example["experiments"].items() if "like" in arm}
        )
    return whole


def _figures() -> list[str]:
    names = read_settings()["figures"]
    return [name for name in names if name != "style"]


def run_of(arm: str) -> str:
    return DESCENT if arm == "descent" else RUN


def read(checkout: Checkout, arm: str, kind: str = "train", run: str = "") -> dict[str, np.ndarray]:
    return hdf5.read(checkout.root / "results" / arm / kind / f"{run or run_of(arm)}.h5")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: "-".join(example["experiments"]))
@pytest.mark.parametrize("scale", ["config/preview.yaml", "tests/tiny.yaml"])
def test_every_example_is_a_valid_configuration(example: dict, scale: str) -> None:
    _, experiments = checked(scale, example)
    assert set(example["experiments"]) <= set(experiments)


@pytest.fixture(scope="module")
def arms(bare: Checkout, copy_of) -> Checkout:
    """All arms of the page, trained."""
    checkout = copy_of(bare)
    checkout.set(overlay(*EXAMPLES))
    trained = [f"results/{name}/train/{run_of(name)}.h5" for name in ARMS]
    measured = [f"results/{name}/endpoints.h5" for name in ("squares", "smooth", "starts", "descent")]
    branched = [f"results/{name}/branches/endpoints/eta0.02_B10_r1.h5" for name in ("copies", "perturbed")]
    checkout.run(*trained, *measured, *branched)
    return checkout


@pytest.mark.slow
def test_every_example_trains(arms: Checkout) -> None:
    trained = {name: read(arms, name) for name in ARMS}
    for name, run in trained.items():
        assert np.isfinite(run["train_loss"]).all(), name
        assert (run["train_loss"][:, -1] < run["train_loss"][:, 0]).all(), name
    ends = {name: run["final_layer2_weight"].tobytes() for name, run in trained.items() if name not in BRANCHED}
    assert len(set(ends.values())) == len(ends)  # no setting is without effect


@pytest.mark.slow
def test_units_are_those_of_the_loss(arms: Checkout) -> None:
    for arm, units in (("squares", "1"), ("smooth", "nat")):
        assert hdf5.describe(arms.root / f"results/{arm}/train/{RUN}.h5")["train_loss"].units == units
        assert hdf5.describe(arms.root / f"results/{arm}/curvature/{RUN}.h5")["eigenvalue"].units == units
        assert hdf5.describe(arms.root / f"results/{arm}/endpoints.h5")["test_file_loss"].units == units


@pytest.mark.slow
def test_all_arms_share_images_and_initialization(arms: Checkout) -> None:
    plain = read(arms, "copies")
    for name in ARMS:
        run, data = read(arms, name), hdf5.read(arms.root / f"results/{name}/data.h5")
        images = hdf5.read(arms.root / "results/copies/data.h5")
        assert np.array_equal(data["train_image"], images["train_image"])
        initial = run["initial_layer1_weight"]
        assert np.array_equal(initial if initial.ndim == 2 else initial[0], plain["initial_layer1_weight"])
        changed = (data["train_label"] != images["train_label"]).sum()
        assert changed == (10 if name == "noisy_labels" else 0)  # a tenth of 100


@pytest.mark.slow
def test_noise_that_ends_leaves_the_time_before_as_it_was(arms: Checkout) -> None:
    plain, early = (read(arms, name)["train_loss"] for name in ("copies", "early_noise"))
    assert np.array_equal(early[:, :4], plain[:, :4]) and not (early[:, 4:] == plain[:, 4:]).any()


@pytest.mark.slow
def test_two_initializations_are_two_starts(arms: Checkout) -> None:
    start = read(arms, "starts")["initial_layer1_weight"]
    assert start.shape[0] == 2 and not np.array_equal(start[0], start[1])


@pytest.mark.slow
def test_branches_with_the_minibatches_of_their_run_stay_near_it(arms: Checkout) -> None:
    branches = read(arms, "perturbed", "branches/train", "eta0.02_B10_r1")
    assert branches["t_c"].tolist() == np.repeat(np.unique(branches["t_c"]), 2).tolist()
    assert branches["copy"].tolist() == [0, 1] * (len(branches["t_c"]) // 2)
    ends = read_parameters(arms.root / f"results/perturbed/train/{RUN}.h5", "final")
    found = read_parameters(arms.root / "results/perturbed/branches/train/eta0.02_B10_r1.h5", "final")

    def distance(parameters: dict[str, np.ndarray]) -> np.ndarray:
        """That of several networks from the run that was branched."""
        squares = ((array - ends[name][1]) ** 2 for name, array in parameters.items())
        return np.sqrt(sum(each.reshape(len(each), -1).sum(axis=1) for each in squares))

    other_run = distance(ends)[0]
    assert (distance(found) > 5e-4).all()  # displaced by 0.001
    assert (distance(found) < other_run / 3).all()


@pytest.mark.slow
def test_copies_with_minibatches_of_their_own_end_elsewhere(arms: Checkout) -> None:
    ends = read_parameters(arms.root / "results/copies/branches/train/eta0.02_B10_r1.h5", "final")["layer2_weight"]
    assert not (ends[::2] == ends[1::2]).all(axis=(1, 2)).any()


@pytest.mark.slow
def test_another_arm_changes_nothing_else(arms: Checkout, copy_of) -> None:
    checkout = copy_of(arms)
    before = {name: (checkout.root / f"results/{name}/train/{RUN}.h5").read_bytes() for name in ("gaussian", "middle")}
    checkout.set({"experiments": {"more": {"like": "gaussian", "training": {"noise_scale": 2.0}}}})
    names = [f"results/{name}/train/{RUN}.h5" for name in (*before, "more")]
    plan = checkout.plan(*names)
    assert plan["train"] and all(name.startswith("more") for jobs in plan.values() for name in jobs)
    checkout.run(f"results/more/train/{RUN}.h5")
    assert all((checkout.root / f"results/{name}/train/{RUN}.h5").read_bytes() == old for name, old in before.items())
