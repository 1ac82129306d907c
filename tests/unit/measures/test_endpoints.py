"""Quantities of runs and branches at their end, from arrays whose answer is known."""

import numpy as np
import pytest

from sgd_valleys.measures.endpoints import SERIES, branch_endpoints, cell_endpoints

NAN = np.nan


def series(runs: int, times: int, last: float) -> np.ndarray:
    """Values (run, time): r + t / 10 on the way, and r + ``last`` at the end."""
    values = np.arange(runs)[:, None] + np.arange(times) / 10
    values[:, -1] = np.arange(runs) + last
    return values


def cell() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], tuple[np.ndarray, ...]]:
    """Three runs with three recorded times; the last run diverged."""
    run = {name: series(3, 3, 0.5 + k) for k, name in enumerate(SERIES)}
    run["train_accuracy"] = np.array([[0.1, 0.5, 1], [0.1, 1, 0.99], [0.1, 1, NAN]])
    run["diverged"] = np.array([False, False, True])
    run["test_error"] = np.zeros((3, 3, 4), dtype=bool)
    run["test_error"][:, -1] = [[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]]
    run["initial_layer2_weight"] = np.ones((2, 2))
    run["final_layer2_weight"] = np.array([[[4, 5], [1, 1]], [[4, 1], [1, 1]], [[NAN, 1], [1, 1]]])
    eigenvalue = np.arange(18.0).reshape(3, 3, 2)
    curvature = {"flatness": series(3, 3, 7), "trace": series(3, 3, 8), "eigenvalue": eigenvalue}
    return run, curvature, (np.array([0.1, 0.2, NAN]), np.array([0.9, 0.8, NAN]), np.eye(3, 10, dtype=bool))


def test_a_cells_endpoints_are_its_last_recorded_values() -> None:
    run, *others = cell()
    found = cell_endpoints(run, *others, layer=2, deterministic=False)
    for k, name in enumerate(("train_loss", "test_loss")):
        assert found[name].tolist() == [0.5 + k, 1.5 + k, 2.5 + k]
    assert found["test_accuracy"].tolist() == [3.5, 4.5, 5.5]
    assert found["flatness"].tolist() == [7, 8, 9] and found["trace"].tolist() == [8, 9, 10]
    assert found["top_sum"].tolist() == [4 + 5, 10 + 11, 16 + 17]
    assert found["test_file_loss"][:2].tolist() == [0.1, 0.2] and found["test_file_accuracy"][0] == 0.9
    assert found["test_error"].tolist() == run["test_error"][:, -1].tolist()
    assert found["test_file_error"].tolist() == np.eye(3, 10, dtype=bool).tolist()
    assert found["displacement"] == pytest.approx([5, 3, NAN], nan_ok=True)  # from (1, 1, 1, 1) to (4, 5, 1, 1): 3, 4
    assert found["converged"].tolist() == [True, False, False]  # exactly 1, at the end
    assert found["runs"] == 3 and found["convergence_probability"] == pytest.approx(1 / 3)


def test_a_cells_similarities_are_means_over_pairs_of_finite_runs() -> None:
    found = cell_endpoints(*cell(), layer=2, deterministic=False)
    assert found["similarity"] == pytest.approx(1 / 3)  # one of three samples is misclassified by both
    assert found["displacement_cosine"] == pytest.approx(3 / 5)  # of (3, 4) and (3, 0)


def test_gradient_descent_is_identical_to_itself_unless_it_diverged() -> None:
    run, curvature, score = cell()
    start = run.pop("initial_layer2_weight")
    for r, expected in ((0, 1), (2, NAN)):
        one_run, one_curvature = ({name: array[[r]] for name, array in arrays.items()} for arrays in (run, curvature))
        one_run["initial_layer2_weight"] = start
        found = cell_endpoints(one_run, one_curvature, tuple(each[[r]] for each in score), 2, deterministic=True)
        values = found["similarity"], found["displacement_cosine"]
        assert values == pytest.approx((expected, expected), nan_ok=True)
        assert found["runs"] == 1


def test_deterministic_runs_with_starts_of_their_own_are_compared_in_pairs() -> None:
    run, curvature, score = cell()
    start = np.ones((3, 2, 2))
    start[1, 0, 1] = 5  # the second run then moves by (3, -4)
    found = cell_endpoints(run | {"initial_layer2_weight": start}, curvature, score, layer=2, deterministic=True)
    assert found["test_error"].tolist() == run["test_error"][:, -1].tolist()
    assert found["test_file_error"].tolist() == np.eye(3, 10, dtype=bool).tolist()
    assert found["displacement"] == pytest.approx([5, 5, NAN], nan_ok=True)
    assert found["similarity"] == pytest.approx(1 / 3)
    assert found["displacement_cosine"] == pytest.approx((9 - 16) / 25)


