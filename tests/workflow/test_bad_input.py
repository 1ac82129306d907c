"""What is wrong with the settings, the data or the disk is told in a sentence, and leaves nothing that looks whole."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from helpers.checkout import ROOT, Checkout
from snakemake.utils import update_config

from sgd_valleys.config import validation
from sgd_valleys.data.registry import DATA_SETS
from sgd_valleys.errors import UserError

CHANGES = {
    "an unknown key": (
        "sweep: {batch_sizes: [10]}",
        r"experiments\.mnist\.sweep has no setting batch_sizes: there are B, eta, .*stack",
    ),
    "no divisor": ("sweep: {B: [10, 30, 100]}", r"experiments\.mnist\.sweep\.B: 30 does not divide .* of 100 samples"),
    "a negative rate": ("sweep: {eta: [0.01, -0.02]}", r"sweep\.eta\[1\] is -0\.02: it has to be greater than 0"),
    "a rate in words": ("sweep: {eta: [fast, 0.02]}", r"sweep\.eta\[0\] is 'fast': it has to be of type number"),
    "1e-3": ("sweep: {eta: [1e-3]}", r"sweep\.eta\[0\] is the text '1e-3': write it as a plain decimal, 0\.001"),
    "no realization": ("sweep: {realizations: 0}", r"sweep\.realizations is 0: it has to be at least 1"),
    "an absent setting": ("sweep: null", r"experiments\.mnist\.sweep is None: it has to be of type object"),
    "no whole steps": (
        "sweep: {eta_T: 10.01}",
        r"sweep\.eta: with eta = 0\.01 a run lasts .* 1001 iterations, .*cannot",
    ),
    "a rate not run": ("projection: {block: {eta: [0.05, 0.01]}}", r"projection\.block: eta = 0\.05 is not in sweep"),
    "a run not run": (
        "curvature: {spectrum: [{eta: all, B: [100], realizations: [1]}]}",
        r"curvature\.spectrum: realization 1 does not exist: gradient descent has realization 0 alone",
    ),
    "more eigenvalues than there are": ("curvature: {N: 576}", r"curvature\.N is 576: .*576"),
    "no other threshold": ("freezing: {robustness: []}", r"freezing\.robustness has 0 entries: it needs at least 1"),
    "a rate without end": ("sweep: {eta: [.inf]}", r"sweep\.eta\[0\] is inf: it has to be a finite number"),
    "a block not kept": (
        "recording: {checkpoints: []}",
        r"projection\.block: the run of eta = 0\.01, B = 50, realization 0 is kept whole nowhere",
    ),
    "no spectrum to draw": (
        "curvature: {spectrum: []}",
        r"figures\.figS1: no whole spectrum is taken of eta = 0\.01, B = 10, realization 0",
    ),
    "flatness not followed": (
        "curvature: {along: [{eta: [0.01], B: all, realizations: all}]}",
        r"figures\.fig3\.eta: no run of eta = 0\.02, B = 10 has its flatness taken along its way",
    ),
    "a whole number with a point": ("sweep: {B: [10.0, 100]}", r"sweep\.B\[0\] is 10\.0: it has to be of type integer"),
    "too large a spectrum": (
        "{network: {hidden: [24, 24]}, layer: 1}",
        r"curvature\.spectrum: layer 1 has 18816 weights, .* at most 10000",
    ),
    "a branch beyond the run": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 550, step: 50}, "
        "iterations: 500}]}",
        r"branches\.runs\[0\]\.t_c: 550 is beyond the run of eta = 0\.02, which lasts 500 iterations",
    ),
    "a branch off the checkpoints": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 100, step: 25}, "
        "iterations: 500}]}",
        r"branches\.runs\[0\]\.t_c: 25 is no checkpoint of a run of eta = 0\.02, .* every 50 iterations",
    ),
    "branches in broken steps": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 220, step: 50}, "
        "iterations: 500}]}",
        r"branches\.runs\[0\]\.t_c goes from 0 to 220 in steps of 50: it has to reach its last in at least two whole",
    ),
    "a branch without a final value": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 200, step: 50}, "
        "iterations: 400}]}",
        r"branches\.runs\[0\]\.iterations: the branch from t_c = 0 is .* not at its 500th, the end of the run",
    ),
    "a branch that cannot be recorded": (
        "branches: {points: 12}",
        r"branches\.runs\[0\]\.iterations: 500 cannot be recorded at branches\.points = 12 ",
    ),
    "a branched run that does not exist": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: [2], t_c: {first: 0, last: 200, step: 50}, "
        "iterations: 500}]}",
        r"branches\.runs\[0\]: realization 2 does not exist: the sweep has 0 to 1",
    ),
    "a reference not in the sweep": (
        "branches: {reference: {eta: 0.05}}",
        r"branches\.reference: eta = 0\.05 is not in sweep\.eta",
    ),
    "a reference that does not exist": (
        "branches: {reference: {realization: 7}}",
        r"branches\.reference: realization 7 does not exist: the sweep has 0 to 1",
    ),
    "a reference that is not branched": (
        "branches: {reference: {B: 50}}",
        r"branches\.reference: the run of eta = 0\.02, B = 50, realization 1 is not branched: name it",
    ),
    "a cell branched twice": (
        "branches: {runs: [&a {eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 200, step: 50}, "
        "iterations: 500}, *a]}",
        r"branches\.runs\[1\]: eta = 0\.02, B = 10 is branched by two entries",
    ),
    "a rate of branches in words": (
        "branches: {eta: slow}",
        r"branches\.eta is 'slow': it may be same, or a number greater than 0",
    ),
    "an mlp with channels": ("network: {channels: [4]}", r"network\.channels: an mlp has none"),
    "a network of no kind": ("network: {name: vit}", r"network\.name is 'vit': it may be mlp, cnn"),
    "a cnn without channels": ("network: {name: cnn}", r"network: a cnn needs channels"),
    "more convolutions than the image bears": (
        "network: {name: cnn, channels: [4, 4, 4, 4, 4]}",
        r"network\.channels names 5 convolutions, .* mnist's 28 pixels bear 4",
    ),
    "the curvature of a convolution": (
        "{network: {name: cnn, channels: [4, 4]}, layer: 1}",
        r"layer is 1: curvature is taken of a fully connected layer, and the network has layers 3 to 5 of these",
    ),
    "a layer too many": ("layer: 4", r"layer is 4: curvature is .* the network has layers 1 to 3 of these"),
    "a part in words": (
        "dataset: {train_per_class: half}",
        r"dataset\.train_per_class is 'half': it may be all, or a whole number greater than 0",
    ),
    "curvature on more images than there are": (
        "curvature: {per_class: 11}",
        r"curvature\.per_class is 11: dataset\.train_per_class has 10",
    ),
    "a data set that is not known": (
        "dataset: {name: imagenet}",
        r"dataset\.name is 'imagenet': it may be mnist, fashion_mnist, cifar10",
    ),
    "a selection in words": (
        "recording: {checkpoints: [{eta: some, B: all, realizations: all}]}",
        r"recording\.checkpoints\[0\]\.eta",
    ),
}


def told(checkout: Checkout, *arguments: str, **options: Any) -> str:
    """What Snakemake says when it has to fail: one sentence of ours, no traceback, nothing half-made."""
    ended = checkout.snakemake(*arguments, **options)
    assert ended.returncode != 0, ended.stdout
    assert "Traceback" not in ended.stdout, ended.stdout
    assert not list((checkout.root / "results").rglob("*.part"))
    return ended.stdout


@pytest.mark.parametrize("change", CHANGES)
def test_wrong_settings_are_named(change: str) -> None:
    text, sentence = CHANGES[change]
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text()))
    schema = ROOT / "workflow" / "schemas" / "config.schema.yaml"
    validation.check(config, schema)
    update_config(config["experiments"]["mnist"], yaml.safe_load(text))
    with pytest.raises(UserError, match=rf"^config: .*{sentence}") as error:
        validation.check(config, schema)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


MODEL_CHANGES = {
    "negative noise": (
        "phase_diagrams: {H: {sigma: {first: -0.1}}}",
        r"phase_diagrams\.H\.sigma\.first is -0\.1: it has to be greater than 0",
    ),
    "a rate of 0": ("occupancy: {eta: 0}", r"two_valley\.occupancy\.eta is 0: it has to be greater than 0"),
    "a sharp valley that is the flatter": (
        "landscape: {x2: 0.9}",
        r"two_valley\.landscape: x1 = 0\.8, x2 = 0\.9: the flat valley is not the flatter one; x1 has to exceed x2",
    ),
    "an empty grid": (
        "phase_diagrams: {H: {eta: {points: 0}}}",
        r"phase_diagrams\.H\.eta\.points is 0: it has to be at least 1",
    ),
    "a grid that descends": (
        "phase_diagrams: {H: {eta: {last: 0.001}}}",
        r"phase_diagrams\.H\.eta goes from 0\.01 to 0\.001 in 2 points: it has to ascend",
    ),
    "no noise": ("occupancy: {sigma: []}", r"two_valley\.occupancy\.sigma has 0 entries: it needs at least 1"),
    "an unknown noise": (
        "phase_diagrams: {H: {noise: white}}",
        r"two_valley\.phase_diagrams\.H\.noise is 'white': it may be H, H2, isotropic",
    ),
    "a grid of one value over": (
        "phase_diagrams: {H: {eta: {last: 0.0100001, points: 50}}}",
        r"phase_diagrams\.H\.eta: 50 points from 0\.01 to 0\.0100001 are not distinct to 6 digits",
    ),
    "a grid in words": ("phase_diagrams: {H: {eta: many}}", r"phase_diagrams\.H\.eta is 'many': it "),
    "a start outside": (
        "occupancy: {start: {x: 0.7}}",
        r"two_valley\.occupancy\.start\.x is 0\.7: it has to lie inside both valleys, below x2 = 0\.65",
    ),
    "a diagram of another noise": (
        "continuous_time: {diagram: H2}",
        r"continuous_time\.diagram is H2, of noise H2: the theory .* is of noise H",
    ),
    "a diagram that is not there": ("continuous_time: {diagram: H3}", r"continuous_time\.diagram is H3: .* has H, H2"),
    "records that do not fit": (
        "occupancy: {points: 8}",
        r"two_valley\.occupancy\.iterations: 200 cannot be recorded at points = 8 ",
    ),
    "more trajectories than runs": ("occupancy: {trajectories: 9}", r"trajectories is 9: there are 8 runs"),
    "gamma below 1": ("theory: {gamma: {first: 0.9}}", r"theory\.gamma\.first is 0\.9: it has to be at least 1"),
}


@pytest.mark.parametrize("change", MODEL_CHANGES)
def test_wrong_settings_of_the_model_are_named(change: str) -> None:
    text, sentence = MODEL_CHANGES[change]
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text()))
    update_config(config["two_valley"], yaml.safe_load(text))
    with pytest.raises(UserError, match=rf"^config: .*{sentence}") as error:
        validation.check(config, ROOT / "workflow" / "schemas" / "config.schema.yaml")
    assert "\n" not in str(error.value)


def test_a_diagram_that_is_not_there_cannot_be_drawn() -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["figures"]["fig5"]["diagram"] = "H3"
    with pytest.raises(UserError, match=r"figures\.fig5\.diagram is H3: two_valley\.phase_diagrams has H, H2\."):
        validation.check(config, ROOT / "workflow" / "schemas" / "config.schema.yaml")


def test_an_unstable_rate_is_a_warning_with_its_bound() -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert validation.warnings(config) == []
    config["two_valley"]["occupancy"]["eta"] = 0.3
    (sentence,) = validation.warnings(config)
    assert re.search(r"two_valley\.occupancy\.eta: at eta = 0\.3 .* needs eta < f_2\(y\), which is 0\.194 at", sentence)


def test_a_branch_that_is_not_there_cannot_be_drawn() -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    schema = ROOT / "workflow" / "schemas" / "config.schema.yaml"
    config["figures"]["fig4"]["t_c"] = [0, 30]
    with pytest.raises(
        UserError, match=r"figures\.fig4\.t_c: 30 is no branch of the reference run: .* 0, 20, \.\.\., 1000"
    ):
        validation.check(config, schema)
    del config["experiments"]["mnist"]["branches"]
    with pytest.raises(UserError, match=r"figures\.fig4\.experiment: mnist has no setting branches to show"):
        validation.check(config, schema)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"like": ["mnist"]}, r"experiments\.fashion\.like is \['mnist'\]: the experiments are mnist, cifar10"),
        ({"like": "cifar100"}, r"experiments\.fashion\.like is cifar100: the experiments are mnist, cifar10, fashion"),
        ({"like": "fashion"}, r"experiments\.fashion\.like: fashion is like fashion: break the circle"),
    ],
)
def test_an_experiment_can_be_like_another_one_only(other: dict, sentence: str) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    with pytest.raises(UserError, match=sentence):
        validation.alike(config["experiments"] | {"fashion": other})


@pytest.mark.parametrize("nothing", [None, ["mnist"]])
def test_experiments_have_names(nothing: object) -> None:
    with pytest.raises(UserError, match=r"config: experiments is .*: it has to be settings by the experiments' names"):
        validation.alike(nothing)


def test_an_experiment_takes_over_what_it_does_not_say_itself() -> None:
    experiments = {
        "mnist": {"dataset": {"name": "mnist", "train_per_class": 100}, "layer": 2, "branches": {"points": 101}},
        "deep": {"like": "fashion", "layer": 3},
        "fashion": {"like": "mnist", "dataset": {"name": "fashion_mnist"}, "branches": None},
    }
    dataset = {"name": "fashion_mnist", "train_per_class": 100}
    found = validation.alike(experiments)
    assert found["mnist"] == experiments["mnist"]
    assert validation.alike(experiments | {"fashion": None, "deep": None}) == {"mnist": experiments["mnist"]}
    assert found["fashion"] == {"dataset": dataset, "layer": 2}
    assert found["deep"] == {"dataset": dataset, "layer": 3}


@pytest.mark.parametrize(
    ("figure", "setting"), [("fig1", "barriers"), ("fig2", "projection.cells"), ("fig4", "branches")]
)
def test_a_figure_needs_what_it_shows(figure: str, setting: str) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["figures"][figure]["experiment"] = "cifar10"
    with pytest.raises(
        UserError, match=rf"figures\.{figure}\.experiment: cifar10 has no setting {re.escape(setting)} to show"
    ):
        validation.check(config, ROOT / "workflow" / "schemas" / "config.schema.yaml")


@pytest.mark.parametrize("change", ["an unknown key", "no divisor", "1e-3"])
def test_wrong_settings_stop_snakemake_before_anything_runs(change: str, checkout: Checkout) -> None:
    text, sentence = CHANGES[change]
    checkout.set({"experiments": {"mnist": yaml.safe_load(text)}})
    assert re.search(sentence, told(checkout))
    assert not (checkout.root / "results").exists()


def test_a_threshold_that_no_run_reaches_is_named_with_the_lowest_loss(finished: Checkout) -> None:
    finished.set({"experiments": {"mnist": {"freezing": {"L_c": 0.0001}}}})
    target = "results/mnist/freezing.h5"
    sentence = (
        r"experiments\.mnist\.freezing: no run reaches a training loss below 0\.0001; the lowest is 0\.0\d+: .*\."
    )
    assert re.search(sentence, told(finished, target))
    assert not (finished.root / target).exists()


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_mnist_file_is_named(damage: str, checkout: Checkout, mnist_root: Path) -> None:
    folder = checkout.root / "damaged" / DATA_SETS["mnist"].folder
    shutil.copytree(mnist_root / DATA_SETS["mnist"].folder, folder)
    path = folder / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    damaged = path.read_bytes()
    checkout.set({"data": {"root": "damaged"}})
    shown = told(checkout, "results/mnist/data.h5")
    assert f"damaged/MNIST/raw/{path.name} is altered or truncated" in shown
    assert not [name for name in checkout.results() if not name.startswith(("two_valley/", "figures/"))]
    assert path.read_bytes() == damaged


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "noise": lambda whole: Random(0).randbytes(len(whole)),
    "half-written": lambda whole: whole[: len(whole) // 2],
    "noise inside": lambda whole: whole[: len(whole) // 2] + Random(0).randbytes(512) + whole[len(whole) // 2 + 512 :],
    "emptied": lambda whole: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result_is_named_and_comes_back_once_deleted(damage: str, finished: Checkout) -> None:
    name, target = "results/mnist/train/eta0.02_B10_r0-1.h5", "results/mnist/freezing.h5"
    path, whole = finished.root / name, finished.results(".h5")
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    sentence = f"{name} is not what was written (its checksum differs): delete it and run again."
    assert sentence in told(finished, target)
    assert not (finished.root / target).exists()
    path.unlink()
    finished.run(target)
    assert finished.results(".h5") == whole


def test_a_full_disk_is_named_and_a_larger_one_is_enough(
    complete: Checkout, checkout: Checkout, disk: Callable[[int], None]
) -> None:
    name = "mnist/train/eta0.02_B10_r0-1.h5"
    expected = complete.results(".h5")
    sentence = "results/{} could not be written: No space left on device; nothing was kept of it."
    for size, failing in ((64, "mnist/data.h5"), (len(expected["mnist/data.h5"]) // 1024 + 200, name)):
        disk(size)
        shown = told(checkout, f"results/{name}")
        assert sentence.format(failing) in shown
        assert failing not in checkout.results()
    disk(2**16)
    checkout.run(f"results/{name}")
    assert checkout.results(".h5") == {each: expected[each] for each in ("mnist/data.h5", name)}


def test_a_file_cut_off_by_the_system_is_not_kept(tmp_path: Path) -> None:
    """The same where no small disk can be mounted: a process that may write no more than 64 KiB."""
    code = """if True:
        import resource, sys
        import numpy as np
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
        noise = np.random.default_rng(0).random(10**5)
        write(sys.argv[1], {"x": Variable(("i",), noise, "noise")})
    """
    path = tmp_path / "a.h5"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(
        [sys.executable, "-c", code, path], env=environment, capture_output=True, text=True, timeout=60
    )
    assert f"UserError: {path} could not be written: " in ended.stderr
    assert list(tmp_path.iterdir()) == []
