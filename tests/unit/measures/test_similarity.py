"""Similarity of solutions whose errors and displacements are known."""

import numpy as np
import pytest

from sgd_valleys.measures.similarity import (
    agreement,
    all_pairs,
    cosine,
    jaccard,
    mask_solutions,
    nearest_pair,
    pair_mean,
    pairs_by_realization,
    sample_pairs,
    select_pairs,
    spread_pairs,
)


def errors(*sets, samples=6):
    return np.array([[k in s for k in range(samples)] for s in sets])


def test_jaccard_is_shared_errors_over_all_errors() -> None:
    matrix = jaccard(errors({0, 1, 2}, {1, 2, 3}, {4}, {0, 1, 2}))
    assert matrix[0].tolist() == [1, 0.5, 0, 1]
    assert np.array_equal(matrix, matrix.T)


def test_agreement_is_the_share_of_equal_predictions() -> None:
    classes = np.array([[1, 2, 3, 4], [1, 2, 0, 0], [1, 2, 3, 4]])
    assert agreement(classes, classes[-1]).tolist() == [1, 0.5, 1]
    assert agreement(classes[0], classes[1]) == 0.5


def test_two_solutions_without_errors_are_the_same_solution() -> None:
    matrix = jaccard(errors(set(), set(), {1}))
    assert matrix.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_jaccard_against_sets_drawn_at_random() -> None:
    drawn = np.random.default_rng(0).random((8, 50)) < 0.3
    for i in range(8):
        for j in range(8):
            a, b = set(np.flatnonzero(drawn[i])), set(np.flatnonzero(drawn[j]))
            assert jaccard(drawn)[i, j] == pytest.approx(len(a & b) / len(a | b))


def test_cosine_of_displacements() -> None:
    matrix = cosine(np.array([[1.0, 0], [0, 3], [2, 2], [0, 0]]))
    assert matrix[0, 1] == 0
    assert matrix[0, 2] == pytest.approx(np.sqrt(0.5))
    assert np.isnan(matrix[0, 3])


def test_a_mean_over_pairs_leaves_out_the_diagonal_and_one_run_has_none() -> None:
    assert pair_mean(np.array([[1, 0.2, 0.4], [0.2, 1, 0.6], [0.4, 0.6, 1]])) == pytest.approx(0.4)
    assert np.isnan(pair_mean(np.array([[1.0]]))) and np.isnan(pair_mean(np.empty((0, 0))))


def test_the_pair_nearest_to_a_similarity() -> None:
    assert nearest_pair(np.array([[1, 0.2, 0.9], [0.2, 1, 0.6], [0.9, 0.6, 1]]), 0.62) == (1, 2)
    nan = np.nan
    assert nearest_pair(np.array([[1, nan, 0.9], [nan, nan, nan], [0.9, nan, 1]]), 0.2) == (0, 2)
    assert nearest_pair(np.array([[1, nan], [nan, 1]]), 0.2) is None


def test_a_masked_solution_has_no_similarity_and_the_others_keep_theirs() -> None:
    matrix = np.array([[1, 0.2, 0.4], [0.2, 1, 0.6], [0.4, 0.6, 1]])
    masked = mask_solutions(matrix, np.array([False, True, False]))
    assert np.isnan(masked[1]).all() and np.isnan(masked[:, 1]).all()
    assert masked[[0, 0, 2], [0, 2, 0]].tolist() == [1, 0.4, 0.4]
    assert np.isfinite(matrix).all()


def test_all_pairs_of_some_solutions() -> None:
    assert all_pairs(np.array([4, 7, 5])).tolist() == [[4, 7], [4, 5], [7, 5]]
    assert all_pairs(np.array([4])).shape == all_pairs(np.array([], dtype=int)).shape == (0, 2)


def test_sampled_pairs_are_distinct_and_ordered_and_all_pairs_if_there_are_fewer() -> None:
    drawn = sample_pairs(10, 20, np.random.default_rng(0))
    assert (drawn[:, 0] < drawn[:, 1]).all() and drawn.max() < 10
    assert len(drawn) == 20 and list(map(tuple, drawn)) == sorted(set(map(tuple, drawn)))
    assert sample_pairs(4, 100, np.random.default_rng(0)).tolist() == all_pairs(np.arange(4)).tolist()
    listed = all_pairs(np.arange(60))  # numbers of pairs are drawn, without the list of all
    expected = listed[np.sort(np.random.default_rng(0).choice(len(listed), 500, replace=False))]
    assert np.array_equal(sample_pairs(60, 500, np.random.default_rng(0)), expected)
    assert sample_pairs(1, 3, np.random.default_rng(0)).shape == (0, 2)


def test_every_pair_is_sampled_equally_often() -> None:
    rng = np.random.default_rng(1)
    count = np.zeros((4, 4))
    for _ in range(1200):
        count[tuple(sample_pairs(4, 2, rng).T)] += 1
    frequency = count[np.triu_indices(4, k=1)] / 1200
    assert frequency == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / 1200))  # of 6 pairs, 2 are drawn


def test_pairs_of_a_block_are_listed_by_realization_and_gradient_descent_is_in_each() -> None:
    runs = [(0.1, 10, 0), (0.1, 10, 1), (0.1, 100, 0), (0.2, 10, 0), (0.2, 10, 1), (0.3, 10, 2)]
    first, second, third = pairs_by_realization(runs, [(0.1, 100), (0.2, 10), (0.1, 10)], deterministic=[100])
    assert first.tolist() == [[2, 3], [2, 0], [3, 0]]  # in the order of the cells
    assert second.tolist() == [[2, 4], [2, 1], [4, 1]]
    assert third.shape == (0, 2)  # only gradient descent is left


def test_a_run_without_noise_is_paired_with_the_runs_of_its_initialization() -> None:
    runs = [(0.1, 10, 0), (0.1, 10, 1), (0.1, 10, 2), (0.1, 100, 0), (0.1, 100, 1)]
    found = pairs_by_realization(runs, [(0.1, 10), (0.1, 100)], [100], initializations=2)
    assert [pairs.tolist() for pairs in found] == [[[0, 3]], [[1, 4]], [[2, 3]]]


def test_selected_pairs_are_the_nearest_to_the_targets_and_then_the_dissimilar_ones() -> None:
    matrix = np.array([[1, 0.2, 0.9, 0.3], [0.2, 1, 0.6, 0.25], [0.9, 0.6, 1, 0.1], [0.3, 0.25, 0.1, 1]])
    assert select_pairs(matrix, [0.62, 0.26]).tolist() == [[1, 2], [1, 3], [0, 1], [2, 3]]
    assert select_pairs(matrix, [0.95]).tolist()[0] == [0, 2]
    assert select_pairs(np.ones((1, 1)), [0.5]).shape == (0, 2)


def test_pairs_are_spread_evenly_by_their_rank() -> None:
    similarity = np.array([0.9, 0.1, 0.5, 0.3, 0.7])
    assert spread_pairs(similarity, 3).tolist() == [1, 2, 0]
    assert spread_pairs(similarity, 1).tolist() == [1]
    assert spread_pairs(similarity, 9).tolist() == [1, 3, 2, 4, 0]
    assert spread_pairs(similarity[:0], 3).tolist() == []
