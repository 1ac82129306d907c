"""Every invalid setting is named in one sentence, before anything runs."""

import re

import pytest
import yaml
from helpers.settings import SCHEMA, read_paper, read_settings, update

from sgd_valleys.config import validation
from sgd_valleys.config.model import model_warnings
from sgd_valleys.config.resolution import resolve
from sgd_valleys.errors import UserError
from sgd_valleys.figures.appearance import check_appearance
from sgd_valleys.measures.flatness_measures import measure_errors

TINY = "tests/tiny.yaml"
CHANGES = {
    "an unknown key": (
        "sweep: {batch_sizes: [10]}",
        r"experiments\.mnist\.sweep: unknown setting batch_sizes; allowed are B, counts, eta, .*stack",
    ),
    "no divisor": (
        "sweep: {B: [10, 30, 100]}",
        r"experiments\.mnist\.sweep\.B = 30: not a divisor of the 100 training samples",
    ),
    "a negative rate": (
        "sweep: {eta: [0.01, -0.02]}",
        r"sweep\.eta\[1\] = -0\.02: too small; allowed are values greater than 0",
    ),
    "a rate in words": ("sweep: {eta: [fast, 0.02]}", r"sweep\.eta\[0\] = 'fast': wrong type; allowed is type number"),
    "1e-3": (
        "sweep: {eta: [1e-3]}",
        r"sweep\.eta\[0\] = '1e-3': text instead of a number; .*; write the plain decimal 0\.001",
    ),
    "no realization": (
        "sweep: {realizations: 0}",
        r"sweep\.realizations = 0: too small; allowed are values of at least 1",
    ),
    "an absent setting": ("sweep: null", r"experiments\.mnist\.sweep = None: wrong type; allowed is type object"),
    "no whole steps": (
        "sweep: {eta_T: 10.01}",
        r"sweep\.eta = 0\.01: a run lasts .* 1001 iterations, not divisible .* recording\.points - 1 = 10",
    ),
    "a subset beyond the file": (
        "dataset: {train_per_class: 1000, train_subset: 6}",
        r"dataset\.train_subset = 6: out of range; allowed are 0 to 5, .* at most 6 disjoint subsets of 1000 images",
    ),
    "a rate not run": (
        "projection: {block: {eta: [0.05, 0.01]}}",
        r"projection\.block, eta = 0\.05: not in sweep\.eta",
    ),
    "a run not run": (
        "curvature: {spectrum: [{eta: all, B: [100], realizations: [1]}]}",
        r"curvature\.spectrum, realization 1: not in the sweep; allowed for gradient descent is 0 only",
    ),
    "more eigenvalues than there are": ("curvature: {N: 576}", r"curvature\.N = 576: .* fewer than the 576 weights"),
    "the continuations of a run that does not exist": (
        "continuations: {runs: [{eta: all, B: [10], realizations: [2]}]}",
        r"continuations\.runs, realization 2: not in the sweep; allowed are 0 to 1",
    ),
    "continuations that are too short": (
        "continuations: {steps: 20}",
        r"continuations\.steps = 20: too few for 3 looks every 10 steps .* allowed are at least 30",
    ),
    "the gradient noise of a run that does not exist": (
        "gradient_noise: {runs: [{eta: all, B: [10], realizations: [2]}]}",
        r"gradient_noise\.runs, realization 2: not in the sweep; allowed are 0 to 1",
    ),
    "the gradient noise of no layer": (
        "gradient_noise: {layers: [2, 4]}",
        r"gradient_noise\.layers = \[2, 4\]: layer 4 is not in this network; allowed are .* 1, 2, 3, each once",
    ),
    "the gradient noise of a layer twice": (
        "gradient_noise: {layers: [2, 2]}",
        r"gradient_noise\.layers = \[2, 2\]: no layer, or a repeated layer",
    ),
    "the gradient noise of a convolution": (
        "{network: {name: cnn, channels: [4, 4]}, layer: 3, gradient_noise: {layers: [1]}}",
        r"gradient_noise\.layers = \[1\]: layer 1 is a convolution; allowed are the fully connected layers 3, 4, 5",
    ),
    "more eigenvalues of the noise than minibatches": (
        "gradient_noise: {N: 20}",
        r"gradient_noise\.N = 20: .* weights \(576\), .* training samples \(100\) and the minibatches \(20\); lower N",
    ),
    "gradient noise more rarely than recorded": (
        "gradient_noise: {every: 11}",
        r"gradient_noise\.every = 11: larger than recording\.points - 1 = 10; allowed are 1 to 10",
    ),
    "gradient noise without directions": (
        "gradient_noise: {directions: 0}",
        r"gradient_noise\.directions = 0: too small; allowed are values of at least 1",
    ),
    "no other threshold": (
        "freezing: {robustness: []}",
        r"freezing\.robustness: too few entries \(0\); allowed are at least 1",
    ),
    "a rate without end": ("sweep: {eta: [.inf]}", r"sweep\.eta\[0\] = inf: not finite; allowed are finite numbers"),
    "a whole number with a point": (
        "sweep: {B: [10.0, 100]}",
        r"sweep\.B\[0\] = 10\.0: wrong type; allowed is type integer",
    ),
    "more curves than pairs": (
        "paths: {pairs: 3, bezier: {pairs: 4}}",
        r"paths\.bezier\.pairs = 4: more curves than pairs of solutions; allowed are 1 to 3",
    ),
    "a line without a middle": (
        "paths: {points: 2}",
        r"paths\.points = 2: too small; allowed are values of at least 3",
    ),
    "an agreement above 1": (
        "branches: {basins: {agreement: 1.2}}",
        r"branches\.basins\.agreement = 1\.2: too large; allowed are values of at most 1",
    ),
    "a negative barrier": (
        "branches: {basins: {barrier: -1}}",
        r"basins\.barrier = -1: too small; allowed are values of at least 0",
    ),
    "a branch beyond the run": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 550, step: 50}, "
        "iterations: 500}]}",
        r"branches\.runs\[0\]\.t_c = 550: after the end of the run of eta = 0\.02; allowed are at most 500 iterations",
    ),
    "a branch off the checkpoints": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 100, step: 25}, "
        "iterations: 500}]}",
        r"branches\.runs\[0\]\.t_c = 25: not a recorded iteration of the run of eta = 0\.02; .* multiples of 50 ",
    ),
    "branches in broken steps": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 220, step: 50}, "
        "iterations: 500}]}",
        r"branches\.runs\[0\]\.t_c = \{first: 0, last: 220, step: 50\}: last is not reached; .* multiples of 50",
    ),
    "a branch without a final value": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 200, step: 50}, "
        "iterations: 400}]}",
        r"branches\.runs\[0\]\.iterations = 400: the branch from t_c = 0 is not recorded .*, after 500 iterations",
    ),
    "a branch that cannot be recorded": (
        "branches: {points: 12}",
        r"branches\.runs\[0\]\.iterations = 500: not divisible .* multiples of branches\.points - 1 = 11;",
    ),
    "a branched run that does not exist": (
        "branches: {runs: [{eta: [0.02], B: [10], realizations: [2], t_c: {first: 0, last: 200, step: 50}, "
        "iterations: 500}]}",
        r"branches\.runs\[0\], realization 2: not in the sweep; allowed are 0 to 1",
    ),
    "a cell with runs of its own that is not run": (
        "sweep: {counts: [{eta: [0.05], B: all, realizations: 3}]}",
        r"sweep\.counts, eta = 0\.05: not in sweep\.eta",
    ),
    "a run beyond those of its cell": (
        "sweep: {counts: [{eta: first, B: [50], realizations: 1}]}\n"
        "curvature: {along: [{eta: all, B: [50], realizations: [1]}]}",
        r"curvature\.along, realization 1: not in the sweep; allowed are 0 to 0 for eta = 0\.01, B = 50",
    ),
    "a reference not in the sweep": (
        "branches: {reference: {eta: 0.05}}",
        r"branches\.reference, eta = 0\.05: not in sweep\.eta",
    ),
    "a reference that does not exist": (
        "branches: {reference: {realization: 7}}",
        r"branches\.reference, realization 7: not in the sweep; allowed are 0 to 1",
    ),
    "a reference that is not branched": (
        "branches: {reference: {B: 50}}",
        r"branches\.reference, eta = 0\.02, B = 50, realization 1: the run has no branches; allowed are runs in",
    ),
    "a cell branched twice": (
        "branches: {runs: [&a {eta: [0.02], B: [10], realizations: all, t_c: {first: 0, last: 200, step: 50}, "
        "iterations: 500}, *a]}",
        r"branches\.runs\[1\], eta = 0\.02, B = 10: the cell is in two entries",
    ),
    "a rate of branches in words": (
        "branches: {eta: slow}",
        r"branches\.eta = 'slow': invalid; allowed is same, or a number greater than 0",
    ),
    "an mlp with channels": (
        "network: {channels: [4]}",
        r"network\.channels = \[4\]: an mlp has no channels; allowed is null",
    ),
    "a network of no kind": ("network: {name: vit}", r"network\.name = 'vit': unknown; allowed are mlp, cnn"),
    "a cnn without channels": ("network: {name: cnn}", r"network\.channels: missing with network\.name = cnn"),
    "more convolutions than the image allows": (
        "network: {name: cnn, channels: [4, 4, 4, 4, 4]}",
        r"network\.channels = \[4, 4, 4, 4, 4\]: too many convolutions \(5\), .* at most 4 for the 28 pixels of mnist",
    ),
    "the curvature of a convolution": (
        "{network: {name: cnn, channels: [4, 4]}, layer: 1}",
        r"layer = 1: not a fully connected layer, as the curvature requires; allowed are 3 to 5",
    ),
    "a layer too many": ("layer: 4", r"layer = 4: not a fully connected layer, .* allowed are 1 to 3"),
    "a part in words": (
        "dataset: {train_per_class: half}",
        r"dataset\.train_per_class = 'half': invalid; allowed is all, or a whole number greater than 0",
    ),
    "curvature on more images than there are": (
        "curvature: {per_class: 11}",
        r"curvature\.per_class = 11: too many images; allowed are at most 10 \(dataset\.train_per_class\)",
    ),
    "barriers on more images than there are": (
        "barriers: {per_class: 11}",
        r"barriers\.per_class = 11: too many images; allowed are at most 10 \(dataset\.train_per_class\)",
    ),
    "gradient noise that takes hours": (
        "{dataset: {train_per_class: all}, network: {hidden: [200, 200]}, sweep: {B: [50]}, gradient_noise: "
        "{runs: []}}",
        r"gradient_noise\.per_class = all: a checkpoint of 60000 images takes about 2 core hours; allowed are 1 to \d",
    ),
    "a record of unequal parts": (
        "recording: {train_samples: 15}",
        r"recording\.train_samples = 15: .* not equal parts of 10 classes; .* all, and multiples of 10 up to 100",
    ),
    "minibatches larger than their images": (
        "gradient_noise: {per_class: 1, N: 2, runs: [{eta: all, B: [50], realizations: [0]}]}",
        r"gradient_noise\.per_class = 1: too few images \(10\) for minibatches of B = 50; allowed are at least 5",
    ),
    "as many eigenvalues in a measure as weights": (
        "flatness: {measures: [flatness_576]}",
        r"flatness\.measures = flatness_576: too many eigenvalues; .* fewer than the 576 weights of layer 2",
    ),
    "a measure twice": (
        "flatness: {measures: [flatness_5, flatness_5]}",
        r"flatness\.measures = \['flatness_5', 'flatness_5'\]: a value is repeated",
    ),
    "measures in words": (
        "flatness: {measures: some}",
        r"flatness\.measures = 'some': invalid; allowed is all, or a list of distinct measures of flatness",
    ),
    "no measure": ("flatness: {measures: []}", r"flatness\.measures: too few entries \(0\); allowed are at least 1"),
    "one antithetic pair": (
        "flatness: {pairs: 1}",
        r"flatness\.pairs = 1: too small; allowed are values of at least 2",
    ),
    "a ball without radius": (
        "flatness: {radius: 0}",
        r"flatness\.radius = 0: too small; allowed are values greater than 0",
    ),
    "a data set that is not known": (
        "dataset: {name: imagenet}",
        r"dataset\.name = 'imagenet': unknown; allowed are mnist, fashion_mnist, cifar10",
    ),
    "a selection in words": (
        "recording: {checkpoints: [{eta: some, B: all, realizations: all}]}",
        r"recording\.checkpoints\[0\]\.eta = 'some': invalid; allowed is all, first, last, \{nearest: .*\}, or a list",
    ),
}


