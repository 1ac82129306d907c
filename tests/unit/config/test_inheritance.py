"""Experiments take over settings from others, and a configuration can be written as an overlay."""

import pytest
import yaml
from helpers.settings import read_paper, update

from sgd_valleys.config.inheritance import as_overlay, changes, resolve_inheritance
from sgd_valleys.errors import UserError


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (
            {"like": ["mnist"]},
            r"experiments\.fashion\.like = \['mnist'\]: unknown; allowed are mnist, cifar10",
        ),
        (
            {"like": "cifar100"},
            r"fashion\.like = 'cifar100': unknown; allowed are mnist, cifar10, fashion \(did you mean",
        ),
        ({"like": "fashion"}, r"fashion\.like = fashion: circular inheritance \(fashion is like fashion\)"),
    ],
)
def test_an_experiment_can_be_like_another_one_only(other: dict, sentence: str) -> None:
    config = read_paper()
    with pytest.raises(UserError, match=sentence):
        resolve_inheritance(config["experiments"] | {"fashion": other})


@pytest.mark.parametrize("nothing", [None, ["mnist"]])
def test_experiments_have_names(nothing: object) -> None:
    with pytest.raises(UserError, match=r"config: experiments = .*: not a section; allowed are settings by the names"):
        resolve_inheritance(nothing)


def test_an_experiment_takes_over_what_it_does_not_say_itself() -> None:
    experiments = {
        "mnist": {"dataset": {"name": "mnist", "train_per_class": 100}, "layer": 2, "branches": {"points": 101}},
        "deep": {"like": "fashion", "layer": 3},
        "fashion": {"like": "mnist", "dataset": {"name": "fashion_mnist"}, "branches": None},
    }
    dataset = {"name": "fashion_mnist", "train_per_class": 100}
    found = resolve_inheritance(experiments)
    assert found["mnist"] == experiments["mnist"]
    assert resolve_inheritance(experiments | {"fashion": None, "deep": None}) == {"mnist": experiments["mnist"]}
    assert found["fashion"] == {"dataset": dataset, "layer": 2}
    assert found["deep"] == {"dataset": dataset, "layer": 3}


def test_settings_that_are_written_down_come_back() -> None:
    overlay = {
        "seed": 3,
        "experiments": {
            "cifar10": None,
            "mnist": {"branches": None, "sweep": {"B": [100, 1000]}, "curvature": {"tolerance": 1e-8}},
            "fashion": {"like": "mnist", "dataset": {"name": "fashion_mnist"}},
        },
    }
    paper, config = read_paper(), read_paper()
    update(config, overlay)
    config["experiments"] = resolve_inheritance(config["experiments"])
    written = yaml.safe_load(yaml.safe_dump(as_overlay(paper, config), sort_keys=False))
    again = read_paper()
    update(again, written)
    again["experiments"] = resolve_inheritance(again["experiments"])
    assert again == config
    assert list(written["experiments"]["mnist"]) == [*config["experiments"]["mnist"], "branches"]
    changed = {name: (there, here) for name, there, here in changes(paper, written)}
    assert changed["seed"] == (paper["seed"], 3)
    assert changed["experiments.mnist.sweep.B"] == ([10, 20, 50, 100, 200, 500, 1000], [100, 1000])
    assert changed["experiments.cifar10"][1] is None and changed["experiments.mnist.branches"][1] is None
    assert changed["experiments.fashion"][1]["dataset"]["name"] == "fashion_mnist"
    assert len(changed) == 6
