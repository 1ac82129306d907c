"""Branches against the last one, and the time from which all end in its basin, against brute force."""

import numpy as np
import pytest

from sgd_valleys.measures.basins import CRITERIA
from sgd_valleys.measures.branch_basins import basin_times, compare_with_last
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.mlp import MLP

NETWORK = MLP((6, 5, 4, 3))
ALPHA = np.linspace(0, 1, 5)


@pytest.fixture
def case() -> tuple:
    rng = np.random.default_rng(1)
    solutions = [NETWORK.initialize(rng) for _ in range(2)]
    solutions += [{name: array + 1e-3 for name, array in solutions[1].items()}, solutions[1]]
    final = {name: np.stack([theta[name] for theta in solutions]) for name in NETWORK.names()}
    counts = {"train": 20, "test_file": 50}
    samples = {name: (rng.normal(size=(count, 6)), rng.integers(0, 3, count)) for name, count in counts.items()}
    error = rng.random((4, 12)) < 0.5
    return solutions, final, error, samples


def test_values_are_those_of_brute_force(case) -> None:
    solutions, final, error, samples = case
    calls = []
    found = compare_with_last(
        NETWORK, final, error, np.zeros(4, bool), samples, ALPHA, progress=lambda: calls.append(1)
    )
    assert found.keys() == CRITERIA.keys() and len(calls) == 4
    (x, y), images = samples["train"], samples["test_file"][0]
    for b in range(4):
        both, either = (error[b] & error[3]).sum(), (error[b] | error[3]).sum()
        assert found["similarity"][b] == pytest.approx(both / either)
        same = NETWORK.forward(solutions[b], images).argmax(1) == NETWORK.forward(solutions[3], images).argmax(1)
        assert found["agreement"][b] == same.mean()
        between = [{name: a * solutions[b][name] + (1 - a) * solutions[3][name] for name in final} for a in ALPHA]
        loss = [cross_entropy(NETWORK.forward(theta, x), y) for theta in between]
        assert found["barrier"][b] == pytest.approx(max(loss) - (loss[0] + loss[-1]) / 2, abs=1e-12)
        chord = [value - a * loss[-1] - (1 - a) * loss[0] for value, a in zip(loss, ALPHA, strict=True)]
        assert found["chord_height"][b] == pytest.approx(max(chord), abs=1e-12)


def test_a_diverged_branch_is_in_no_basin(case) -> None:
    _, final, error, samples = case
    final = {name: array.copy() for name, array in final.items()}
    final["layer1_weight"][1] = np.nan
    diverged = np.array([False, True, False, False])
    found = compare_with_last(NETWORK, final, error, diverged, samples, ALPHA)
    for values in found.values():
        assert np.isnan(values).tolist() == diverged.tolist()
    times = basin_times(np.arange(4), found, {"similarity": 0, "agreement": 0, "barrier": 9, "chord_height": 9})
    assert set(times.values()) == {2.0}
    last = compare_with_last(NETWORK, final, error, diverged[::-1] | diverged[[1, 0, 3, 1]], samples, ALPHA)
    assert all(np.isnan(values).all() for values in last.values())


def test_each_criterion_has_its_own_time(case) -> None:
    _, final, error, samples = case
    error[2] = ~error[3]  # no error in common with the last branch
    found = compare_with_last(NETWORK, final, error, np.zeros(4, bool), samples, ALPHA)
    thresholds = {"similarity": 0.9, "agreement": 0.9, "barrier": 1e-2, "chord_height": 1e-2}
    times = basin_times(np.array([0, 10, 20, 30]), found, thresholds)
    # the loss from branch 0 to the last is a slope, which is a barrier by Eq. 5 alone
    assert times == {
        "similarity": 30,
        "agreement": 10,
        "barrier": 10,
        "chord_height": 0,
    }  # the line from branch 0 is a slope