def refused(config: dict) -> list[str]:
    """Check a configuration, which has to be refused, and return its errors, one a line."""
    with pytest.raises(UserError) as error:
        validation.check(config, SCHEMA)
    return str(error.value).splitlines()


def test_all_errors_of_a_configuration_are_shown_at_once() -> None:
    config = read_paper(TINY)
    config["experiments"]["mnist"]["sweep"] |= {"realizations": 0, "batch_sizes": [10]}
    config["figures"]["style"]["dpi"] = 10
    assert len(refused(config)) == 3
    config = read_paper(TINY)
    config["experiments"]["mnist"]["sweep"]["B"] = [10, 30, 50, 100]
    config["experiments"]["cifar10"]["layer"] = 9
    config["two_valley"]["theory"]["gamma"]["first"] = 0.9
    assert [line.split(":")[1].split(" = ")[0] for line in refused(config)] == [
        " experiments.mnist.sweep.B", " experiments.cifar10.layer", " two_valley.theory.gamma.first",
    ]  # fmt: skip


def test_an_inherited_error_is_shown_once_for_the_experiment_that_has_it() -> None:
    config = resolve(
        read_settings({"experiments": {"mnist": {"recording": {"points": 1}, "layer": 9}}}), read_settings()
    )
    assert [line.split(" = ")[0] for line in refused(config)] == ["config: experiments.mnist.recording.points"]
    config = resolve(read_settings({"experiments": {"mnist": {"layer": 9}}}), read_settings())
    (line,) = [line for line in refused(config) if "layer = 9" in line]
    assert line.startswith("config: experiments.mnist.layer = 9")


