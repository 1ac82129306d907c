"""What an experiment derives from its settings, at the paper's scale."""

from dataclasses import FrozenInstanceError

import pytest
from helpers.settings import checked

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.sweep import Cell, Run, select
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP

EXPERIMENTS = checked()[1]
CONFIG = {name: experiment.settings for name, experiment in EXPERIMENTS.items()}
MNIST, CIFAR10 = EXPERIMENTS["mnist"], EXPERIMENTS["cifar10"]


def test_an_experiment_is_frozen():
    with pytest.raises(FrozenInstanceError):
        MNIST.name = "other"


def test_the_samples_of_both_parts():
    assert (MNIST.M, MNIST.samples("test")) == (1000, 200)
    everything = Experiment("full", CONFIG["cifar10"] | {"dataset": {"name": "cifar10", "train_per_class": "all"}})
    assert everything.M == 50_000


def test_the_networks_are_the_papers():
    assert MNIST.network == MLP((784, 50, 50, 10))
    assert isinstance(CIFAR10.network, CNN) and CIFAR10.network.weight_shape(CIFAR10.layer) == (10, 128)


def test_the_block_is_16_runs_of_one_realization():
    assert len(MNIST.block_runs) == 16
    assert MNIST.block_runs[0] == Run("0.005", 200, 0)


def test_gradient_descent_in_the_block_has_realization_0_alone():
    projection = {"block": {"eta": [0.01], "B": [10, 1000], "realization": 3}}
    runs = Experiment("few", CONFIG["mnist"] | {"projection": projection}).block_runs
    assert runs == [Run("0.01", 10, 3), Run("0.01", 1000, 0)]


def test_the_reference_run_has_its_curvature_taken_and_its_parameters_kept():
    run = MNIST.reference_run
    assert run == Run("0.05", 50, 0)
    for selections in (MNIST.curvature_selections, MNIST.checkpoint_selections):
        assert any(run in selection for selection in selections)
    assert select(MNIST.checkpoint_selections, Cell("0.05", 50), range(20)) == list(range(20))  # all are branched
    assert select(MNIST.checkpoint_selections, Cell("0.05", 20), range(20)) == [0, 1, 2]  # continued; 0 is in the block


def test_the_branches_of_fig_4():
    ((cell, branching),) = MNIST.branchings.items()
    assert cell == ("0.05", 50) and branching.realizations == tuple(range(20))
    assert list(branching.t_c) == list(range(0, 1001, 20)) and (branching.recipe.eta, branching.T) == (0.05, 2000)
    # 101 points every 20 steps: total iteration 2,000 is position 100 of the first branch, 50 of the last
    assert branching.final_positions(101) == [100 - k for k in range(51)]


def test_an_experiment_without_branches_has_none():
    assert CIFAR10.branchings == {} and "branches" not in CIFAR10
