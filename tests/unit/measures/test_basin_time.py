"""The scan for the freezing time by continuation, against all checkpoints of made-up basins."""

from collections.abc import Sequence

import numpy as np
import pytest

from sgd_valleys.measures.basin_time import first_of_last_basin, scan_runs

LAST = 100
JUMPS = [[], [1], [99], [37], [30], [70, 12], [5, 6, 7, 50], [91], [9]]  # checkpoints at which runs change basin


def exhaustive_first(same: Sequence[bool]) -> float:
    """Return the exact result from all checkpoints, ``same`` (checkpoint) with the last one True."""
    other = np.flatnonzero(~np.asarray(same))
    first = int(other[-1]) + 1 if len(other) else 0
    return float(first) if first < len(same) - 1 else np.nan


def scanned(basins: np.ndarray, coarse: int) -> tuple[np.ndarray, int]:
    """Scan made-up basins (run, checkpoint), and count the compared checkpoints."""
    asked: list[tuple[int, int]] = []

    def compare(pairs: list[tuple[int, int]]) -> np.ndarray:
        asked.extend(pairs)
        return np.array([[basins[r, k] == basins[r, -1]] for r, k in pairs])

    found = scan_runs(compare, len(basins), basins.shape[1] - 1, coarse, 1)[:, 0]
    assert len(asked) == len(set(asked)), "a checkpoint was continued twice"
    return found, len(asked)


@pytest.mark.parametrize("coarse", [1, 3, 10, 200])
def test_the_scan_is_exact_where_each_basin_is_left_for_good(coarse):
    basins = np.array([np.searchsorted(np.sort(jumps), np.arange(LAST + 1), "right") for jumps in JUMPS])
    exact = [exhaustive_first(row == row[-1]) for row in basins]
    found, compared = scanned(basins, coarse)
    np.testing.assert_array_equal(found, exact)
    assert compared <= len(basins) * (LAST / coarse + min(coarse, LAST) + 1)
    assert exact[:3] == [0, 1, 99]


def test_an_excursion_longer_than_a_coarse_step_is_found_and_a_shorter_one_may_be_missed():
    basins = np.ones((3, LAST + 1), dtype=int)
    basins[:, :20] = 0
    basins[0, 45:56] = 2  # covers checkpoint 50, whatever the step of 10
    basins[1, 50:51] = 2  # lies on a compared checkpoint
    basins[2, 51:59] = 2  # lies between two of them
    assert [exhaustive_first(row == 1) for row in basins] == [56, 51, 59]
    np.testing.assert_array_equal(scanned(basins, 10)[0], [56, 51, 20])
    np.testing.assert_array_equal(scanned(basins, 1)[0], [56, 51, 59])


def test_any_scan_is_too_early_at_most():
    rng = np.random.default_rng(0)
    basins = np.cumsum(rng.random((200, LAST + 1)) < 0.03, axis=1) % 3
    exact = np.array([exhaustive_first(row == row[-1]) for row in basins])
    found = scanned(basins, 10)[0]
    assert (found[np.isfinite(exact)] <= exact[np.isfinite(exact)]).all()
    np.testing.assert_array_equal(scanned(basins, 1)[0], exact)
    assert 0.5 < (found == exact).mean() < 1


def test_a_run_that_changes_basin_until_its_end_has_no_freezing_time():
    basins = np.arange(LAST + 1)[None]
    assert np.isnan(scanned(basins, 10)[0]).all()
    assert np.isnan(exhaustive_first([True, False, True]))


def test_criteria_share_their_continuations():
    first, asked = [20, 40, 47, 90], []

    def compare(pairs: list[tuple[int, int]]) -> np.ndarray:
        asked.extend(pairs)
        return np.array([[k >= each for each in first] for _, k in pairs])

    np.testing.assert_array_equal(scan_runs(compare, 2, LAST, 10, len(first)), [first, first])
    assert len(asked) == len(set(asked)) == 2 * (9 + 1 + 1 + 4 + 1)  # coarse checkpoints, and fine ones by criterion


def test_an_incomplete_scan_is_refused():
    with pytest.raises(ValueError, match="checkpoint 90 is not compared"):
        first_of_last_basin({}, LAST, 10, 1)
