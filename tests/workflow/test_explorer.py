"""The page to explore holds what the results hold, and is the same whenever it is made."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.checkout import Checkout

from sgd_valleys.explorer import collect, page
from sgd_valleys.figures import panels
from sgd_valleys.storage import hdf5

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def unpacked(array: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["f4"]), "<f4").reshape(array["shape"])


def held(path: Path) -> dict:
    """The data in a page."""
    (found,) = DATA.findall(path.read_text())
    return json.loads(found)


def small_sweep() -> dict[str, np.ndarray]:
    """Two rates, two batch sizes, two runs: one cell's all converge, one's not, one has one run, one lost a run."""
    some = np.array([[[0.9, 0.8], [0.7, np.nan]], [[0.5, 0.6], [np.nan, 0.8]]])
    return {
        "eta": np.array([0.1, 0.2]),
        "B": np.array([10, 50]),
        "runs": np.array([[2, 1], [2, 2]]),
        "similarity": np.array([[0.5, 1.0], [0.25, 0.75]]),
        "convergence_probability": np.array([[1.0, 1.0], [0.0, 0.5]]),
        "converged": np.array([[[True, True], [True, False]], [[False, False], [False, True]]]),
        "diverged": np.array([[[False, False], [False, False]], [[False, False], [True, False]]]),
        "train_loss": some / 100,
        "test_loss": some / 10,
        "train_accuracy": some,
        "displacement": 3 * some,
        "displacement_cosine": np.array([[0.5, 1.0], [0.25, 0.75]]),
        "threshold": np.array([0.1, 0.2]),
        "test_accuracy": some,
        "test_file_accuracy": some / 2,
        "flatness": 10 * some,
        "freezing_time": np.stack([100 * some, 50 * some]),
    }


def by_name(ends: dict[str, np.ndarray]) -> dict[str, dict]:
    return {each["name"]: each for each in collect.heatmaps(ends)}


def test_packed_arrays_come_back_and_what_is_not_finite_as_nan() -> None:
    array = np.array([[1.5, np.inf], [np.nan, -2e-8]])
    assert unpacked(collect.packed(array)) == pytest.approx(np.array([[1.5, np.nan], [np.nan, -2e-8]]), nan_ok=True)


def test_the_largest_comes_first_and_equals_share_a_place() -> None:
    place, share = collect.ranks(np.array([0.1 + 0.2, 5.0, 0.3, np.nan, -1.0]))
    assert place.tolist() == [2, 1, 2, 0, 4]
    assert share.tolist() == [2, 1, 2, 0, 1]
    assert collect.ranks(np.array([3.0, 1.0, 2.0]), lowest=True)[0].tolist() == [3, 1, 2]


def test_a_cell_without_a_converged_run_is_empty_but_in_the_map_that_says_so() -> None:
    for each in collect.heatmaps(small_sweep()):
        if each["name"] == "convergence_probability":
            assert each["values"][1][0] == 0 and each["rank"][1][0] == 4 and each["span"] == (0, 1)
        else:
            assert [[value is None for value in row] for row in each["values"]] == [[False, False], [True, False]]
            assert each["rank"][1][0] == 0


def test_heatmaps_are_over_the_runs_that_the_figures_are_over() -> None:
    maps = by_name(small_sweep())
    assert maps["max_flatness"]["values"] == [[9.0, 7.0], [None, 8.0]]
    assert maps["mean_test_accuracy"]["values"][0][0] == pytest.approx(0.85)
    assert maps["eta_t_freeze"]["values"][0] == pytest.approx([0.1 * 85, 0.1 * 70])
    assert maps["eta_t_freeze_0.2"]["values"][0] == pytest.approx([0.1 * 42.5, 0.1 * 35])
    assert maps["mean_train_loss"]["rank"] == [[3, 1], [0, 2]]
    assert maps["mean_displacement"]["values"][0] == pytest.approx([2.55, 2.1])


def test_accuracy_on_the_whole_test_file_is_shown_beside_that_on_the_test_set() -> None:
    shown = by_name(small_sweep())
    assert shown["max_test_accuracy"]["values"] == [[0.9, 0.7], [None, 0.8]]
    assert shown["max_test_file_accuracy"]["values"] == [[0.45, 0.35], [None, 0.4]]


def test_a_lost_run_is_told_and_has_no_end() -> None:
    train = {"realization": np.array([0, 1]), "train_loss": np.array([[1.0, np.nan], [1.0, 0.008]])}
    bent = {"realization": np.array([0, 1]), "flatness": np.array([[np.nan, np.nan], [2.0, 8.0]])}
    runs = collect.cell_runs(small_sweep(), (1, 1), train, bent)
    assert runs["state"] == ["diverged", "converged"]
    assert runs["final"]["flatness"] == [None, 8.0]
    assert runs["followed"] == [1] and unpacked(runs["flatness"]).tolist() == [[2.0, 8.0]]


def test_the_page_holds_the_numbers_of_the_results(complete: Checkout) -> None:
    found = held(complete.root / "results/explorer.html")
    assert set(found["experiments"]) == {"mnist", "cifar10"}
    for name, experiment in found["experiments"].items():
        folder = complete.root / "results" / name
        ends, times = hdf5.read(folder / "endpoints.h5"), hdf5.read(folder / "freezing.h5")
        assert [float(eta) for eta in experiment["eta"]] == ends["eta"].tolist()
        maps = {each["name"]: each["values"] for each in experiment["maps"]}
        best = panels.reduce_cells(ends["flatness"], np.max, among=ends["converged"])
        assert np.array(maps["max_flatness"], float) == pytest.approx(best, nan_ok=True)
        for i, j in np.ndindex(ends["runs"].shape):
            runs = experiment["cells"][i][j]
            assert len(runs["realization"]) == ends["runs"][i, j]
            for quantity in ("train_loss", "test_accuracy", "flatness"):
                assert runs["final"][quantity] == ends[quantity][i, j, runs["realization"]].tolist()
            frozen = times["freezing_time"][0, i, j, runs["realization"]]
            assert np.array(runs["final"]["freezing_time"], float) == pytest.approx(frozen, nan_ok=True)
            assert unpacked(runs["loss"])[:, -1] == pytest.approx(runs["final"]["train_loss"])
        block = hdf5.read(folder / "projection.h5")
        assert unpacked(experiment["block"]["pc"]) == pytest.approx(block["block_pc"], rel=1e-6, abs=1e-6)
    branches = found["experiments"]["mnist"]["branches"]
    place = hdf5.read(complete.root / "results/mnist/branches/projection/eta0.02_B10_r1.h5")
    assert unpacked(branches["run_pc"]) == pytest.approx(place["run_pc"], rel=1e-6, abs=1e-6)
    assert found["experiments"]["cifar10"]["branches"] is None
    diagram = hdf5.read(complete.root / "results/two_valley/phase_diagram_H.h5")
    assert np.array(found["diagrams"]["H"]["p_flat"]["values"]) == pytest.approx(diagram["p_flat"])


def test_nothing_in_the_page_depends_on_where_or_when_it_was_made(complete: Checkout, finished: Checkout) -> None:
    path = finished.root / "results/explorer.html"
    path.unlink()
    finished.run("results/explorer.html")  # later, and in another folder
    assert path.read_bytes() == (complete.root / "results/explorer.html").read_bytes()
    # of a date alone the two might be the same
    assert not re.search(r"\d{4}-\d{2}-\d{2}", DATA.findall(path.read_text())[0])


def test_no_text_in_the_data_can_end_their_element() -> None:
    shown = page.html({"name": "</script>{{style}}"})
    assert json.loads(DATA.findall(shown)[0]) == {"name": "</script>{{style}}"}


def test_the_pages_own_parts_name_nothing_on_a_network() -> None:
    for part in ("page.html", "page.js", "page.css"):
        assert "http" not in (page.HERE / part).read_text().replace("http-equiv", "")
