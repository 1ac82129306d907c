"""The settings of jobs: plain types, from the wildcards of a file's name."""

import json
from inspect import getmembers, isfunction
from types import SimpleNamespace

import pytest
from helpers.settings import checked, read_settings

from sgd_valleys.workflow.jobs import Jobs

JOBS = Jobs(*checked())
W = SimpleNamespace(
    experiment="mnist", eta="0.05", B="50", first="0", last="19", realization="0", diagram="H", delta_S="0.0005",
    convention="ito", layers="all",
)  # fmt: skip
NOT_SETTINGS = {"data_mb", "train_minutes", "train_mb", "branch_minutes", "branch_mb", "is_reference"}
RULES = [
    name
    for name, _ in getmembers(Jobs, isfunction)
    if not name.startswith("_") and name not in {*NOT_SETTINGS, "figure"}
]


@pytest.mark.parametrize("rule", RULES)
def test_settings_are_plain_types_and_the_same_at_every_call(rule):
    settings = getattr(JOBS, rule)(W)
    assert json.loads(json.dumps(settings)) == settings  # no tuples, no arrays, no numbers of NumPy
    assert repr(settings) == repr(getattr(JOBS, rule)(W))


def test_a_training_job_knows_its_runs_and_its_length():
    settings = JOBS.train(W)
    assert (settings["eta"], settings["B"], settings["iterations"]) == ("0.05", 50, 2000)
    assert settings["checkpoints"] == list(range(20))  # all are branched
    assert JOBS.train(SimpleNamespace(**vars(W) | {"B": "20"}))["checkpoints"] == [0]  # in the block of Fig. 1
    assert JOBS.train(SimpleNamespace(**vars(W) | {"B": "20", "first": "5"}))["checkpoints"] == []


def test_curvature_is_followed_where_the_configuration_says():
    assert JOBS.curvature(W)["along"] == [0]  # the reference run
    along = JOBS.curvature(SimpleNamespace(**vars(W) | {"eta": "0.02"}))
    assert along["along"] == list(range(20)) and along["spectrum"] == []
    assert JOBS.curvature(SimpleNamespace(**vars(W) | {"eta": "0.01"}))["spectrum"] == [0]


def test_only_one_run_is_the_reference():
    assert JOBS.is_reference(W) and JOBS.branch(W)["reference"]
    assert not JOBS.is_reference(SimpleNamespace(**vars(W) | {"realization": "1"}))


def test_resources_grow_with_the_work():
    assert JOBS.train_minutes(W) == 60
    cifar = SimpleNamespace(experiment="cifar10", eta="0.02", B="100", first="0", last="4")
    assert JOBS.train_minutes(cifar) == 60
    full = Jobs(*checked("config/cifar10-full.yaml"))
    large = SimpleNamespace(experiment="cifar10", eta="0.002", B="500", first="0", last="0")
    assert full.train_minutes(large) == 500_000 * 500 // 60_000 + 1
    assert full.data_mb(large) == 700 and JOBS.data_mb(W) == 0


def test_the_fokker_planck_solutions_end_where_the_simulations_do():
    settings = JOBS.fokker_planck(W)
    assert settings["course_time"] == 0.01 * 100_000
    assert settings["longest_time"] == 0.1 * 20_000
    assert {0.0005, 0.001} <= set(settings["delta_S"])


def test_the_claims_are_about_the_experiments_that_the_figures_show():
    parts = JOBS.claims(W)["parts"]
    assert parts["noise"]["images"] == 200 and parts["freezing"]["reference"] == [0.05, 50]
    assert parts["noise"]["quiet"] == [0.01, 50] and parts["noise"]["noisy"] == [0.05, 50]
    assert parts["other"] == {"experiment": "cifar10", "L_c": 0.1, "N": 10}
    alone = Jobs(
        *checked({"figures": {"figS5": {"experiment": "mnist", "eta_colors": ["red"] * 4, "spectrum_eta": 0.01}}})
    )
    assert "other" not in alone.claims(W)["parts"]


def test_the_explorer_looks_like_the_figures_of_its_experiment():
    looks = JOBS.explorer(W)["experiments"]
    assert looks["mnist"]["colors"]["fig1"]["eta_colors"] == JOBS.config["figures"]["fig1"]["eta_colors"]
    assert looks["cifar10"]["colors"]["figS5"]["eta_colors"] == JOBS.config["figures"]["figS5"]["eta_colors"]
    assert looks["cifar10"]["reference"] is None and looks["mnist"]["reference"] == ["0.05", 50, 0]


