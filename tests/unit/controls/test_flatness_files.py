"""Control C4 from small files, complete and without what an experiment may lack, drawn as Fig. C4."""

from pathlib import Path

import numpy as np
import pytest
from helpers import controls

from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

SETTINGS = {"seed": 1, "resamples": 50, "L_c": 0.1}
FIGURE = {"level_colormap": "viridis", "invariance_colors": ["#0072B2", "#E69F00", "#D55E00"]}
ETA, LOSS = [0.1, 0.2], np.array([3.0, 0.3, 0.03, 0.003])
RUN, ALONG = ("realization",), ("realization", "time")


def write_sweep(folder: Path, runs: int, B: tuple[int, ...] = (10, 20, 100)) -> dict[str, list[str] | str]:
    """A sweep with M = 100 whose F is (2 + 40 noise) / 10 loss, and whose test loss falls with F."""
    random, cell = np.random.default_rng(4), ("eta", "B", "realization")
    noise = np.array(ETA)[:, None] * (1 / np.array(B) - 0.01)
    factor = np.broadcast_to((2 + 40 * noise)[..., None], (2, len(B), runs)) * random.uniform(0.95, 1.05, runs)
    there = np.broadcast_to(np.array(B)[:, None] < 100, factor.shape) | (np.arange(runs) == 0)
    files: dict[str, list[str]] = {"train": [], "along": [], "curvature": [], "flatness": [], "layer_curvature": []}
    for i, eta in enumerate(ETA):
        for j, size in enumerate(B):
            count = 1 if size == 100 else runs
            F = factor[i, j, :count, None] / (10 * LOSS)
            common = {"realization": Variable(RUN, np.arange(count), "")}
            arrays = {
                "flatness": Variable(ALONG, F, "", "1/nat"),
                "trace": Variable(ALONG, 20 / F, "", "nat"),
                "eigenvalue": Variable((*ALONG, "rank"), (1 / F)[..., None] * np.ones(9), "", "nat"),
            }
            time = {"iteration": Variable(("time",), np.arange(4), "")}
            train = time | {"train_loss": Variable(ALONG, np.tile(LOSS, (count, 1)), "", "nat")}
            measured = {"relative_flatness": Variable(RUN, 1 / F[:, -1], "", "nat")}
            parts = {"train": train, "curvature": arrays, "layer_curvature": arrays, "flatness": measured}
            for name, variables in parts.items():
                path = folder / f"{name}_{eta}_{size}.h5"
                own = {"eta": eta, "B": size, "parameters": {}, "measures": {"relative_flatness": {}}}
                hdf5.write(path, common | variables, own)
                if name != "train" or eta == ETA[0]:
                    files[name].append(str(path))
                if name == "curvature" and eta == ETA[0]:
                    files["along"].append(str(path))
    endpoints = {
        "eta": Variable(("eta",), ETA, ""),
        "B": Variable(("B",), B, ""),
        "realization": Variable(RUN, np.arange(runs), ""),
        "gradient_descent": Variable(("B",), np.array(B) == 100, ""),
        "converged": Variable(cell, there, ""),
        "test_file_loss": Variable(cell, np.where(there, 1 - 0.01 * factor, np.nan), "", "nat"),
    }
    hdf5.write(folder / "endpoints.h5", endpoints)
    return files | {"endpoints": str(folder / "endpoints.h5")}


def analyze_and_draw(folder: Path, files: dict) -> dict[str, np.ndarray]:
    return controls.analyze_and_draw(folder, "flatness_senses", "figC4", files, SETTINGS, FIGURE)


def test_all_files(tmp_path: Path) -> None:
    data = analyze_and_draw(tmp_path, write_sweep(tmp_path, 8))
    names = [name.decode() for name in data["measure"]]
    assert names[:3] == ["flatness_5", "flatness_9", "largest_eigenvalue"]  # nine eigenvalues are stored
    assert names[-3:] == ["flatness_of_network", "largest_eigenvalue_of_network", "trace_of_network"]
    assert data["invariance"][names.index("relative_flatness")] == 1
    for name in ("noise_correlation", "within_correlation", "between_correlation"):
        assert data[name][:, 0] == pytest.approx(np.ones(len(names)))  # of sharpness too: + is flatter
    at_levels = 2 / (10 * data["level"])
    assert data["level_flatness"][0, 2] == pytest.approx(at_levels, rel=0.06)  # gradient descent, F ~ 1 / L
    assert data["level_ratio"][0, 0] == pytest.approx(np.full(4, 1 + 20 * 0.1 * 0.09), rel=0.06)
    assert data["freezing_share"][0] == pytest.approx(np.full(3, 0.1))
    assert data["mean_freezing_share"] == pytest.approx([0.1, 0.1, 0.1])


def test_few_runs_and_few_files(tmp_path: Path) -> None:
    files = write_sweep(tmp_path, 2)
    files["layer_curvature"], files["flatness"] = [], []
    data = analyze_and_draw(tmp_path, files)
    assert len(data["measure"]) == 4
    assert np.isfinite(data["noise_correlation"][:, 0]).all()
    assert np.isnan(data["noise_correlation"][:, 1:]).all()
    assert np.isnan(data["within_correlation"]).all()  # two runs have no correlation worth the name
    assert np.isfinite(data["level_ratio"][0, :2]).all()


def test_without_gradient_descent(tmp_path: Path) -> None:
    data = analyze_and_draw(tmp_path, write_sweep(tmp_path, 5, (10, 20)))
    assert np.isnan(data["level_ratio"]).all()
    assert np.isfinite(data["level_flatness"][0]).all()
