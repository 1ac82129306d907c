"""Estimated costs of jobs: sizes from independent counts, known totals, and limits above the estimates."""

import logging
from dataclasses import replace
from inspect import getmembers, isfunction
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.settings import checked

from sgd_valleys.recipe import Phase, Recipe
from sgd_valleys.workflow import plan
from sgd_valleys.workflow.costs import DOUBLE, REFERENCE, Arithmetic, Cost, phase_shares, training_seconds
from sgd_valleys.workflow.jobs import Jobs
from sgd_valleys.workflow.plan import PlannedJob
from sgd_valleys.workflow.stage_costs import MIN_MINUTES, SAFETY, STAGES, Costs, stage_of

W = SimpleNamespace(
    experiment="mnist", eta="0.05", B="50", first="0", last="19", realization="0", diagram="H", delta_S="0.0005",
    convention="ito", layers="all", control="noise",
)  # fmt: skip
RULES = [rule for rules in STAGES.values() for rule in rules]


def costs(*overlays):
    return Costs(Jobs(*checked(*overlays)))


def at(**wildcards):
    return SimpleNamespace(**vars(W) | wildcards)


PAPER = costs()


def mnist(**settings):
    return costs({"experiments": {"mnist": settings}})


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_sizes_are_those_of_the_network(name):
    network, arithmetic = PAPER.experiments[name].network, Arithmetic.of(PAPER.experiments[name])
    parameters = network.initialize(np.random.default_rng(0))
    assert arithmetic.parameters == sum(array.size for array in parameters.values())
    assert arithmetic.layer_weights == tuple(array.size for key, array in parameters.items() if key.endswith("weight"))


def test_operations_of_a_step_are_counted_by_layer():
    assert Arithmetic.of(PAPER.experiments["mnist"]).training_flop == 174_800  # as benchmarks/training.py counts them
    convolutional = Arithmetic.of(PAPER.experiments["cifar10"])
    pixels = [32 * 32, 16 * 16, 8 * 8, 1, 1]  # outputs of each layer, at which all of its weights are used
    uses = [weights * count for weights, count in zip(convolutional.layer_weights, pixels, strict=True)]
    assert convolutional.training_flop == 4 * sum(uses) + 2 * sum(uses[1:])


def test_the_paper_costs_what_it_took():
    """Training of MNIST took 5,700 s and that of CIFAR-10 4,200 s of cores of 190 GFLOP/s, whole branches 2,500 s."""
    for name, measured in (("mnist", 5700), ("cifar10", 4200)):
        sweep = PAPER.experiments[name].sweep
        total = sum(
            PAPER.cost("train", at(experiment=name, eta=cell.eta, B=cell.B, first=first, last=last)).seconds
            for cell in sweep.cells
            for first, last in sweep.job_chunks(cell)
        )
        assert measured / 1.5 < total < 1.5 * measured
    branches = sum(PAPER.cost("branch", at(realization=str(r))).seconds for r in range(20))
    assert 2500 / 1.5 < branches / 0.75 < 1.5 * 2500  # they end at T, on average after 0.75 T


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_an_estimate_below_its_limits(rule):
    found = PAPER.cost(rule, W)
    assert found.seconds > 0 and found.mb > 0 and found.disk >= 0
    assert PAPER.minutes(rule)(W) >= max(MIN_MINUTES, SAFETY * found.minutes)
    assert PAPER.mb(rule)(W) >= found.mb + 400 and PAPER.mb(rule)(W) % 100 == 0


def test_every_estimate_belongs_to_a_stage_and_other_rules_are_figures():
    methods = {name for name, _ in getmembers(Costs, isfunction) if not name.startswith("_")}
    assert methods - {"cost", "minutes", "mb"} == set(RULES)
    assert stage_of("fig1") == "figures and pages" and PAPER.cost("fig1", W).minutes < 0.1


def test_rules_know_the_number_of_images_and_of_runs():
    large, more = mnist(dataset={"train_per_class": 1000}), at(last="39")
    for rule in ("curvature", "layer_curvature", "edge_of_stability", "gradient_noise", "branch", "barriers", "paths"):
        assert large.cost(rule, W).seconds > 4 * PAPER.cost(rule, W).seconds, rule
        assert large.minutes(rule)(W) >= SAFETY * large.cost(rule, W).minutes, rule
        assert large.mb(rule)(W) > PAPER.mb(rule)(W), rule
    for rule in ("train", "layer_curvature", "flatness"):
        assert PAPER.cost(rule, more).seconds > 1.4 * PAPER.cost(rule, W).seconds, rule


def test_a_subset_of_the_images_bounds_the_cost_of_what_takes_it():
    whole = mnist(dataset={"train_per_class": 1000})
    subset = mnist(dataset={"train_per_class": 1000}, curvature={"per_class": 100})
    for rule in ("curvature", "layer_curvature"):
        assert subset.cost(rule, W).seconds == pytest.approx(PAPER.cost(rule, W).seconds)
        assert whole.cost(rule, W).seconds > 7 * subset.cost(rule, W).seconds