ARMS = Jobs(*checked("config/preview.yaml", "config/arms.yaml"))
ARM = SimpleNamespace(experiment="minibatch", eta="0.05", B="50", first="0", last="19")
DEFAULT_TRAIN = {
    "network", "classes", "seed", "eta", "B", "first", "last", "iterations", "points", "checkpoints",
}  # fmt: skip
DEFAULT_BRANCH = {"network", "classes", "run", "reference", "t_c", "eta", "iterations", "points", "final"}


def arm(name, **wildcards):
    return SimpleNamespace(**vars(ARM) | {"experiment": name, "realization": "0"} | wildcards)


def mnist(**settings):
    figures = dict.fromkeys(name for name in read_settings()["figures"] if name != "style")
    return Jobs(*checked({"experiments": {"mnist": settings}, "figures": figures}))


def test_arms_share_data_and_initialization_and_differ_in_training_alone():
    base = ARMS.train(ARM)
    assert base.keys() == DEFAULT_TRAIN
    for name in ARMS.experiments:
        own = ARMS.train(arm(name))
        assert own.pop("training", {}) == ARMS.experiments[name].training
        assert own == base  # the seed and the network are those of the initialization
        assert ARMS.data(arm(name)) == ARMS.data(ARM)
    assert [name for name in ARMS.experiments if "training" not in ARMS.train(arm(name))] == ["minibatch"]


def test_settings_at_their_defaults_change_no_job():
    training = {
        "loss": "cross_entropy",
        "noise": "minibatch",
        "noise_layers": "all",
        "momentum": 0,
        "initializations": 1,
    }
    branches = {"training": {"noise": "none"}, "B": "same", "copies": 1, "order": "new", "perturbation": 0}
    written = mnist(training=training | {"label_noise": 0, "schedule": []}, branches=branches)
    for rule in ("data", "train", "branch", "endpoints", "barriers", "curvature"):
        assert repr(getattr(written, rule)(W)) == repr(getattr(mnist(), rule)(W))
    assert JOBS.train(W).keys() == DEFAULT_TRAIN and JOBS.branch(W).keys() == DEFAULT_BRANCH


def test_label_noise_is_in_the_data_and_not_in_the_training():
    jobs = mnist(training={"label_noise": 0.2, "initializations": 4, "loss": "mse"})
    assert jobs.data(W) == JOBS.data(W) | {"label_noise": 0.2, "seed": JOBS.config["seed"]}
    found = jobs.train(W)
    assert found["loss"] == "mse" and found["training"] == {"loss": "mse", "initializations": 4}
    assert jobs.barriers(W)["initializations"] == 4
    assert {jobs.endpoints(W)["loss"], jobs.branch(W)["loss"], jobs.curvature(W)["loss"]} == {"mse"}


def test_jobs_know_where_training_has_no_noise():
    sizes = list(JOBS.experiments["mnist"].sweep.B)
    for noise, expected in (({"noise": "none"}, sizes), ({"noise": "constant", "noise_strength": 0.1}, [])):
        jobs = mnist(training=noise, branches=None)
        assert jobs.endpoints(W)["deterministic"] == jobs.barriers(W)["deterministic"] == expected


def test_a_job_of_branches_says_how_they_differ_from_gradient_descent():
    own = {"training": {"noise": "minibatch", "momentum": 0.5}, "B": 20, "copies": 2, "order": "new"}
    found = mnist(branches=own).branch(W)
    assert {key: found[key] for key in found.keys() - DEFAULT_BRANCH} == {
        "training": {"noise": "minibatch", "momentum": 0.5}, "B": 20, "copies": 2, "seed": JOBS.config["seed"],
    }  # fmt: skip
    assert found["t_c"] == JOBS.branch(W)["t_c"] and len(found["final"]) == 2 * len(found["t_c"])
    perturbed = mnist(branches={"perturbation": 0.1, "order": "same", "training": {"noise": "minibatch"}}).branch(W)
    assert (perturbed["perturbation"], perturbed["order"], perturbed["T"]) == (0.1, "same", 2000)


def test_noise_on_the_full_gradient_costs_time_and_memory():
    covariance = mnist(training={"noise": "covariance"}, branches={"training": {"noise": "covariance"}, "copies": 8})
    paper = mnist()
    assert covariance.train_mb(W) > paper.train_mb(W) == 2500
    assert (paper.branch_mb(W), paper.branch_mb(arm("mnist", realization="1"))) == (3500, 1500)
    assert paper.branch_minutes(W) == 30 and covariance.branch_minutes(W) == 82  # 51 * 8 branches, 2,000 steps of 1,000
    long = arm("mnist", eta="0.001", B="10")
    assert covariance.train_minutes(long) == 200 and paper.train_minutes(long) == 60  # 20 runs of 100,000 steps