def test_a_root_with_an_undefined_variable_is_refused() -> None:
    config = read_paper(TINY, {"data": {"root": "$UNDEFINED/data"}})
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
    config = read_paper(TINY)
    update(config["experiments"]["mnist"], settings)
    assert [line for line in refused(config) if hint in line]


def test_a_colour_is_refused_with_the_other_errors() -> None:
    config = read_paper(TINY)
    config["figures"]["fig1"]["point_color"] = "blu"
    config["experiments"]["mnist"]["layer"] = 4
    with pytest.raises(UserError) as error:
        validation.check(resolve(config, read_settings()), SCHEMA, check_appearance)
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and "figures.fig1.point_color = 'blu'" in lines[1] and "(did you mean blue?)" in lines[1]


def test_a_measure_of_flatness_is_refused_with_the_other_errors() -> None:
    config = read_paper(TINY)
    config["experiments"]["mnist"]["flatness"] = {"measures": ["relative_flatnes", "flatness_7"]}
    config["experiments"]["cifar10"]["layer"] = 9
    with pytest.raises(UserError) as error:
        validation.check(config, SCHEMA, measure_errors=measure_errors)
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and lines[0].startswith("config: experiments.cifar10.layer = 9")
    assert lines[1].startswith(
        "config: experiments.mnist.flatness.measures = relative_flatnes: not a measure of flatness;"
    )
    assert "(did you mean relative_flatness?)" in lines[1]


