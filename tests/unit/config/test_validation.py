"""Every invalid setting is named in one sentence, before anything runs."""

import re

import pytest
import yaml
from helpers.settings import SCHEMA, read_settings, update

from sgd_valleys.config import validation
from sgd_valleys.config.model import model_warnings
from sgd_valleys.errors import UserError
from sgd_valleys.figures.appearance import check_appearance
from sgd_valleys.measures.flatness_measures import measure_errors

TINY = "tests/tiny.yaml"
CHANGES = {
    "an unknown key": (
        "sweep: {batch_sizes: [10]}",
        r"experiments\.mnist\.sweep has no setting batch_sizes: there are B, counts, eta, .*stack",
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
    "the gradient noise of a run that does not exist": (
        "gradient_noise: {runs: [{eta: all, B: [10], realizations: [2]}]}",
        r"gradient_noise\.runs: realization 2 does not exist: the sweep has 0 to 1",
    ),
    "the gradient noise of no layer": (
        "gradient_noise: {layers: [2, 4]}",
        r"gradient_noise\.layers = \[2, 4\]: layer 4 is no layer of this network; allowed are .* 1, 2, 3, each once",
    ),
    "the gradient noise of a layer twice": (
        "gradient_noise: {layers: [2, 2]}",
        r"gradient_noise\.layers = \[2, 2\]: one is named twice",
    ),
    "the gradient noise of a convolution": (
        "{network: {name: cnn, channels: [4, 4]}, layer: 3, gradient_noise: {layers: [1]}}",
        r"gradient_noise\.layers = \[1\]: layer 1 is a convolution; allowed are the fully connected layers 3, 4, 5",
    ),
    "more eigenvalues of the noise than minibatches": (
        "gradient_noise: {N: 20}",
        r"gradient_noise\.N = 20: .* weights \(576\), of training samples \(100\) and of minibatches \(20\): lower it",
    ),
    "gradient noise more rarely than recorded": (
        "gradient_noise: {every: 11}",
        r"gradient_noise\.every = 11: larger than the 10 .* \(recording\.points = 11\); allowed are 1 to 10",
    ),
    "gradient noise without directions": (
        "gradient_noise: {directions: 0}",
        r"gradient_noise\.directions is 0: it has to be at least 1",
    ),
    "no other threshold": ("freezing: {robustness: []}", r"freezing\.robustness has 0 entries: it needs at least 1"),
    "a rate without end": ("sweep: {eta: [.inf]}", r"sweep\.eta\[0\] is inf: it has to be a finite number"),
    "a whole number with a point": ("sweep: {B: [10.0, 100]}", r"sweep\.B\[0\] is 10\.0: it has to be of type integer"),
    "too large a spectrum": (
        "{network: {hidden: [24, 24]}, layer: 1, curvature: {spectrum: []}}",
        r"figures\.figS1 shows whole spectra, but layer 1 has 18816 weights, .* at most 10000: leave the figure out",
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
        r"branches\.runs\[0\]\.t_c goes from 0 to 220 in steps of 50: it has to reach its last in whole steps",
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
    "a cell with runs of its own that is not run": (
        "sweep: {counts: [{eta: [0.05], B: all, realizations: 3}]}",
        r"sweep\.counts: eta = 0\.05 is not in sweep\.eta",
    ),
    "a run beyond those of its cell": (
        "sweep: {counts: [{eta: first, B: [50], realizations: 1}]}\n"
        "curvature: {along: [{eta: all, B: [50], realizations: [1]}]}",
        r"curvature\.along: realization 1 does not exist: the sweep has 0 to 0 of eta = 0\.01, B = 50",
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
    "more convolutions than the image allows": (
        "network: {name: cnn, channels: [4, 4, 4, 4, 4]}",
        r"network\.channels names 5 convolutions, .* mnist's 28 pixels allow 4",
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
    "as many eigenvalues in a measure as weights": (
        "flatness: {measures: [flatness_576]}",
        r"flatness\.measures = flatness_576: too many eigenvalues; N has .* smaller than layer 2's 576 weights",
    ),
    "a measure twice": (
        "flatness: {measures: [flatness_5, flatness_5]}",
        r"flatness\.measures names the same value twice",
    ),
    "measures in words": (
        "flatness: {measures: some}",
        r"flatness\.measures is 'some': it may be all, or a list of measures of flatness, each named once",
    ),
    "no measure": ("flatness: {measures: []}", r"flatness\.measures has 0 entries: it needs at least 1"),
    "one antithetic pair": ("flatness: {pairs: 1}", r"flatness\.pairs is 1: it has to be at least 2"),
    "a ball without radius": ("flatness: {radius: 0}", r"flatness\.radius is 0: it has to be greater than 0"),
    "a data set that is not known": (
        "dataset: {name: imagenet}",
        r"dataset\.name is 'imagenet': it may be mnist, fashion_mnist, cifar10",
    ),
    "a selection in words": (
        "recording: {checkpoints: [{eta: some, B: all, realizations: all}]}",
        r"recording\.checkpoints\[0\]\.eta is 'some': it may be all, first, last, \{nearest: \[\.\.\.\]\}, or a list",
    ),
}


def refused(config: dict) -> list[str]:
    """Check a configuration, which has to be refused, and return its errors, one a line."""
    with pytest.raises(UserError) as error:
        validation.check(config, SCHEMA)
    return str(error.value).splitlines()


def test_all_errors_of_a_configuration_are_shown_at_once() -> None:
    config = read_settings(TINY)
    config["experiments"]["mnist"]["sweep"] |= {"realizations": 0, "batch_sizes": [10]}
    config["figures"]["style"]["dpi"] = 10
    assert len(refused(config)) == 3
    config = read_settings(TINY)
    config["experiments"]["mnist"]["sweep"]["B"] = [10, 30, 50, 100]
    config["experiments"]["cifar10"]["layer"] = 9
    config["two_valley"]["theory"]["gamma"]["first"] = 0.9
    assert [line.split(":")[1].split(" is ")[0] for line in refused(config)] == [
        " experiments.mnist.sweep.B", " experiments.cifar10.layer", " two_valley.theory.gamma.first",
    ]  # fmt: skip


def test_a_root_with_an_undefined_variable_is_refused() -> None:
    config = read_settings(TINY, {"data": {"root": "$UNDEFINED/data"}})
    (line,) = refused(config)
    assert line.startswith("config: data.root = $UNDEFINED/data: the environment variable UNDEFINED is not defined;")


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"sweep": {"realisations": 3}}, "did you mean realizations"),
        ({"dataset": {"name": "mnst"}}, "did you mean mnist"),
    ],
)
def test_the_nearest_name_is_suggested(settings: dict, hint: str) -> None:
    config = read_settings(TINY)
    update(config["experiments"]["mnist"], settings)
    assert [line for line in refused(config) if hint in line]


