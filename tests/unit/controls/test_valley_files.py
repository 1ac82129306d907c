"""Control C5 from small files, complete and without what an experiment may lack, drawn as Fig. C5."""

from pathlib import Path

import numpy as np
import pytest
from helpers import controls

from sgd_valleys.controls import valleys
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

SETTINGS = {"seed": 1, "resamples": 50, "L_c": 0.1, "threshold": 0.01}
FIGURE = {"colors": ["#0072B2", "#009E73", "#D55E00"]}
ALPHA = np.linspace(0, 1, 5)


def write_paths(path: Path, pairs: int, starts: int, curves: int | None) -> str:
    """Lines with hills of 0.2 to 0.4 nat, half as high after alignment, and curves that fall below 0.01 nat."""
    random = np.random.default_rng(2)
    hill = (0.2 + 0.2 * random.random((pairs, 1))) * 4 * ALPHA * (1 - ALPHA)
    runs = np.stack([np.arange(pairs), np.arange(pairs) + 1], axis=1)
    ends, line = ("pair", "end"), ("pair", "alpha")
    variables = {
        "alpha": Variable(("alpha",), ALPHA, ""),
        "pair_similarity": Variable(("pair",), np.full(pairs, 0.5), ""),
        "pair_eta": Variable(ends, np.full(runs.shape, 0.1), ""),
        "pair_B": Variable(ends, np.full(runs.shape, 10), ""),
        "pair_realization": Variable(ends, runs, ""),
        "pair_initialization": Variable(ends, runs % starts, ""),
        "line_loss": Variable(line, hill, "", "nat"),
        "aligned_loss": Variable(line, hill / 2, "", "nat"),
    }
    if curves is not None:
        steps = ("curve", "step")
        variables |= {
            "curve_pair": Variable(("curve",), np.arange(curves), ""),
            "curve_excess": Variable(steps, np.tile([0.3, 0.1, 0.005], (curves, 1)), "", "nat"),
            "curve_accuracy": Variable(steps, np.tile([0.9, 0.99, 1.0], (curves, 1)), ""),
        }
    hdf5.write(path, variables)
    return str(path)


def write_barriers(path: Path, pairs: int) -> str:
    """Pairs whose ends freeze at the second time, and whose height then doubles; the first pair is alike."""
    ends = np.array([1.0, 0.05, 0.01])[:, None]
    hill = np.array([0.0, 0.1, 0.2])[:, None] * 4 * ALPHA * (1 - ALPHA)
    line, loss = ("path", "time"), np.tile(ends + hill, (pairs, 1, 1))
    height = np.tile([0.0, 0.1, 0.2], (pairs, 1))
    variables = {
        "time_fraction": Variable(("time",), np.linspace(0, 1, 3), ""),
        "path_loss": Variable((*line, "alpha"), loss, "", "nat"),
        "path_chord_height": Variable(line, height, "", "nat"),
        "path_barrier": Variable(line, height, "", "nat"),
        "path_solution": Variable(("path", "end"), np.stack([np.arange(pairs), np.arange(pairs) + 1], axis=1), ""),
        "path_similarity": Variable(("path",), np.where(np.arange(pairs) == 0, 0.95, 0.6), ""),
    }
    hdf5.write(path, variables, {"parameters": {"similarity": [0.95, 0.625]}})
    return str(path)


def write_branches(folder: Path, run: int) -> dict[str, str]:
    t_c = np.array([0, 10, 20])
    times = {f"basin_time_{name}": Variable((), 10.0, "", "iterations") for name in valleys.CRITERIA}
    found = {name: Variable(("t_c",), [0.3, 0.0, 0.0], "", "nat") for name in ("barrier", "chord_height")}
    hdf5.write(folder / f"basins{run}.h5", {"t_c": Variable(("t_c",), t_c, "")} | found | times)
    hdf5.write(folder / f"branches{run}.h5", {"freezing_time": Variable((), 40.0, "", "iterations")})
    return {name: str(folder / f"{name}{run}.h5") for name in ("basins", "branches")}


def analyze_and_draw(folder: Path, files: dict) -> dict[str, np.ndarray]:
    return controls.analyze_and_draw(folder, "valleys", "figC5", files, SETTINGS, FIGURE)


def test_all_files(tmp_path: Path) -> None:
    runs = [write_branches(tmp_path, run) for run in range(6)]
    files = {
        "paths": write_paths(tmp_path / "paths.h5", 8, 1, 6),
        "independent": write_paths(tmp_path / "independent.h5", 8, 3, 2),
        "barriers": write_barriers(tmp_path / "barriers.h5", 8),
        **{name: [run[name] for run in runs] for name in ("basins", "branches")},
    }
    data = analyze_and_draw(tmp_path, files)
    assert data["aligned_ratio"][[0, 2], 0] == pytest.approx(0.5)
    assert data["connected_share"][0, 0] == 1
    assert np.bincount(data["pair_group"]).tolist() == [8, 0, 8]  # neighbours never share a start
    assert data["growth"] == pytest.approx([2, 2, 2])
    assert len(data["path_height"]) == 7  # without the pair that is alike
    assert data["path_freezing"] == pytest.approx(np.full(7, 0.5))
    assert data["vanishing"] == pytest.approx(np.full((4, 3), 0.25))


@pytest.mark.parametrize(("pairs", "curves"), [(0, 0), (0, None), (3, None), (1, 1)])
def test_few_pairs_and_nothing_else(tmp_path: Path, pairs: int, curves: int | None) -> None:
    data = analyze_and_draw(tmp_path, {"paths": write_paths(tmp_path / "paths.h5", pairs, 1, curves), "basins": []})
    assert len(data["straight_height"]) == pairs
    assert np.isnan(data["connected_share"][:, 1:]).all()
    assert "growth" not in data and "vanishing" not in data


def test_no_dissimilar_pair(tmp_path: Path) -> None:
    files = {"paths": write_paths(tmp_path / "paths.h5", 3, 1, None)}
    for pairs in (0, 1):
        data = analyze_and_draw(tmp_path, files | {"barriers": write_barriers(tmp_path / "barriers.h5", pairs)})
        assert np.isnan(data["growth"]).all()
