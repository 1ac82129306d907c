"""Claims about the loss landscape, of landscapes made up to be as the paper has them, and otherwise."""

import numpy as np
import pytest
from helpers.claims import BLOCK, barriers_of, endings_of, landscape_claims, sampling, verdicts

from sgd_valleys.claims import landscape
from sgd_valleys.claims.verdict import AGREES, DIRECTION, DISAGREES, UNDECIDED


def test_the_line_of_barrier_against_similarity_has_a_sign():
    right = landscape.barrier_r_squared(barriers_of(lambda x: 1 - x), sampling())
    assert right.value == pytest.approx(-1) and right.samples == "780 pairs of 40 solutions"
    wrong = landscape.barrier_r_squared(barriers_of(lambda x: x), sampling())
    assert wrong.value == pytest.approx(1)
    chance = landscape.barrier_r_squared(barriers_of(np.zeros_like, noise=1.0), sampling())
    assert chance.interval[0] < 0 < chance.interval[1]


def test_the_line_over_one_realization_is_its_spread_over_them():
    found = landscape.barrier_r_squared_block(barriers_of(lambda x: 1 - x))
    assert found.value == pytest.approx(-0.55)
    assert found.interval == pytest.approx((-0.8 + 0.0125, -0.3 - 0.0125))


def test_ranks_do_not_ask_for_a_straight_line():
    found = landscape.barrier_rank(barriers_of(lambda x: np.exp(-30 * x)), sampling())
    assert found.value == pytest.approx(-1) and found.interval == pytest.approx((-1, -1))
    none = landscape.barrier_rank(barriers_of(np.zeros_like, noise=1.0), sampling())
    assert none.interval[0] < 0 < none.interval[1]


def test_a_barrier_near_a_similarity_is_that_of_pairs_there_over_the_solutions_loss():
    step = barriers_of(lambda x: np.where(x > 0.8, 0.001, 0.1))
    assert landscape.barrier_near(step, 0.95, 0.004, sampling()).value == pytest.approx(0.25)
    assert landscape.barrier_near(step, 0.625, 0.004, sampling()).value == pytest.approx(25)
    assert np.isnan(landscape.barrier_near(step, 0.2, 0.004, sampling()).value)


def test_a_barrier_emerges_where_it_stays_above_half_of_its_end():
    found = barriers_of(lambda x: 1 - x)
    early = landscape.barrier_emergence(found, 0.625, sampling())
    assert [early.value, *early.interval] == pytest.approx([0.1] * 3)
    assert early.samples == "10 pairs of 5 solutions"
    found["path_barrier"][1, 7] = 0  # it is gone once more
    assert landscape.barrier_emergence(found, 0.625, sampling()).value == pytest.approx(0.1)
    found["path_barrier"][1:, 7] = 0
    late = landscape.barrier_emergence(found, 0.625, sampling())
    assert [late.value, *late.interval] == pytest.approx([0.8] * 3)
    found["path_barrier"][1:, :-1] = 0
    assert landscape.barrier_emergence(found, 0.625, sampling()).value == pytest.approx(1)
    found["path_barrier"][1, -1] = np.nan  # one that is not known
    assert landscape.barrier_emergence(found, 0.625, sampling()).samples == "9 pairs of 5 solutions"
    found["path_barrier"][1:] = 1  # there from the start
    assert landscape.barrier_emergence(found, 0.625, sampling()).value == 0
    assert np.isnan(landscape.barrier_emergence(found, 0.5, sampling()).value)


def test_the_convergence_of_the_cells_of_fig_1():
    endings = endings_of()
    assert landscape.block_converges(BLOCK, endings).value == 1
    endings["converged"][1, 0, :5] = False
    endings["converged"][0, 0] = False  # a cell that is not shown
    found = landscape.block_converges(BLOCK, endings)
    assert found.value == 15 / 20 and found.samples == "20 runs of the 2 cells"


def test_spectra_of_few_large_eigenvalues_and_many_near_zero():
    few = 5000 * np.concatenate([np.ones(10), np.full(90, 1e-6)])
    endings = {
        "gradient_descent": np.array([False]),
        "converged": np.array([[[True] * 6 + [False]]]),
        "runs": np.array([[7]]),
        "trace": np.full((1, 1, 7), 10.0),
        "top_sum": np.array([[[9.0, 8.0] * 3 + [1.0]]]),
    }
    claims = landscape.collect_spectra(endings, [few] * 6, sampling, 10)
    assert [one.value for one in claims] == pytest.approx([0.85, 0.9, 0.9])
    assert verdicts(claims) == {
        "spectrum_few_large": AGREES,
        "spectrum_many_near_zero": AGREES,
        "spectrum_as_printed": DISAGREES,
    }
    flat = landscape.collect_spectra(
        endings | {"top_sum": endings["top_sum"] / 9}, [np.ones(100)] * 6, lambda: sampling(50), 10
    )
    assert list(verdicts(flat).values()) == [DISAGREES, DISAGREES, AGREES]
    nothing = landscape.collect_spectra(endings, [], lambda: sampling(50), 10)
    assert nothing[1].verdict == UNDECIDED


@pytest.mark.parametrize(
    ("height", "noise", "verdict"),
    [(lambda x: (1 - x) ** 3, 0.0, AGREES), (lambda x: x, 0.0, DISAGREES), (np.zeros_like, 1.0, UNDECIDED)],
)
def test_landscapes_that_agree_with_the_paper_or_not(height, noise, verdict):
    found = verdicts(landscape_claims(height, noise=noise))
    assert found["barrier_falls"] == verdict
    assert found["barrier_r_squared"] in ((DIRECTION, AGREES) if verdict == AGREES else (verdict,))