def test_noise_in_the_full_gradient_costs_time():
    plain, gaussian = mnist(branches=None), mnist(training={"noise": "covariance"}, branches=None)
    assert gaussian.cost("train", W).seconds > 5 * plain.cost("train", W).seconds
    recipe = Recipe(eta=0.1, B=50, iterations=1000, noise="none")
    arithmetic = Arithmetic.of(PAPER.experiments["mnist"])
    descent = training_seconds(arithmetic, recipe, 1000)
    assert descent == pytest.approx(1.0, rel=0.2)  # 1.02 ms a step: benchmarks/training.py
    for noise, steps in (("covariance", 1.1), ("isotropic", 1.8), ("constant", 1.6)):
        assert training_seconds(arithmetic, replace(recipe, noise=noise), 1000) == pytest.approx(steps * descent)


def test_a_schedule_costs_the_share_of_each_phase():
    schedule = (Phase(0.25), Phase(0.5, noise="none"), Phase(1.0, B=100))
    recipe = Recipe(eta=0.1, B=50, iterations=400, schedule=schedule)
    arithmetic = Arithmetic.of(PAPER.experiments["mnist"])
    assert [(phase.noise, phase.B, share) for phase, share in phase_shares(recipe)] == [
        ("minibatch", 50, 0.25), ("none", 50, 0.25), ("minibatch", 100, 0.5),
    ]  # fmt: skip
    alone = Recipe(eta=0.1, B=50, iterations=100)
    parts = [alone, replace(alone, noise="none"), replace(alone, B=100, iterations=200)]
    expected = sum(training_seconds(arithmetic, part, 1000) for part in parts)
    assert training_seconds(arithmetic, recipe, 1000) == pytest.approx(expected)
    ended_by_loss = replace(recipe, schedule=(Phase(until_loss=0.1), Phase(1.0, noise="none")))
    assert [share for _, share in phase_shares(ended_by_loss)] == [1.0, 0.0]


def test_a_training_keeps_the_parameters_of_its_runs_and_checkpoints():
    states = 20 + 1 + 20 * 101  # final, initial, and all 20 runs at 101 times
    assert PAPER.cost("train", W).disk == pytest.approx(states * 42_310 * 4, rel=0.02)
    reference, other = (PAPER.cost("branch", at(realization=r)).disk for r in "01")
    assert reference == pytest.approx(51 * 102 * 42_310 * 4, rel=0.02) and other < reference / 50
    assert PAPER.cost("branch", W).mb > 2 * reference / 1e6  # the arrays, and the file that is made in memory


def test_a_whole_spectrum_costs_the_cube_of_the_weights():
    whole, top = at(eta="0.01"), at(eta="0.005")
    more = PAPER.cost("curvature", whole).seconds - PAPER.cost("curvature", top).seconds
    assert more == pytest.approx((2 * 10 * 1000 + 6 * 2500) * 2500**2 / DOUBLE, rel=0.01)
    assert REFERENCE == 190e9  # to which the documentation refers


JOBS = [
    PlannedJob("train", "a.h5", Cost(7200, 500, 3e9), 60, 2000),
    PlannedJob("fig1", "b.png", Cost(36, 900, 1e9), 10, 600),
]


def test_the_plan_adds_up_the_jobs():
    text = plan.describe(JOBS, free=int(5e9))
    assert "Estimate for 2 jobs" in text and "190 GFLOP/s" in text
    assert "core time: 2.0 h\n        training 2.0 h\n" in text  # a stage of less than 1% is left out
    assert "longest job: 120.0 min (rule train, a.h5)" in text
    assert "largest memory of a job: 0.9 GB (rule fig1, b.png)" in text
    assert "4.0 GB of results; 5.0 GB are free" in text


def test_what_does_not_suffice_is_named_with_the_setting_to_change():
    assert len(list(plan.warnings(JOBS, int(5e9), "results", 16_000))) == 2  # limits of time and memory
    disk, machine, time, memory = plan.warnings(JOBS, int(3e9), "results", 800)
    assert "results = results" in disk and "4.0 GB" in disk and "recording.points" in disk
    assert "rule fig1" in machine and "0.9 GB" in machine and "0.8 GB" in machine
    assert "runtime = 60: rule train, a.h5 needs 120 min" in time
    assert "--set-resources train:runtime=360, or change sweep.job_samples" in time
    assert "mem_mb = 600: rule fig1, b.png needs 900 MB" in memory
    unlimited = [replace(job, minutes=None, mb=None) for job in JOBS]
    assert list(plan.warnings(unlimited, int(5e9), "results", None)) == []


def test_the_plan_is_composed_once_and_stands_before_every_table(caplog):
    logger, composed = logging.getLogger("test_costs"), []

    def compose():
        composed.append(1)
        return [(logging.INFO, "the plan"), (logging.WARNING, "too much")]

    logger.setLevel(logging.INFO)
    printers = [plan.PlanPrinter(lambda record: record.msg == "table", compose, owner, {"quiet": 1}) for owner in "aab"]
    for printer in printers[:2]:
        printer.install(logger)
    for text in ("other", "table", "table"):
        logger.info(text)
    plans = ["the plan", "too much"]
    assert caplog.messages == ["other", *2 * [*plans, *plans, "table"]] and len(composed) == 2
    assert [hasattr(record, "quiet") for record in caplog.records[1:3]] == [True, False]
    printers[2].install(logger)  # of another workflow
    assert logger.filters == [printers[2]]
    logger.removeFilter(printers[2])
    assert plan.messages([], "results", None) == []


def test_the_free_disk_is_that_of_the_folder_to_be(tmp_path):
    assert plan.free_bytes(tmp_path / "not" / "yet") == pytest.approx(plan.free_bytes(tmp_path), rel=0.1)