@pytest.mark.parametrize("name", ["logs", "benchmarks", "figures", "two_valley"])
def test_an_experiment_named_like_a_folder_of_the_workflow_is_refused(name: str) -> None:
    config = read_paper(TINY)
    config["experiments"][name] = config["experiments"]["mnist"]
    (line,) = refused(config)
    assert line.startswith(f"config: experiments.{name}: the workflow writes other files to a folder of this name")


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [("results-2", True), ("runs/a.1", True), ("a/../b", False), ("a//b", False), ("a/", False), ("a/.b", False)],
)
def test_a_folder_of_results_is_a_plain_relative_path(folder: str, allowed: bool) -> None:
    config = read_paper(TINY) | {"results": folder}
    if allowed:
        validation.check(config, SCHEMA)
    else:
        (line,) = refused(config)
        assert line.startswith(f"config: results = '{folder}': invalid path; allowed are relative paths")


@pytest.mark.parametrize("change", CHANGES)
def test_wrong_settings_are_named(change: str) -> None:
    text, sentence = CHANGES[change]
    config = read_paper(TINY)
    validation.check(config, SCHEMA)
    update(config["experiments"]["mnist"], yaml.safe_load(text))
    errors = refused(config)
    assert [line for line in errors if re.search(rf"^config: .*{sentence}", line)], errors
    assert all(line.endswith(".") for line in errors)