def test_a_colour_is_refused_with_the_other_errors() -> None:
    config = read_settings(TINY)
    config["figures"]["fig1"]["point_color"] = "blu"
    config["experiments"]["mnist"]["layer"] = 4
    with pytest.raises(UserError) as error:
        validation.check(config, SCHEMA, check_appearance)
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and "figures.fig1.point_color = 'blu'" in lines[1] and "'blue'" in lines[1]


def test_a_measure_of_flatness_is_refused_with_the_other_errors() -> None:
    config = read_settings(TINY)
    config["experiments"]["mnist"]["flatness"] = {"measures": ["relative_flatnes", "flatness_7"]}
    config["experiments"]["cifar10"]["layer"] = 9
    with pytest.raises(UserError) as error:
        validation.check(config, SCHEMA, measure_errors=measure_errors)
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and lines[0].startswith("config: experiments.cifar10.layer is 9")
    assert lines[1].startswith(
        "config: experiments.mnist.flatness.measures = relative_flatnes: no measure of flatness;"
    )
    assert "(did you mean relative_flatness?)" in lines[1]


@pytest.mark.parametrize("name", ["logs", "benchmarks", "figures", "two_valley"])
def test_an_experiment_named_like_a_folder_of_the_workflow_is_refused(name: str) -> None:
    config = read_settings(TINY)
    config["experiments"][name] = config["experiments"]["mnist"]
    (line,) = refused(config)
    assert line.startswith(f"config: experiments.{name}: the workflow writes other files to a folder of this name")


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [("results-2", True), ("runs/a.1", True), ("a/../b", False), ("a//b", False), ("a/", False), ("a/.b", False)],
)
def test_a_folder_of_results_is_a_plain_relative_path(folder: str, allowed: bool) -> None:
    config = read_settings(TINY) | {"results": folder}
    if allowed:
        validation.check(config, SCHEMA)
    else:
        (line,) = refused(config)
        assert line.startswith(f"config: results is '{folder}': it has to be a relative path")


@pytest.mark.parametrize("change", CHANGES)
def test_wrong_settings_are_named(change: str) -> None:
    text, sentence = CHANGES[change]
    config = read_settings(TINY)
    validation.check(config, SCHEMA)
    update(config["experiments"]["mnist"], yaml.safe_load(text))
    errors = refused(config)
    assert [line for line in errors if re.search(rf"^config: .*{sentence}", line)], errors
    assert all(line.endswith(".") for line in errors)


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
    config = read_settings(TINY)
    update(config["two_valley"], yaml.safe_load(text))
    errors = refused(config)
    assert [line for line in errors if re.search(rf"^config: .*{sentence}", line)], errors


def test_a_diagram_that_is_not_there_cannot_be_drawn() -> None:
    config = read_settings()
    config["figures"]["fig5"]["diagram"] = "H3"
    with pytest.raises(UserError, match=r"figures\.fig5\.diagram is H3: two_valley\.phase_diagrams has H, H2\."):
        validation.check(config, SCHEMA)


def test_an_unstable_rate_is_a_warning_with_its_bound() -> None:
    config = read_settings()
    assert model_warnings(config["two_valley"]) == []
    config["two_valley"]["occupancy"]["eta"] = 0.3
    (sentence,) = model_warnings(config["two_valley"])
    assert re.search(r"two_valley\.occupancy\.eta: at eta = 0\.3 .* needs eta < f_2\(y\), which is 0\.194 at", sentence)


def test_a_branch_that_is_not_there_cannot_be_drawn() -> None:
    config = read_settings()
    config["figures"]["fig4"]["t_c"] = [0, 30]
    with pytest.raises(
        UserError, match=r"figures\.fig4\.t_c: 30 is no branch of the reference run: .* 0, 20, \.\.\., 1000"
    ):
        validation.check(config, SCHEMA)
    del config["experiments"]["mnist"]["branches"]
    with pytest.raises(UserError, match=r"figures\.fig4\.experiment: mnist has no setting branches to show"):
        validation.check(config, SCHEMA)


@pytest.mark.parametrize(
    ("figure", "setting"), [("fig1", "barriers"), ("fig2", "projection.cells"), ("fig4", "branches")]
)
def test_a_figure_needs_what_it_shows(figure: str, setting: str) -> None:
    config = read_settings()
    config["figures"][figure]["experiment"] = "cifar10"
    with pytest.raises(
        UserError, match=rf"figures\.{figure}\.experiment: cifar10 has no setting {re.escape(setting)} to show"
    ):
        validation.check(config, SCHEMA)