def branches() -> tuple[dict, dict, tuple[np.ndarray, np.ndarray], dict]:
    """Five branches of a run that freezes at iteration 20; the branch at 10 diverged, and all end at other times."""
    count, times, samples = 5, 4, 10
    t_c, final = np.array([0, 10, 20, 30, 40]), np.array([3, 3, 2, 2, 1])
    end = np.arange(count), final
    found = {name: np.full((count, times), -1.0) for name in SERIES} | {"t_c": t_c, "final": final}
    found["diverged"] = t_c == 10
    loss = np.array([0.5, NAN, 0.3, 0.2, 0.1])
    for name in SERIES:
        found[name][end] = loss
    curvature = {name: np.full((count, times), -1.0) for name in ("flatness", "trace")}
    curvature["flatness"][end], curvature["trace"][end] = 10 - 20 * loss, 3 * loss  # F falls with the loss, slope -20
    errors = np.zeros((count, samples), dtype=bool)
    errors[0, :2], errors[2, :4], errors[3, :4], errors[4, :4] = True, True, True, True
    errors[3, 0] = False
    found["test_error"] = np.ones((count, times, samples), dtype=bool)
    found["test_error"][end] = errors
    run = {
        "iteration": np.array([0, 10, 20, 30]),
        "train_loss": np.array([2, 1, 0.05, 0.01]),
        "test_error": np.zeros((4, samples), dtype=bool),
    }
    run["test_error"][-1, :8] = True
    return found, curvature, (2 * loss, np.array([0.9, 0.1, 0.8, 0.7, 0.6])), run


def test_a_branchs_endpoints_are_its_values_at_the_end_of_the_run() -> None:
    found = branch_endpoints(*branches(), L_c=0.1, same_basin=0.7)
    loss = [0.5, NAN, 0.3, 0.2, 0.1]
    for name in SERIES:
        assert found[name] == pytest.approx(loss, nan_ok=True)
    assert found["trace"] == pytest.approx([1.5, NAN, 0.9, 0.6, 0.3], nan_ok=True)
    assert found["test_file_accuracy"] == pytest.approx([0.9, NAN, 0.8, 0.7, 0.6], nan_ok=True)  # diverged: no score
    assert found["test_loss_slope"] == pytest.approx(-20) and found["test_loss_intercept"] == pytest.approx(10)
    assert found["test_loss_r_squared"] == pytest.approx(1)
    assert found["test_file_loss_slope"] == pytest.approx(-10)  # the loss on the file is twice as large


def test_the_similarities_of_branches_and_the_freezing_times_of_their_run() -> None:
    found = branch_endpoints(*branches(), L_c=0.1, same_basin=0.7)
    assert found["similarity_to_last"] == pytest.approx([2 / 4, NAN, 1, 3 / 4, 1], nan_ok=True)
    assert found["similarity_to_run"] == pytest.approx([2 / 8, NAN, 4 / 8, 3 / 8, 4 / 8], nan_ok=True)
    assert found["jaccard"][0, 3] == pytest.approx(1 / 4) and np.isnan(found["jaccard"][1]).all()
    assert found["freezing_time"] == 20
    assert np.isnan(found["similarity_before"])  # one finite branch is no pair
    assert found["similarity_after"] == pytest.approx((3 / 4 + 1 + 3 / 4) / 3)
    assert found["basin_freezing_time"] == 20
    assert branch_endpoints(*branches(), L_c=0.1, same_basin=0.8)["basin_freezing_time"] == 40


def test_branches_of_which_none_is_finite_have_no_line_and_no_basin() -> None:
    diverged, curvature, score, run = branches()
    diverged["diverged"] = np.ones(5, dtype=bool)
    for arrays in (diverged, curvature):
        arrays |= {name: np.full_like(arrays[name], NAN) for name in (*SERIES, "flatness", "trace") if name in arrays}
    found = branch_endpoints(diverged, curvature, score, run, L_c=0.1, same_basin=0.7)
    names = ("test_loss_slope", "test_file_loss_r_squared", "basin_freezing_time", "similarity_after")
    assert np.isnan([found[name] for name in names]).all()
    assert found["freezing_time"] == 20  # the run itself froze


def test_a_run_that_diverged_has_no_similarity_to_its_branches() -> None:
    found, curvature, score, run = branches()
    run["train_loss"] = np.array([2, 1, 3, NAN])
    ends = branch_endpoints(found, curvature, score, run, L_c=0.1, same_basin=0.7)
    assert np.isnan(ends["similarity_to_run"]).all() and np.isnan(ends["freezing_time"])
    assert np.isfinite(ends["similarity_to_last"]).tolist() == [True, False, True, True, True]
