"""Means and intervals over the runs of an arm, from arrays of which the answer is known."""

import numpy as np
import pytest

from sgd_valleys.explorer import arms

RUNS = 6
CELL = (0, 1)  # six runs, of which one diverges and one does not converge; the other cell has one run without noise
ONE_RUN = (0, 0)
DIVERGED, NOT_CONVERGED = 4, 5


def by_run(*values: float) -> np.ndarray:
    """Values (eta, B, realization) of both cells."""
    return np.array([[[7.0] + [np.nan] * (RUNS - 1), values]])


ENDPOINTS = {
    "eta": np.array([0.1]),
    "B": np.array([100, 10]),
    "gradient_descent": np.array([True, False]),
    "runs": np.array([[1, RUNS]]),
    "converged": by_run(1, 1, 1, 1, 0, 0) > 0.5,
    "diverged": by_run(0, 0, 0, 0, 1, 0) == 1,
    "flatness": by_run(1, 2, 3, 4, np.nan, 100),
    "test_file_accuracy": by_run(0.5, 0.5, 0.5, 0.5, np.nan, 0.1),
    "test_accuracy": by_run(0.5, 0.5, 0.5, 0.5, np.nan, 0.1),
    "test_file_error": np.arange(400) % 2 == np.zeros((1, 2, RUNS, 1)),
    "train_loss": by_run(1, 1, 1, 1, np.nan, 6),
    "test_file_loss": by_run(2, 2, 2, 2, np.nan, 2),
}
FREEZING = by_run(10, 20, 30, 40, np.nan, np.nan)
SOLUTIONS = {
    "solution_eta": np.full(RUNS + 1, 0.1),
    "solution_B": np.array([100] + [10] * RUNS),
    "jaccard": np.where(np.eye(RUNS + 1) == 1, 1.0, 0.25),
}


def summary(cell: tuple[int, int] = CELL) -> dict:
    return arms.summarize(ENDPOINTS, FREEZING, SOLUTIONS, cell, np.random.default_rng(1), 400)


def test_means_are_over_the_runs_that_the_heatmaps_count() -> None:
    found = summary()
    means = {name: each["mean"] for name, each in found.items()}
    assert means == pytest.approx(
        {
            "flatness": 2.5,
            "test_file_accuracy": 0.5,
            "train_loss": 2.0,
            "test_file_loss": 2.0,
            "eta_t_freeze": 2.5,
            "similarity": 0.25,
        }
    )
    runs = {name: each["runs"] for name, each in found.items()}
    assert (runs["flatness"], runs["eta_t_freeze"], runs["train_loss"], runs["similarity"]) == (4, 4, 5, 5)


def test_an_interval_is_over_runs_and_needs_five_of_them() -> None:
    found = summary()
    assert found["flatness"]["low"] is None and found["flatness"]["high"] is None
    assert found["train_loss"]["low"] == pytest.approx(1.0) and 3 < found["train_loss"]["high"] <= 5
    # every pair of distinct runs has the same similarity, hence a run that a resample takes twice counts as no pair
    assert [found["similarity"][bound] for bound in ("low", "high")] == pytest.approx([0.25, 0.25])


def test_the_interval_of_an_accuracy_includes_the_test_images() -> None:
    """All runs have the same accuracy, so that resampled runs alone would give no width."""
    ends = ENDPOINTS | {"converged": ENDPOINTS["diverged"] == 0, "test_file_accuracy": by_run(*[0.5] * RUNS)}
    found = arms.summarize(ends, FREEZING, SOLUTIONS, CELL, np.random.default_rng(1), 2000)["test_file_accuracy"]
    assert found["mean"] == 0.5 and found["high"] - found["low"] == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.1)


def test_a_single_run_without_noise_has_a_mean_without_an_interval() -> None:
    found = summary(ONE_RUN)
    assert found["flatness"] == {"mean": 7.0, "low": None, "high": None, "runs": 1}
    assert found["similarity"]["mean"] == 1.0
