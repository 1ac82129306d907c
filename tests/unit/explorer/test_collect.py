"""Values that the explorer shows, from arrays of which the answer is known."""

import numpy as np
import pytest
from helpers.explorer_page import unpack

from sgd_valleys.explorer import collect
from sgd_valleys.measures import cell_maps

# Two rates, two batch sizes, two runs: in one cell all runs converge, in one none, one has one run, one a diverged run.
ONE_RUN, NONE_CONVERGED, ONE_DIVERGED = (0, 1), (1, 0), (1, 1)
VALUES = np.array([[[0.9, 0.8], [0.7, np.nan]], [[0.5, 0.6], [np.nan, 0.8]]])
PLANE = np.array([[0.5, 1.0], [0.25, 0.75]])
ENDS = {
    "eta": np.array([0.1, 0.2]),
    "B": np.array([10, 50]),
    "converged": np.array([[[True, True], [True, False]], [[False, False], [False, True]]]),
    "diverged": np.array([[[False, False], [False, False]], [[False, False], [True, False]]]),
    "train_loss": VALUES / 100,
    "test_loss": VALUES / 10,
    "train_accuracy": VALUES,
    "displacement": 3 * VALUES,
    "displacement_cosine": PLANE,
    "test_accuracy": VALUES,
    "test_file_accuracy": VALUES / 2,
    "test_file_loss": VALUES / 5,
    "flatness": 10 * VALUES,
}
FREEZING = np.stack([100 * VALUES, 50 * VALUES])
RUNS = {(0, 0): 2, ONE_RUN: 1, NONE_CONVERGED: 2, ONE_DIVERGED: 2}
PAIRS = {"solution_eta": np.empty(0), "solution_B": np.empty(0), "jaccard": np.empty((0, 0))}


def stored_maps() -> dict[str, np.ndarray]:
    """The arrays of ``cell_maps.h5`` for this sweep; the similarities are those of ``PLANE``."""
    measures = cell_maps.measures(ENDS | {"gradient_descent": ENDS["B"] == 1000}, FREEZING[0], PAIRS)
    measures.pop("similarity")
    cells = list(enumerate(RUNS.values()))
    return {
        "threshold": np.array([0.1, 0.2]),
        "similarity": PLANE,
        "eta_t_freeze_by_threshold": cell_maps.eta_t_freeze(ENDS["eta"], FREEZING),
        **cell_maps.reduce_runs(ENDS),
        **{
            name: np.array([measure(cell, np.arange(runs)) for cell, runs in cells]).reshape(2, 2)
            for name, measure in measures.items()
        },
    }


def heatmaps() -> dict[str, dict]:
    return {heatmap["name"]: heatmap for heatmap in collect.heatmaps(stored_maps())}


def test_packed_arrays_can_be_unpacked_and_non_finite_values_are_nan() -> None:
    array = np.array([[1.5, np.inf], [np.nan, -2e-8]])
    assert unpack(collect.pack(array)) == pytest.approx(np.array([[1.5, np.nan], [np.nan, -2e-8]]), nan_ok=True)


def test_the_largest_value_has_rank_1_and_equal_values_share_a_rank() -> None:
    rank, share = collect.ranks(np.array([0.1 + 0.2, 5.0, 0.3, np.nan, -1.0]))
    assert rank.tolist() == [2, 1, 2, 0, 4]
    assert share.tolist() == [2, 1, 2, 0, 1]
    assert collect.ranks(np.array([3.0, 1.0, 2.0]), lowest=True)[0].tolist() == [3, 1, 2]


def test_a_cell_in_which_no_run_converges_is_empty_except_in_the_map_of_convergence() -> None:
    for name, heatmap in heatmaps().items():
        if name == "convergence_probability":
            assert heatmap["values"][1][0] == 0 and heatmap["rank"][1][0] == 4 and heatmap["span"] == (0, 1)
        else:
            assert [[value is None for value in row] for row in heatmap["values"]] == [[False, False], [True, False]]
            assert heatmap["rank"][1][0] == 0


def test_heatmaps_are_over_the_same_runs_as_in_the_figures() -> None:
    maps = heatmaps()
    assert maps["max_flatness"]["values"] == [[9.0, 7.0], [None, 8.0]]
    assert maps["mean_test_accuracy"]["values"][0][0] == pytest.approx(0.85)
    assert maps["eta_t_freeze"]["values"][0] == pytest.approx([0.1 * 85, 0.1 * 70])
    assert maps["eta_t_freeze_0.2"]["values"][0] == pytest.approx([0.1 * 42.5, 0.1 * 35])
    assert maps["mean_train_loss"]["rank"] == [[3, 1], [0, 2]]
    assert maps["mean_displacement"]["values"][0] == pytest.approx([2.55, 2.1])


def test_accuracy_on_the_test_set_and_on_the_whole_test_file_are_both_shown() -> None:
    shown = heatmaps()
    assert shown["max_test_accuracy"]["values"] == [[0.9, 0.7], [None, 0.8]]
    assert shown["max_test_file_accuracy"]["values"] == [[0.45, 0.35], [None, 0.4]]


def test_a_diverged_run_is_named_and_has_no_final_value() -> None:
    train = {"realization": np.array([0, 1]), "train_loss": np.array([[1.0, np.nan], [1.0, 0.008]])}
    curvature = {"realization": np.array([0, 1]), "flatness": np.array([[np.nan, np.nan], [2.0, 8.0]])}
    endpoints = {name: ENDS[name] for name in collect.ENDPOINTS} | {"freezing_time": FREEZING[0]}
    runs = collect.cell_runs(endpoints, ONE_DIVERGED, train, curvature)
    assert runs["state"] == ["diverged", "converged"]
    assert runs["final"]["flatness"] == [None, 8.0]
    assert runs["final"]["freezing_time"] == [None, 80.0]
    assert runs["flatness_realization"] == [1] and unpack(runs["flatness"]).tolist() == [[2.0, 8.0]]
