"""The settings of jobs: plain types, from the wildcards of a file's name."""

import json
from inspect import getmembers, isfunction
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.settings import checked, read_settings

from sgd_valleys.config.training import changed_settings
from sgd_valleys.statistics.thinning import select_curves
from sgd_valleys.workflow.jobs import Jobs

JOBS = Jobs(*checked())
BRANCHED = ("fig4", "fig4X", "figS4")  # figures
W = SimpleNamespace(
    experiment="mnist", eta="0.05", B="50", first="0", last="19", realization="0", diagram="H", delta_S="0.0005",
    convention="ito", layers="all", control="noise",
)  # fmt: skip
NOT_SETTINGS = {"is_reference"}
RULES = [
    name
    for name, _ in getmembers(Jobs, isfunction)
    if not name.startswith("_") and name not in {*NOT_SETTINGS, "figure", "control"}
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
    assert JOBS.train(SimpleNamespace(**vars(W) | {"B": "20"}))["checkpoints"] == [0, 1, 2]  # all are continued
    assert JOBS.train(SimpleNamespace(**vars(W) | {"B": "20", "first": "5"}))["checkpoints"] == []


def test_curvature_is_followed_where_the_configuration_says():
    assert JOBS.curvature(W)["along"] == [0]  # the reference run
    along = JOBS.curvature(SimpleNamespace(**vars(W) | {"eta": "0.02"}))
    assert along["along"] == list(range(20)) and along["spectrum"] == []
    assert JOBS.curvature(SimpleNamespace(**vars(W) | {"eta": "0.01"}))["spectrum"] == [0]


def test_the_whole_networks_curvature_is_taken_along_the_runs_that_the_configuration_names_alone():
    shown = SimpleNamespace(**vars(W) | {"eta": "0.02"})  # of Figs. 3D and C4, which show the studied layer
    assert JOBS.layer_curvature(shown)["along"] == JOBS.layer_curvature(W)["along"] == []
    own = {"along": [{"eta": "all", "B": "all", "realizations": [0]}]}
    named = Jobs(*checked({"experiments": {"mnist": {"curvature": own}}}))
    assert named.layer_curvature(shown)["along"] == [0] and named.curvature(shown)["along"] == list(range(20))


def test_gradient_noise_is_that_of_the_studied_layer_and_keeps_the_parameters_of_its_runs():
    settings = JOBS.gradient_noise(W)
    assert settings["along"] == [0, 1, 2, 3, 4] and settings["layers"] == [2] and not settings["biases"]
    assert "runs" not in settings and settings["tolerance"] == JOBS.curvature(W)["tolerance"]
    runs = [{"eta": [0.05], "B": [500], "realizations": [7]}]
    jobs = Jobs(*checked({"experiments": {"mnist": {"gradient_noise": {"runs": runs}}}}))
    small = SimpleNamespace(**vars(W) | {"B": "500"})
    assert jobs.train(small)["checkpoints"] == [0, 1, 2, 7] and JOBS.train(small)["checkpoints"] == [0, 1, 2]
    assert jobs.train(W) == JOBS.train(W) and jobs.curvature(small) == JOBS.curvature(small)


def test_continued_runs_keep_their_parameters_and_the_rate_of_the_descent_may_be_their_own():
    assert JOBS.continuations(W)["runs"] == [0, 1, 2]
    assert JOBS.continuations(W)["descent"] == {"eta": 0.05, "steps": 2000, "loss": 0.005, "looks": 3, "every": 20}
    other = SimpleNamespace(**vars(W) | {"eta": "0.002"})
    assert JOBS.train(other)["checkpoints"] == [0, 1, 2] and JOBS.continuations(other)["descent"]["eta"] == 0.05
    own = Jobs(*checked({"experiments": {"mnist": {"continuations": {"eta": "same"}}}}))
    assert own.continuations(other)["descent"]["eta"] == 0.002


def test_only_one_run_is_the_reference():
    assert JOBS.is_reference(W) and JOBS.branch(W)["reference"]
    assert JOBS.branch_curvature(W)["along"] == select_curves(np.arange(51)).tolist()  # those that Fig. 4C draws
    other = SimpleNamespace(**vars(W) | {"realization": "1"})
    assert not JOBS.is_reference(other) and JOBS.branch_curvature(other)["along"] == []


def test_the_fokker_planck_solutions_end_where_the_simulations_do():
    settings = JOBS.fokker_planck(W)
    assert settings["course_time"] == 0.01 * 100_000
    assert settings["longest_time"] == 0.1 * 20_000
    assert {0.0005, 0.001} <= set(settings["delta_S"])


def test_the_claims_are_about_the_experiments_that_the_figures_show():
    parts = JOBS.claims(W)["parts"]
    assert parts["noise"]["eta"] == 0.05 and parts["freezing"]["reference"] == [0.05, 50]
    assert parts["noise"]["quiet"] == [0.01, 50] and parts["noise"]["noisy"] == [0.05, 50]
    assert parts["other"] == {"experiment": "cifar10", "N": 10} and parts["starts"] == {}
    assert parts["branches"]["cell"] == [0.05, 50]
    assert parts["arms"]["training"]["isotropic"] == {"noise": "isotropic"}
    alone = Jobs(
        *checked({"figures": {"figS5": {"experiment": "mnist", "eta_colors": ["red"] * 4, "spectrum_eta": 0.01}}})
    )
    assert "other" not in alone.claims(W)["parts"]


def test_the_explorer_looks_like_the_figures_of_its_experiment():
    looks = JOBS.explorer(W)["experiments"]
    assert looks["mnist"]["colors"]["fig1"]["eta_colors"] == JOBS.config["figures"]["fig1"]["eta_colors"]
    assert looks["cifar10"]["colors"]["figS5"]["eta_colors"] == JOBS.config["figures"]["figS5"]["eta_colors"]
    assert looks["cifar10"]["reference"] is None and looks["mnist"]["reference"] == ["0.05", 50, 0]


ARM = SimpleNamespace(experiment="minibatch", eta="0.05", B="50", first="0", last="19")
ARM_NAMES = [name for name, found in JOBS.experiments.items() if found.sweep.cells == [("0.05", 50)]]
DEFAULT_TRAIN = {
    "network", "classes", "seed", "eta", "B", "first", "last", "iterations", "points", "checkpoints",
}  # fmt: skip
DEFAULT_BRANCH = {"network", "classes", "run", "reference", "t_c", "eta", "iterations", "points", "final"}


def arm(name, **wildcards):
    return SimpleNamespace(**vars(ARM) | {"experiment": name, "realization": "0"} | wildcards)


def test_the_explorer_compares_experiments_that_differ_in_training_alone():
    settings = JOBS.explorer(W)
    group, *others = settings["arms"]
    assert group == ["mnist", "displaced_starts", "initializations", "subset_0", *ARM_NAMES]
    assert others == []  # a single experiment with other images or another network is no group
    shown = settings["experiments"]
    assert all(shown[name]["compared"] == [["0.05", 50]] and shown[name]["arm"] for name in ARM_NAMES)
    assert not shown["mnist"]["arm"] and not shown["subset_1"]["arm"]
    assert shown["no_noise"]["training"] == {"noise": "none"} and shown["minibatch"]["training"] == {}
    assert settings["landscape"] == JOBS.model["landscape"]
    alone = Jobs(*checked("config/without-controls.yaml", {"two_valley": None}))
    assert alone.explorer(W)["arms"] == [] and alone.explorer(W)["landscape"] == {}


def test_a_whole_sweep_is_compared_with_an_arm_in_their_common_cell_and_has_gradient_descent_beside():
    arms = {"gaussian": {"like": "mnist", "sweep": {"eta": [0.05], "B": [50]}, "training": {"noise": "covariance"}}}
    arms["gaussian"] |= {"branches": None, "projection": {"cells": None}}
    short = {"like": "mnist", "sweep": {"eta_T": 50}}  # other runs, which cannot be compared
    jobs = Jobs(*checked("config/without-controls.yaml", {"experiments": arms | {"short": short}}))
    shown = jobs.explorer(W)
    assert shown["arms"] == [["mnist", "gaussian"]]
    assert shown["experiments"]["mnist"]["compared"] == [["0.05", 50], ["0.05", 1000]]
    assert shown["experiments"]["gaussian"]["compared"] == [["0.05", 50]]
    assert shown["experiments"]["short"]["compared"] == []


def mnist(**settings):
    figures = dict.fromkeys(name for name in read_settings()["figures"] if name != "style")
    return Jobs(*checked({"experiments": {"mnist": settings}, "figures": figures}))


def test_arms_share_data_and_initialization_and_differ_in_training_alone():
    base = JOBS.train(ARM)
    assert base.keys() == DEFAULT_TRAIN
    for name in ARM_NAMES:
        own = JOBS.train(arm(name))
        assert own.pop("training", {}) == changed_settings(JOBS.experiments[name].training)
        kept = own.pop("checkpoints")  # only where flatness is taken along training
        assert own | {"checkpoints": base["checkpoints"]} == base  # seed and network are those of the initialization
        assert kept in ([0], [0, 1, 2, 3, 4])
        assert JOBS.data(arm(name)) == JOBS.data(ARM)
    assert [name for name in ARM_NAMES if "training" not in JOBS.train(arm(name))] == ["minibatch"]


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


def test_paths_and_basins_know_their_settings():
    settings = JOBS.paths(W)
    assert settings["slice"] == {"points": 15, "run": ["0.05", 50, 0]} and settings["layer"] == 2
    assert settings["bezier"] == {"pairs": 6, "steps": 50} and settings["pairs"] == 100
    thresholds = JOBS.branch_basins(W)["thresholds"]
    assert thresholds == {"similarity": 0.9, "agreement": 0.98, "barrier": 0.01, "chord_height": 0.01}
    without = Jobs(*checked({"experiments": {"mnist": {"branches": None}}, "figures": dict.fromkeys(BRANCHED)}))
    assert not {"slice", "layer"} & without.paths(W).keys()


def test_jobs_of_many_images_state_the_part_on_which_they_measure():
    jobs = Jobs(*checked("config/without-controls.yaml", "config/mnist-60000.yaml"))
    w = SimpleNamespace(**vars(W) | {"last": "4"})
    assert jobs.train(w)["train_samples"] == jobs.branch(w)["train_samples"] == 10_000
    for rule in (
        "curvature",
        "layer_curvature",
        "flatness",
        "edge_of_stability",
        "gradient_noise",
        "barriers",
        "paths",
    ):
        assert getattr(jobs, rule)(w)["per_class"] == 100, rule
    assert "train_samples" not in JOBS.train(W) and "per_class" not in JOBS.barriers(W)
