"""Connected pairs, alignment, growth of heights and vanishing barriers: made-up pairs with a known answer."""

import numpy as np
import pytest

from sgd_valleys.controls.valleys import (
    connected_share,
    emergence_time,
    growth_after_freezing,
    mean_ratio,
    vanishing_time,
)
from sgd_valleys.measures.paths import barrier, chord_height

RESAMPLES = 300
PAIRS = np.stack(np.triu_indices(8, k=1), axis=1)  # all pairs of 8 runs
TIMES, ALPHA = 21, np.linspace(0, 1, 9)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_curves_connect_all_pairs():
    share = connected_share(np.full(12, 0.004), 0.01)
    assert share[0] == 1
    assert 0.7 < share[1] < 1  # twelve of twelve do not exclude a few others


def test_curves_connect_no_pair():
    share = connected_share(np.full(12, 0.3), 0.01)
    assert share[0] == 0
    assert share[2] < 0.3


def test_connected_share_of_few_curves():
    assert connected_share(np.array([0.004, 0.3]), 0.01)[0] == 0.5
    assert np.isnan(connected_share(np.array([0.004, 0.3]), 0.01)[1:]).all()
    assert np.isnan(connected_share(np.empty(0), 0.01)).all()


@pytest.mark.parametrize("ratio", [0.2, 1.0])
def test_alignment_lowers_the_lines_or_does_not(ratio: float):
    random = rng()
    straight = 0.5 + random.random(len(PAIRS))
    aligned = ratio * straight * (1 + 0.05 * random.standard_normal(len(PAIRS)))
    found = mean_ratio(aligned, straight, PAIRS, rng(), RESAMPLES)
    assert found[0] == pytest.approx(ratio, rel=0.05)
    assert found[1] < ratio < found[2]
    assert (found[2] < 0.5) == (ratio < 0.5)


def test_ratio_without_a_pair_or_a_height():
    assert np.isnan(mean_ratio(np.empty(0), np.empty(0), PAIRS[:0], rng(), RESAMPLES)).all()
    assert np.isnan(mean_ratio(np.ones(28), np.zeros(28), PAIRS, rng(), RESAMPLES)).all()
    few = mean_ratio(np.ones(3), np.full(3, 2.0), PAIRS[[0, 1, 7]], rng(), RESAMPLES)  # of three runs
    assert few[0] == 0.5
    assert np.isnan(few[1:]).all()


def lines(growth: float) -> tuple[np.ndarray, np.ndarray]:
    """Loss (pair, time, alpha) whose height changes by ``growth`` after the freezing at 10, and its ends."""
    time = np.arange(TIMES)
    own = np.stack([np.exp(-0.25 * time), np.exp(-0.35 * time)], axis=-1)  # ends (time, end): both below 0.1 from 10 on
    ends = np.broadcast_to(own, (len(PAIRS), TIMES, 2))
    frozen = np.where(time < 10, time / 10, 1 + (growth - 1) * (time - 10) / (TIMES - 11))
    hill = (0.5 + rng().random((len(PAIRS), 1))) * frozen
    chord = ALPHA * ends[..., :1] + (1 - ALPHA) * ends[..., 1:]
    return chord + hill[..., None] * 4 * ALPHA * (1 - ALPHA), ends


@pytest.mark.parametrize("growth", [2.0, 0.5])
def test_height_grows_or_shrinks_after_the_freezing(growth: float):
    loss, ends = lines(growth)
    found = growth_after_freezing(chord_height(loss, ALPHA), ends, PAIRS, 0.1, rng(), RESAMPLES)
    assert (found.freezing == 10).all()
    assert found.ratio[0] == pytest.approx(growth)
    assert (found.ratio[1] > 1) == (growth > 1)
    assert (found.ratio[2] < 1) == (growth < 1)


def test_a_pair_is_frozen_when_both_of_its_runs_are():
    loss, ends = lines(2.0)
    ends = ends.copy()
    ends[0, :, 0] = 1.0  # never freezes
    found = growth_after_freezing(chord_height(loss, ALPHA), ends, PAIRS, 0.1, rng(), RESAMPLES)
    assert found.freezing[0] == -1
    assert np.isnan(found.at_freezing[0])
    assert found.ratio[0] == pytest.approx(2)


def test_a_slope_is_no_height():
    """Ends of unequal loss without a hill: Eq. 5 sees an early barrier, the height above the chord does not."""
    _, ends = lines(2.0)
    flat = ALPHA * ends[..., :1] + (1 - ALPHA) * ends[..., 1:]
    assert barrier(flat)[:, 2].min() > 0.04
    assert chord_height(flat, ALPHA).max() == pytest.approx(0, abs=1e-12)


def test_height_emerges_early():
    height = np.broadcast_to(np.where(np.arange(TIMES) < 2, 0.1, 1.0), (len(PAIRS), TIMES))
    found = emergence_time(height, np.linspace(0, 1, TIMES), PAIRS, rng(), RESAMPLES)
    assert found == pytest.approx([0.1, 0.1, 0.1])


def test_height_emerges_late():
    height = np.linspace(0, 1, TIMES) ** 8 * (1 + rng().random((len(PAIRS), 1)))
    found = emergence_time(height, np.linspace(0, 1, TIMES), PAIRS, rng(), RESAMPLES)
    assert found[1] > 0.5


@pytest.mark.parametrize("ratio", [0.2, 1.0])
def test_barrier_vanishes_before_or_at_the_freezing(ratio: float):
    random = rng()
    t_freeze = 400 + 40 * random.random(20)
    basin_time = ratio * t_freeze * (1 + 0.05 * random.standard_normal(20))
    found = vanishing_time(basin_time, t_freeze, rng(), RESAMPLES)
    assert found[0] == pytest.approx(ratio, rel=0.05)
    assert (found[2] < 0.8) == (ratio < 0.8)
    assert np.isnan(vanishing_time(basin_time[:3], t_freeze[:3], rng(), RESAMPLES)[1:]).all()