MODEL_CHANGES = {
    "negative noise": (
        "phase_diagrams: {H: {sigma: {first: -0.1}}}",
        r"phase_diagrams\.H\.sigma\.first = -0\.1: too small; allowed are values greater than 0",
    ),
    "a rate of 0": (
        "occupancy: {eta: 0}",
        r"two_valley\.occupancy\.eta = 0: too small; allowed are values greater than 0",
    ),
    "a sharp valley that is the flatter": (
        "landscape: {x2: 0.9}",
        r"two_valley\.landscape\.x1 = 0\.8: the flat valley would be .* at least x2 = 0\.9; raise x1",
    ),
    "an empty grid": (
        "phase_diagrams: {H: {eta: {points: 0}}}",
        r"phase_diagrams\.H\.eta\.points = 0: too small; allowed are values of at least 1",
    ),
    "a grid that descends": (
        "phase_diagrams: {H: {eta: {last: 0.001}}}",
        r"phase_diagrams\.H\.eta = \{first: 0\.01, last: 0\.001, points: 2\}: not an ascending grid",
    ),
    "no noise": (
        "occupancy: {sigma: []}",
        r"two_valley\.occupancy\.sigma: too few entries \(0\); allowed are at least 1",
    ),
    "an unknown noise": (
        "phase_diagrams: {H: {noise: white}}",
        r"two_valley\.phase_diagrams\.H\.noise = 'white': unknown; allowed are H, H1\.5, H2, isotropic, H-loss",
    ),
    "a grid of one value over": (
        "phase_diagrams: {H: {eta: {last: 0.0100001, points: 50}}}",
        r"phase_diagrams\.H\.eta\.points = 50: points from 0\.01 to 0\.0100001 coincide after rounding to 6 digits",
    ),
    "a grid in words": ("phase_diagrams: {H: {eta: many}}", r"phase_diagrams\.H\.eta = 'many': invalid; allowed is \{"),
    "a start outside": (
        "occupancy: {start: {x: 0.7}}",
        r"two_valley\.occupancy\.start\.x = 0\.7: not inside both valleys; allowed are values below x2 = 0\.65",
    ),
    "a diagram of another noise": (
        "continuous_time: {diagram: H2}",
        r"continuous_time\.diagram = H2: the diagram has noise H2; allowed are diagrams with noise H",
    ),
    "a diagram that is not there": (
        "continuous_time: {diagram: H3}",
        r"continuous_time\.diagram = H3: unknown; allowed are H, H2",
    ),
    "records that do not fit": (
        "occupancy: {points: 8}",
        r"two_valley\.occupancy\.iterations = 200: not divisible .* multiples of points - 1 = 7;",
    ),
    "more trajectories than runs": (
        "occupancy: {trajectories: 9}",
        r"trajectories = 9: more than the runs; allowed are at most 8",
    ),
    "gamma below 1": (
        "theory: {gamma: {first: 0.9}}",
        r"theory\.gamma\.first = 0\.9: too small; allowed are values of at least 1",
    ),
}


@pytest.mark.parametrize("change", MODEL_CHANGES)
def test_wrong_settings_of_the_model_are_named(change: str) -> None:
    text, sentence = MODEL_CHANGES[change]
    config = read_paper(TINY)
    update(config["two_valley"], yaml.safe_load(text))
    errors = refused(config)
    assert [line for line in errors if re.search(rf"^config: .*{sentence}", line)], errors


def test_a_diagram_that_is_not_there_cannot_be_drawn() -> None:
    config = read_paper()
    config["figures"]["fig5"]["diagram"] = "H3"
    with pytest.raises(
        UserError, match=r"figures\.fig5\.diagram = H3: unknown; allowed are H, H2 \(two_valley\.phase_diagrams\)"
    ):
        validation.check(config, SCHEMA)


def test_an_unstable_rate_is_a_warning_with_its_bound() -> None:
    config = read_paper()
    assert model_warnings(config["two_valley"]) == []
    config["two_valley"]["occupancy"]["eta"] = 0.3
    (sentence,) = model_warnings(config["two_valley"])
    assert re.search(r"two_valley\.occupancy\.eta = 0\.3: the sharp .* eta < 0\.194, the minimum of f_2\(y\)", sentence)


def test_a_branch_that_is_not_there_cannot_be_drawn() -> None:
    config = read_paper()
    config["figures"]["fig4"]["t_c"] = [0, 30]
    with pytest.raises(
        UserError, match=r"figures\.fig4\.t_c = 30: no branch of the reference run .* 0, 20, \.\.\., 1000"
    ):
        validation.check(config, SCHEMA)
    del config["experiments"]["mnist"]["branches"]
    with pytest.raises(
        UserError, match=r"figures\.fig4\.experiment = mnist: no setting branches, which the figure shows"
    ):
        validation.check(config, SCHEMA)


@pytest.mark.parametrize(
    ("figure", "setting"), [("fig1", "barriers"), ("fig2", "projection.cells"), ("fig4", "branches")]
)
def test_a_figure_needs_what_it_shows(figure: str, setting: str) -> None:
    config = read_paper()
    config["figures"][figure]["experiment"] = "cifar10"
    with pytest.raises(
        UserError, match=rf"figures\.{figure}\.experiment = cifar10: no setting {re.escape(setting)}, which the figure"
    ):
        validation.check(config, SCHEMA)
