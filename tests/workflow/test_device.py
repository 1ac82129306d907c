"""The device on which runs train is no setting of a result."""

from collections import defaultdict

import pytest
from helpers.checkout import Checkout

from sgd_valleys.storage import hdf5

TRAINED = "results/mnist/train/eta0.01_B10_r0-1.h5"


def test_another_device_plans_nothing(finished: Checkout) -> None:
    finished.set({"device": "cuda"})
    assert finished.plan() == {}


@pytest.mark.slow
def test_the_device_of_one_rule_can_be_chosen_on_the_command_line(finished: Checkout) -> None:
    finished.set({"device": "cuda"})
    before = hdf5.read(finished.root / TRAINED)["final_layer1_weight"]
    (finished.root / TRAINED).unlink()
    finished.run(TRAINED, "--set-resources", "train:device=cpu")
    assert hdf5.read_attributes(finished.root / TRAINED)["parameters"]["device"] == "cpu"
    assert (hdf5.read(finished.root / TRAINED)["final_layer1_weight"] == before).all()


def test_the_rules_of_a_group_have_the_same_text_resources(bare: Checkout) -> None:
    groups = defaultdict(list)
    for rule in bare.rules().values():
        groups[rule["group"]].append(rule["resources"])
    assert groups["stack"][0]["device"] == "cpu"
    for members in (members for group, members in groups.items() if group):
        for name in ("device", "data_root"):
            assert len({resources.get(name) for resources in members}) == 1, name
