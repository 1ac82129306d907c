"""The random numbers of a run."""

import numpy as np
import pytest

from sgd_valleys.randomness import Stage, stream
from sgd_valleys.training.streams import Streams, run_streams


def test_an_epoch_visits_every_sample_once() -> None:
    order = Streams(0, ()).epochs(40)
    first, second = next(order), next(order)
    assert sorted(first) == sorted(second) == list(range(40))
    assert not np.array_equal(first, second)


def test_the_order_of_a_run_is_keyed_by_its_cell_and_realization() -> None:
    expected = stream(7, Stage.MINIBATCHES, 0.05, 10, 3).permutation(40)
    assert np.array_equal(next(run_streams(7, 0.05, 10, [2, 3])[1].epochs(40)), expected)


@pytest.mark.parametrize("B", [1, 8, 40])
def test_fresh_subsets_have_no_sample_twice_and_all_samples_as_often(B: int) -> None:
    subsets = Streams(0, ()).subsets(40, B)
    drawn = np.concatenate([next(subsets).reshape(-1, B) for _ in range(50 * B)])  # 2,000 subsets
    assert all(len(set(subset)) == B for subset in drawn)
    counts = np.bincount(drawn.ravel(), minlength=40)
    p = B / 40
    assert np.abs(counts - 2000 * p).max() <= 5 * np.sqrt(2000 * p * (1 - p))


def test_the_noise_of_a_step_depends_on_run_and_step_alone() -> None:
    one, other = Streams(0, (0.05, 10, 0)), Streams(0, (0.05, 10, 1))
    draws = [each.at_step(step).standard_normal(100_000) for each in (one, other) for step in (0, 1)]
    assert np.array_equal(one.at_step(1).standard_normal(100_000), draws[1])
    correlation = np.corrcoef(draws) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(100_000)


def test_a_run_that_continues_another_one_has_its_later_noise() -> None:
    later = Streams(0, (1,), first_step=5)
    assert later.at_step(2).standard_normal() == Streams(0, (1,)).at_step(7).standard_normal()
