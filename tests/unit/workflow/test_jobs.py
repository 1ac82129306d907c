"""The settings of jobs: plain types, from the wildcards of a file's name."""

import json
from inspect import getmembers, isfunction
from types import SimpleNamespace

import pytest
from helpers.settings import checked

from sgd_valleys.workflow.jobs import Jobs

JOBS = Jobs(*checked())
W = SimpleNamespace(
    experiment="mnist", eta="0.05", B="50", first="0", last="19", realization="0", diagram="H", delta_S="0.0005",
    convention="ito",
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


def test_gradient_noise_is_that_of_the_studied_layer_and_keeps_the_parameters_of_its_runs():
    settings = JOBS.gradient_noise(W)
    assert settings["along"] == [0] and settings["layers"] == [2] and not settings["biases"]
    assert "runs" not in settings and settings["tolerance"] == JOBS.curvature(W)["tolerance"]
    runs = [{"eta": [0.05], "B": [500], "realizations": [7]}]
    jobs = Jobs(*checked({"experiments": {"mnist": {"gradient_noise": {"runs": runs}}}}))
    small = SimpleNamespace(**vars(W) | {"B": "500"})
    assert jobs.train(small)["checkpoints"] == [7] and JOBS.train(small)["checkpoints"] == []
    assert jobs.train(W) == JOBS.train(W) and jobs.curvature(small) == JOBS.curvature(small)


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
