"""What a training records, and which part of the record is stored."""

import numpy as np
import pytest
from helpers.training import run_training

from sgd_valleys.errors import UserError
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.training.recording import Recording, finite_runs

NETWORK = MLP((5, 4, 3))


def trajectory(checkpoints):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(12, 5)), rng.integers(0, 3, 12)
    points = [NETWORK.initialize(rng) for _ in range(3)]
    starts = {name: np.stack([point[name] for point in points]) for name in points[0]}
    return run_training(NETWORK, starts, data, data, eta=0.1, B=12, iterations=4, recording=Recording(5, checkpoints))


def test_checkpoints_are_selected_at_one_point_of_each_run():
    whole, last = trajectory(dict.fromkeys(range(3), range(5))), trajectory({0: [4], 1: [2], 2: [0]})
    selected, only = whole.checkpoint_at([4, 2, 0]), last.checkpoint_at([4, 2, 0])
    for name in NETWORK.names():
        expected = np.stack([whole.checkpoint[name][run, point] for run, point in ((0, 4), (1, 2), (2, 0))])
        assert np.array_equal(selected[name], expected) and np.array_equal(only[name], expected)
    assert np.array_equal(selected["layer2_weight"][0], whole.final["layer2_weight"][0])


def test_all_checkpointed_runs_have_as_many_points():
    with pytest.raises(ValueError, match="different numbers of points"):
        Recording(5, {0: [4], 1: [2, 3]})


def test_stored_series_have_the_axes_of_runs_and_recorded_times():
    variables = trajectory({}).variables("t_c", "steps since t_c")
    assert variables["test_error"].dims == ("t_c", "time", "test_sample")
    assert (variables["iteration"].data.tolist(), variables["iteration"].long_name) == (
        [0, 1, 2, 3, 4],
        "steps since t_c",
    )
    assert variables["diverged"].dims == ("t_c",) and not variables["diverged"].data.any()


def test_a_part_of_the_training_images_is_recorded_and_trains_the_same_runs():
    rng = np.random.default_rng(0)
    x, y, start = rng.normal(size=(12, 5)), np.arange(12)[::-1] // 4, NETWORK.initialize(rng)
    whole, part = (
        run_training(NETWORK, start, (x, y), (x[:2], y[:2]), eta=0.1, B=12, iterations=4, recording=Recording(5, {}, n))
        for n in (None, 6)
    )
    chosen = [8, 9, 4, 5, 0, 1]  # the first two of each class
    logits = NETWORK.forward({name: array[0] for name, array in part.final.items()}, x[chosen])
    assert part.train_loss[0, -1] == pytest.approx(cross_entropy(logits, y[chosen]), rel=1e-5)
    assert part.train_accuracy[0, -1] == np.mean(logits.argmax(axis=1) == y[chosen])
    assert all(np.array_equal(part.final[name], whole.final[name]) for name in NETWORK.names())
    assert np.array_equal(part.test_loss, whole.test_loss) and not np.array_equal(part.train_loss, whole.train_loss)
    assert part.variables("run")["train_loss"].long_name == "training loss on 6 training images, mean cross-entropy"
    with pytest.raises(
        UserError,
        match=r"recording\.train_samples: 5 images of each class .* at most 4, the number of images of class 0",
    ):
        run_training(NETWORK, start, (x, y), (x, y), eta=0.1, B=12, iterations=4, recording=Recording(5, {}, 15))
    with pytest.raises(
        UserError, match=r"recording\.train_samples = 7: out of range; allowed are multiples of the 3 classes"
    ):
        run_training(NETWORK, start, (x, y), (x, y), eta=0.1, B=12, iterations=4, recording=Recording(5, {}, 7))


def test_a_run_is_finite_where_all_of_its_parameters_are():
    parameters = {"layer1_weight": np.zeros((4, 2, 3)), "layer1_bias": np.zeros((4, 2))}
    parameters["layer1_weight"][1, 0, 2] = np.inf
    parameters["layer1_bias"][3, 1] = np.nan
    assert finite_runs(parameters).tolist() == [True, False, True, False]
