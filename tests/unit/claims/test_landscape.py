"""Effects of landscapes made up to be as the paper has them, and otherwise."""

import numpy as np
import pytest
from helpers.claims import BLOCK, barriers_of, control_of_valleys, endings_of, paths_of, sampling, verdicts

from sgd_valleys.claims import landscape
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED


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
    found["path_chord_height"][1, 7] = 0  # it is gone once more
    assert landscape.barrier_emergence(found, 0.625, sampling()).value == pytest.approx(0.1)
    found["path_chord_height"][1:, 7] = 0
    late = landscape.barrier_emergence(found, 0.625, sampling())
    assert [late.value, *late.interval] == pytest.approx([0.8] * 3)
    found["path_chord_height"][1:, :-1] = 0
    assert landscape.barrier_emergence(found, 0.625, sampling()).value == pytest.approx(1)
    found["path_chord_height"][1, -1] = np.nan  # one that is not known
    assert landscape.barrier_emergence(found, 0.625, sampling()).samples == "9 pairs of 5 solutions"
    found["path_chord_height"][1:] = 1  # there from the start
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
    found = landscape.measure_spectra(endings, [few] * 6, sampling)
    assert [found[key].value for key in ("spectrum_few_large", "spectrum_many_near_zero")] == pytest.approx([0.85, 0.9])
    assert np.isnan(landscape.measure_spectra(endings, [], sampling)["spectrum_many_near_zero"].value)


@pytest.mark.parametrize(
    ("height", "noise", "verdict"),
    [(lambda x: (1 - x) ** 3, 0.0, AGREES), (lambda x: x, 0.0, DISAGREES), (np.zeros_like, 1.0, UNDECIDED)],
)
def test_landscapes_that_agree_with_the_paper_or_not(height, noise, verdict):
    made = barriers_of(height, noise=noise)
    found = landscape.measure(made, BLOCK, endings_of(), sampling, (0.95, 0.625))
    assert verdicts(found)["barrier_falls"] == verdict
    beside = {each.text: each.value for each in found["barrier_falls"].controls}
    assert beside["near Sim_J = 0.95"] == found["barrier_similar"].value


def test_the_line_of_one_realization_is_compared_with_the_spread_of_single_ones():
    for r_squared, verdict in (((0.3, 0.8), AGREES), ((0.1, 0.5), DISAGREES)):
        made = barriers_of(lambda x: 1 - x) | {"block_r_squared": np.linspace(*r_squared, 20)}
        found = landscape.measure(made, BLOCK, endings_of(), sampling, (0.95, 0.625))
        assert verdicts(found)["barrier_r_squared_block"] == verdict
    made["block_slope"] = np.where(np.arange(20) % 2, 1, -1) * made["block_slope"]  # no line at all
    made["block_r_squared"] = np.linspace(0.5, 0.9, 20)
    found = landscape.measure(made, BLOCK, endings_of(), sampling, (0.95, 0.625))
    assert verdicts(found)["barrier_r_squared_block"] == UNDECIDED


@pytest.mark.parametrize(
    ("connected", "growth", "expected"),
    [
        (1, 1.5, (AGREES, AGREES)),  # the one curve that connects its pair is in one valley
        (4, 0.7, (DISAGREES, DISAGREES)),
        (8, 1.05, (DISAGREES, UNDECIDED)),
    ],
)
def test_curves_and_heights_along_training(connected, growth, expected):
    found = landscape.measure_valleys(control_of_valleys(growth), paths_of(connected))
    judged = verdicts(found)
    assert (judged["valleys_separated"], judged["barrier_grows"]) == expected
    assert found["valleys_separated"].value == pytest.approx((connected - 1) / 7)
    assert found["valleys_separated"].samples == "7 pairs with Sim_J < 0.95"


def test_few_curves_and_pairs_that_do_not_freeze_decide_nothing():
    found = landscape.measure_valleys(control_of_valleys(np.nan), paths_of(0, curves=5))
    assert set(verdicts(found).values()) == {UNDECIDED}


def test_a_control_without_curves_or_block_has_no_claim_about_them():
    made, paths = control_of_valleys(1.5), {"pair_similarity": np.ones(3)}
    assert landscape.measure_valleys(made, paths).keys() == {"barrier_grows"}
    del made["growth"]
    assert landscape.measure_valleys(made, paths) == {}
