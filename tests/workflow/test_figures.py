"""Figures say what the data say: grey where nothing converges, converged runs alone, the same bytes twice."""

import importlib
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
import yaml
from matplotlib.collections import LineCollection, QuadMesh

from sgd_valleys.errors import UserError
from sgd_valleys.figures import fig2, fig3, figS1, figS5, panels, runs, style
from sgd_valleys.storage.hdf5 import Variable, write
from sgd_valleys.two_valley.landscape import Landscape

CONFIG = yaml.safe_load((Path(__file__).parents[3] / "config.yaml").read_text())["figures"]
MODEL_NAMES = ("fig5", "fig6", "fig6X", "figS6")
NAMES = ("fig1", "fig2", "fig2X", "fig3", "fig4", "fig4X", "figS1", "figS2", "figS3", "figS4", "figS5", *MODEL_NAMES)
KEYS = {
    "fig1": ("projection", "jaccard", "barriers"),
    "fig2": ("endpoints", "projection"),
    "fig2X": ("endpoints", "cell_maps"),
    "fig3": ("endpoints", "freezing", "train", "curvature"),
    "fig4": ("run", "run_curvature", *(f"branch_{name}" for name in ("train", "curvature", "endpoints", "projection"))),
    "fig4X": ("statistics",),
    "figS1": ("endpoints", "curvature"),
    "figS2": ("endpoints",),
    "figS3": ("endpoints", "freezing"),
    "figS4": ("run", "branch_train", "branch_endpoints"),
    "figS5": ("endpoints", "freezing", "train", "curvature", "grid_jaccard", "grid_projection"),
    "fig5": ("model_diagram", "model_occupancy", "model_theory"),
    "fig6": ("model_occupancy", "model_theory"),
    "fig6X": tuple(f"model_{name}" for name in ("diagram", "occupancy", "small_eta_limit", "ito", "printed", "theory")),
    "figS6": ("model_diagram",),
}
ETA, B, REALIZATIONS = (0.01, 0.02, 0.05, 0.1), (10, 50, 200, 1000), 4
# Grids of Fig. S5, without gradient descent; in both, runs at 0.2 and 20 diverge.
GRIDS = {3: ((0.005, 0.01, 0.2), (20, 100, 500)), 5: ((0.005, 0.01, 0.02, 0.05, 0.2), (20, 50, 100, 200, 500))}
GRID_SETTINGS = {"eta": 0.005, "spectrum_eta": 0.01, "realization": 0, "eta_colors": ["C0", "C1", "C2", "C3", "C4"]}


def save_arrays(path, dims, arrays, attributes=None):
    """Write arrays whose axes ``dims`` names."""
    write(path, {name: Variable(dims[name], array, name) for name, array in arrays.items()}, attributes)


def build(folder, eta=ETA, batch=B, realizations=REALIZATIONS, nothing=False):
    """Write every file that the figures read, filled with plausible numbers.

    The noisiest cells (eta / B above 0.002) never converge, and the very noisiest diverge. Where
    ``nothing``, every run diverges. Gradient descent is run once.

    Returns:
        The paths by the keys of ``load``.
    """
    random = np.random.default_rng(0)
    eta_, batch_ = np.array(eta), np.array(batch)
    shape = (len(eta), len(batch), realizations)
    run = ("eta", "B", "realization")
    there = np.ones(shape, bool)
    there[:, batch_ == 1000, 1:] = False
    noise = np.broadcast_to((eta_[:, None] / batch_)[..., None], shape)
    diverged = there & ((noise > 0.006) | nothing)
    converged = there & (noise <= 0.002) & ~diverged
    # One of the runs in the cell on the edge falls short, so that its cell mixes both kinds.
    converged[(noise > 0.0009) & (np.arange(realizations) == 1)] = False
    finite = there & ~diverged

    def numbers(centre, spread):
        return np.where(finite, centre + spread * random.standard_normal(shape), np.nan)

    scale = np.log10(noise / 1e-6)  # from 0 to 4
    train_loss = np.where(finite, 10 ** (-2.6 + 0.3 * scale + 0.05 * random.standard_normal(shape)), np.nan)
    flatness = numbers(1.2 + 0.9 * scale, 0.15)
    endpoints = {
        "train_loss": train_loss,
        "test_loss": numbers(0.5 - 0.03 * scale, 0.01),
        "train_accuracy": np.where(finite, np.where(converged, 1.0, 0.97), np.nan),
        "test_accuracy": np.round(numbers(0.885 + 0.007 * scale, 0.004) * 200) / 200,
        "test_file_accuracy": numbers(0.86 + 0.003 * scale, 0.001),
        "converged": converged,
        "diverged": diverged,
        "flatness": flatness,
        "trace": numbers(30.0, 0.1),
        "top_sum": numbers(24.0, 1.0),
        "displacement": numbers(3 + scale, 0.05),
    }
    mean = np.where(finite.any(-1), 1 - 0.08 * scale[..., 0], np.nan)
    cells = {
        "displacement_cosine": mean,
        "similarity": mean,
        "runs": there.sum(-1),
        "convergence_probability": converged.sum(-1) / there.sum(-1),
    }
    grid = {"eta": eta_, "B": batch_, "realization": np.arange(realizations)}
    dims = {name: (name,) for name in grid} | dict.fromkeys(endpoints, run) | dict.fromkeys(cells, run[:2])
    paths = {"endpoints": folder / "endpoints.h5"}
    save_arrays(paths["endpoints"], dims, grid | endpoints | cells)

    noise = np.where(batch_ == 1000, 0, noise[..., 0])
    found = {"mean_test_accuracy_correlation": 0.6, "mean_test_file_accuracy_correlation": 0.9}
    found |= dict.fromkeys(("mean_test_accuracy_interval", "mean_test_file_accuracy_interval"), np.array([0.4, 0.95]))
    found = {name: np.asarray(array) * (np.nan if nothing else 1) for name, array in found.items()}
    paths["cell_maps"] = folder / "cell_maps.h5"
    trend_dims = {name: ("bound",) if array.ndim else () for name, array in found.items()} | {"noise": run[:2]}
    save_arrays(paths["cell_maps"], trend_dims, found | {"noise": noise})

    thresholds = np.array([0.1, 0.2, 0.05, 0.01])
    fraction = (12 + 8 * scale) / np.log(1 / thresholds).mean() * np.log(1 / thresholds)[:, None, None, None]
    freezing = np.where(finite & (fraction < 100), np.round(fraction) / eta_[:, None, None], np.nan)
    dims |= {"threshold": ("threshold",), "freezing_time": ("threshold", *run)}
    paths["freezing"] = folder / "freezing.h5"
    save_arrays(paths["freezing"], dims, {"threshold": thresholds, "freezing_time": freezing} | grid)

    _build_runs(folder, paths, random, eta, batch, finite, freezing[0], flatness)
    _build_solutions(folder, paths, random, nothing)
    _build_whole_grid(folder, paths, eta, batch, diverged[..., 0], converged[..., 0])
    _build_branches(folder, paths, random, nothing)
    _build_model(folder, paths, nothing)
    return {key: [str(one) for one in path] if isinstance(path, list) else str(path) for key, path in paths.items()}


def _build_runs(folder, paths, random, eta, batch, finite, freezing, flatness):
    """Write train and curvature files, two a cell where it has more than one run."""
    paths["train"], paths["curvature"] = [], []
    names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    for (x, rate), (y, size) in ((one, two) for one in enumerate(eta) for two in enumerate(batch)):
        alive = finite[x, y]
        time = np.linspace(0, round(100 / rate), 101)
        frozen = np.where(np.isfinite(freezing[x, y]), freezing[x, y], time[-1])
        loss = 2.8 * np.exp(-np.log(28) * (time / frozen[:, None]) ** 0.6)
        loss *= np.exp(0.05 * random.standard_normal(loss.shape))
        loss[~alive, 1:] = np.nan
        growth = flatness[x, y][:, None] * (0.3 + 0.7 * (time / time[-1]) ** 0.4)
        index = np.arange(1, 2501)
        spectrum = 6.0 / (size / 10) ** 0.1 * index**-0.6 * 10 ** (-((index / 700) ** 2) * 6)
        for part in np.array_split(np.arange(len(alive)) if size != 1000 else np.arange(1), 2):
            if part.size == 0:
                continue
            name = f"eta{rate:g}_B{size}_r{part[0]}-{part[-1]}.h5"
            arrays = {"iteration": time.astype(int), "realization": part}
            arrays |= dict.fromkeys(names, loss[part]) | {"train_accuracy": 1 - np.clip(loss[part], 0, 1) * 0.5}
            dims = {"iteration": ("time",), "realization": ("realization",)}
            dims |= dict.fromkeys(names, ("realization", "time"))
            attributes = {"eta": float(rate), "B": int(size)}
            save_arrays(folder / "train" / name, dims, arrays, attributes)
            paths["train"].append(folder / "train" / name)
            arrays = {"iteration": time.astype(int), "realization": part, "flatness": growth[part]}
            arrays |= {"trace": growth[part], "eigenvalue": np.zeros((*growth[part].shape, 10))}
            dims |= {"flatness": ("realization", "time"), "trace": ("realization", "time")}
            dims |= {"eigenvalue": ("realization", "time", "rank")}
            if part[0] == 0 and alive[0]:
                arrays |= {"spectrum_realization": np.array([0]), "spectrum": spectrum[None]}
                dims |= {"spectrum_realization": ("spectrum_run",), "spectrum": ("spectrum_run", "index")}
            save_arrays(folder / "curvature" / name, dims, arrays, attributes)
            paths["curvature"].append(folder / "curvature" / name)


def _build_solutions(folder, paths, random, nothing):
    """Write similarity, barriers and projection; empty or NaN where ``nothing`` converged."""
    rates, sizes = np.repeat([0.005, 0.01, 0.02, 0.05], 4), np.tile([200, 100, 50, 20], 4)
    gap = np.abs(np.subtract.outer(np.arange(16), np.arange(16)))
    void = np.nan if nothing else 1.0
    arrays = {"block_eta": rates, "block_B": sizes, "block_jaccard": (1 - 0.4 * (gap / 15) ** 0.5) * void}
    dims = {"block_eta": ("block_run",), "block_B": ("block_run",), "block_jaccard": ("block_run", "block_other")}
    paths["jaccard"] = folder / "jaccard.h5"
    save_arrays(paths["jaccard"], dims, arrays)

    pairs, ways = (0, 0) if nothing else (300, 2)
    similarity = random.uniform(0.5, 1, pairs)
    alpha, fraction = np.linspace(0, 1, 51), np.linspace(0, 1, 101)
    height = np.array([0.002, 0.4])[:ways, None, None] * (fraction**0.3)[:, None]
    bump = (np.sin(np.pi * alpha) ** 2) * height
    arrays = {
        "pair_similarity": similarity,
        "pair_barrier": np.clip(1.1 - similarity + 0.08 * random.standard_normal(pairs), 0, None),
        "slope": -1.0,
        "intercept": 1.1,
        "r_squared": 0.64,
        "r_squared_interval": np.array([0.58, 0.7]),
        "slope_interval": np.array([-1.1, -0.9]),
        "alpha": alpha,
        "time_fraction": fraction,
        "path_loss": 2.8 * np.exp(-6 * fraction**0.4)[:, None] + bump,
        "path_similarity": np.array([0.95, 0.625])[:ways],
        "path_barrier": bump.max(-1),
        "path_eta": np.array([[0.01, 0.01], [0.005, 0.05]])[:ways],
        "path_B": np.array([[50, 100], [200, 20]])[:ways],
    }
    if nothing:
        arrays |= dict.fromkeys(("slope", "intercept", "r_squared"), np.nan)
        arrays["r_squared_interval"] = np.full(2, np.nan)
    dims = {"pair_similarity": ("pair",), "pair_barrier": ("pair",), "alpha": ("alpha",), "time_fraction": ("time",)}
    dims |= dict.fromkeys(("slope", "intercept", "r_squared"), ())
    dims |= dict.fromkeys(("r_squared_interval", "slope_interval"), ("bound",))
    dims |= {"path_loss": ("path", "time", "alpha"), "path_similarity": ("path",), "path_barrier": ("path", "time")}
    dims |= {"path_eta": ("path", "end"), "path_B": ("path", "end")}
    paths["barriers"] = folder / "barriers.h5"
    save_arrays(paths["barriers"], dims, {name: np.asarray(array) for name, array in arrays.items()})

    def walk(runs, spread):
        angle = np.linspace(0.2, 1.2, runs)[..., None] * spread
        reach = fraction**0.4 * 4
        plane = np.stack([reach * np.cos(angle * reach), reach * np.sin(angle * reach), 0 * reach * angle], -1)
        return plane + np.cumsum(0.02 * spread * random.standard_normal(plane.shape), axis=1) * (fraction[:, None] > 0)

    decay = 2.8 * np.exp(-6 * fraction**0.4)
    arrays = {
        "block_pc": walk(16, 0.8) * void,
        "block_loss": np.tile(decay, (16, 1)) * rates[:, None] ** -0.2 * void,
        "block_eta": rates,
        "block_B": sizes,
        "block_explained": np.array([0.52, 0.17, 0.08]),
        "cell_pc": np.stack([walk(8, 0.1), walk(8, 0.5)]) * void,
        "cell_loss": np.tile(decay, (2, 8, 1)) * void,
        "cell_eta": np.array([0.01, 0.05]),
        "cell_B": np.array([50, 50]),
        "cell_explained": np.array([0.61, 0.12, 0.05]),
    }
    dims |= {"block_pc": ("block_run", "time", "component"), "block_loss": ("block_run", "time")}
    dims |= {"block_eta": ("block_run",), "block_B": ("block_run",), "cell_eta": ("cell",), "cell_B": ("cell",)}
    dims |= {"cell_pc": ("cell", "run", "time", "component"), "cell_loss": ("cell", "run", "time")}
    dims |= dict.fromkeys(("block_explained", "cell_explained"), ("component",))
    paths["projection"] = folder / "projection.h5"
    save_arrays(paths["projection"], dims, arrays)


def _build_whole_grid(folder, paths, eta, batch, diverged, converged):
    """Write similarity and projection of a block that is the whole grid, without single cells.

    A diverged run has no place in the plane, but a loss that has grown until the numbers ended.
    """
    rates, sizes = np.repeat(eta, len(batch)), np.tile(batch, len(eta))
    block = {"block_eta": rates, "block_B": sizes}
    dims = dict.fromkeys(block, ("block_run",)) | {"block_jaccard": ("block_run", "block_other")}
    ended = converged.ravel()
    distance = np.abs(np.subtract.outer(np.log(rates), np.log(rates))) + np.abs(
        np.subtract.outer(np.log(sizes), np.log(sizes))
    )
    jaccard = np.where(ended & ended[:, None], 1 / (1 + 0.2 * distance), np.nan)
    paths["grid_jaccard"] = folder / "grid_jaccard.h5"
    save_arrays(paths["grid_jaccard"], dims, block | {"block_jaccard": jaccard})
    fraction, turn = np.linspace(0, 1, 101), np.log(rates / sizes)[:, None]
    reach = 4 * fraction**0.4
    plane = np.stack([reach * np.cos(turn * reach / 8), reach * np.sin(turn * reach / 8)], -1)
    loss = 2.3 * np.exp(-6 * fraction**0.4) * (1 + rates[:, None] * fraction)
    plane[diverged.ravel()], loss[diverged.ravel()] = np.nan, 2.3 * 1e9**fraction
    loss[diverged.ravel(), 50:] = np.nan
    dims = dict.fromkeys(block, ("block_run",)) | {"block_loss": ("block_run", "time")}
    dims |= {"block_pc": ("block_run", "time", "component"), "block_explained": ("component",)}
    arrays = block | {"block_pc": plane, "block_loss": loss, "block_explained": np.array([0.52, 0.17])}
    paths["grid_projection"] = folder / "grid_projection.h5"
    save_arrays(paths["grid_projection"], dims, arrays)


def _build_branches(folder, paths, random, nothing):
    """Write the SGD run 1 of two, its branches, and the statistics of five such runs; NaN where ``nothing``."""
    void = np.nan if nothing else 1.0
    t_c, clock, end = np.arange(0, 1001, 20), np.linspace(0, 2000, 101), 2000
    paths["run"], paths["run_curvature"] = folder / "run.h5", folder / "run_curvature.h5"
    loss = np.stack([2.8 * np.exp(-clock / 100), 2.6 * np.exp(-clock / 120)]) * void
    rise = 1 + 4 * clock / end * np.ones((2, 1)) * void
    series = {"train_loss": loss, "test_loss": 0.5 + loss / 2, "train_accuracy": 1 - loss / 6}
    series |= {"test_accuracy": 0.9 - loss / 6}
    base = {"realization": np.array([0, 1]), "iteration": clock.astype(int)}
    dims = {"realization": ("realization",), "iteration": ("time",)} | dict.fromkeys(series, ("realization", "time"))
    save_arrays(paths["run"], dims, base | series)
    dims = {name: dims[name] for name in base} | {"flatness": ("realization", "time")}
    save_arrays(paths["run_curvature"], dims, base | {"flatness": rise})

    better = np.sqrt(t_c / 1000)[:, None] * void
    decay = 2.6 * np.exp(-t_c / 120)[:, None] * np.exp(-clock / 150) * void
    curves = {
        "train_loss": decay,
        "test_loss": 0.6 - 0.1 * better + decay / 2,
        "train_accuracy": 1 - decay / 6,
        "test_accuracy": 0.85 + 0.05 * better - decay / 6,
    }
    flatness = 1 + 2 * better + 0.001 * clock
    base = {"t_c": t_c, "iteration": clock.astype(int)}
    dims = {"t_c": ("t_c",), "iteration": ("time",)} | dict.fromkeys((*curves, "flatness"), ("t_c", "time"))
    for name, arrays in (("train", curves), ("curvature", {"flatness": flatness})):
        paths[f"branch_{name}"] = folder / f"branch_{name}.h5"
        save_arrays(paths[f"branch_{name}"], {key: dims[key] for key in (*base, *arrays)}, base | arrays)
    last = np.arange(51), 100 - t_c // 20
    gap = np.abs(np.subtract.outer(t_c, t_c)) / 1000
    ends = {name: array[last] for name, array in curves.items()} | {"flatness": flatness[last], "t_c": t_c}
    lines = {
        f"test_loss_{name}": value * void for name, value in (("slope", -20), ("intercept", 12), ("r_squared", 0.8))
    }
    scalars = lines | {"freezing_time": 430 * void}
    ends |= {"jaccard": (1 - 0.5 * gap) * void} | {name: np.asarray(value) for name, value in scalars.items()}
    dims = dict.fromkeys(ends, ("t_c",)) | {"jaccard": ("t_c", "other")} | dict.fromkeys(scalars, ())
    paths["branch_endpoints"] = folder / "branch_endpoints.h5"
    save_arrays(paths["branch_endpoints"], dims, ends, {"realization": 1})

    angle = clock / 700
    turn = np.stack([np.cos(angle), np.sin(angle)], -1)
    arrays = {"pc": turn * (1 + t_c[:, None, None] / 500) * void, "run_pc": 2 * turn * void}
    arrays |= {"explained": np.array([0.6, 0.2])}
    dims = {"pc": ("t_c", "time", "component"), "run_pc": ("run_time", "component"), "explained": ("component",)}
    paths["branch_projection"] = folder / "branch_projection.h5"
    save_arrays(paths["branch_projection"], dims, arrays)

    runs = 5
    noise = random.normal(size=(runs, 51))
    values = {
        "flatness": 3 + better.T + 0.1 * noise,
        "test_loss": 0.6 - 0.1 * better.T + 0.01 * noise,
        "test_file_loss": 0.55 - 0.1 * better.T + 0.01 * noise,
        "similarity_to_last": (1 - 0.4 * (1 - t_c / 1000)) * np.ones((runs, 1)) * void,
    }
    arrays = {"t_c": t_c} | values
    dims = {"t_c": ("t_c",)} | dict.fromkeys(values, ("realization", "t_c"))
    for name, array in values.items():
        mean = array.mean(axis=0)
        arrays |= {f"{name}_mean": mean, f"{name}_interval": np.stack([mean - 0.02, mean + 0.02])}
        dims |= {f"{name}_mean": ("t_c",), f"{name}_interval": ("bound", "t_c")}
    for name, step in (("freezing_time", 20), ("basin_freezing_time", -40)):
        arrays[name] = (420 + step * np.arange(runs)) * void
        dims[name] = ("realization",)
    for loss in ("test_loss", "test_file_loss"):
        arrays |= {
            f"{loss}_slope": np.linspace(-20, 5, runs) * void,
            f"{loss}_r_squared": np.linspace(0.9, 0.1, runs) * void,
        }
        dims |= dict.fromkeys((f"{loss}_slope", f"{loss}_r_squared"), ("realization",))
        for name in ("r_squared_median", "within_slope", "within_r_squared", "pooled_r_squared"):
            arrays[f"{loss}_{name}"], dims[f"{loss}_{name}"] = np.asarray(0.4 * void), ()
        arrays[f"{loss}_within_r_squared_interval"] = np.array([0.3, 0.5]) * void
        dims[f"{loss}_within_r_squared_interval"] = ("bound",)
    paths["statistics"] = folder / "statistics.h5"
    save_arrays(paths["statistics"], dims, arrays)


def _build_model(folder, paths, nothing):
    """Write a phase diagram, runs and theory of the two-valley model; every run diverged where ``nothing``."""
    void = np.nan if nothing else 1.0
    landscape = Landscape()
    eta, sigma = np.geomspace(0.01, 0.4, 4), np.geomspace(0.01, 0.1, 3)
    delta = eta[:, None] * sigma
    cells = {
        "p_flat": (0.5 + 0.5 * delta / delta.max()) * void,
        "p_flat_error": 0.01 + 0 * delta,
        "freezing_time": (1 + 1e6 * delta) * void,
        "freezing_y": (5 + 1e3 * delta) * void,
        "changed": delta / delta.max(),
    }
    arrays = {"eta": eta, "sigma": sigma, "stable": eta < 0.2, **cells}
    dims = {"eta": ("eta",), "sigma": ("sigma",), "stable": ("eta",)} | dict.fromkeys(cells, ("eta", "sigma"))

    def save(name, dims, arrays, attributes=None):
        paths[f"model_{name}"] = folder / f"model_{name}.h5"
        save_arrays(paths[f"model_{name}"], dims, arrays, attributes)

    save("diagram", dims, arrays)
    time, noise = np.linspace(0, 1, 21), np.array([0.0001, 0.001])
    y = 1 + 20 * time * np.ones((2, 1))
    path = np.stack([0.3 * np.sin(20 * time), 1 + 20 * time], -1) * np.ones((2, 3, 1, 1)) * void
    arrays = {"delta_S": noise, "p_flat": (0.5 + 0.4 * np.sqrt(time)) * np.ones((2, 1)) * void, "mean_y": y * void}
    arrays |= {"p_flat_error": 0.01 + 0 * y, "trajectory": path}
    dims = {"delta_S": ("sigma",)} | dict.fromkeys(("p_flat", "p_flat_error", "mean_y"), ("sigma", "time"))
    save("occupancy", dims | {"trajectory": ("sigma", "run", "time", "coordinate")}, arrays)
    arrays = {"eta": np.array([0.02, 0.01]), "p_flat": np.array([0.9, 0.91]) * void, "p_flat_error": np.full(2, 0.01)}
    save("small_eta_limit", {name: ("eta",) for name in arrays}, arrays, {"delta_S": 0.001})
    for name, shift in (("ito", 0.0), ("printed", -0.03)):
        arrays = {"course_delta_S": noise, "p_flat": 0.95 + shift - 0.4 * (1 - time) * np.ones((2, 1)), "mean_y": y}
        arrays |= {"delta_S": np.array([0.0001, 0.001, 0.01]), "p_flat_halving": np.array([0.5, 0.92, 0.8]) + shift}
        arrays |= {"p_flat_longest": np.array([0.5, 0.93, 0.98]) + shift}
        dims = {"course_delta_S": ("course",), "p_flat": ("course", "time"), "mean_y": ("course", "time")}
        dims |= dict.fromkeys(("delta_S", "p_flat_halving", "p_flat_longest"), ("delta_S",))
        save(name, dims, arrays)
    x, along = np.linspace(-1.6, 1.6, 81), np.linspace(0, 60, 31)
    flat, sharp = landscape.floor(along)
    cut = landscape.loss(x, 40.0)
    arrays = {"x": x, "y": along, "loss": landscape.loss(x[:, None], along), "flat_floor": flat, "sharp_floor": sharp}
    dims = {"x": ("x",), "y": ("y",), "loss": ("x", "y"), "flat_floor": ("y",), "sharp_floor": ("y",)}
    arrays |= {"cut_x": x, "cut_y": np.asarray(40.0), "cut_loss": cut, "cut_L_eff": cut * 0.95, "cut_L_SGD": cut * 0.05}
    dims |= dict.fromkeys(("cut_x", "cut_loss", "cut_L_eff", "cut_L_SGD"), ("cut_x",)) | {"cut_y": ()}
    place = np.geomspace(0.1, 100, 25)
    arrays |= {"along": place, "delta_S": np.geomspace(1e-6, 1, 9), "gamma": np.linspace(1, 1.2, 5)}
    dims |= {name: (name,) for name in ("along", "delta_S", "gamma")}
    for name in ("p_flat_stationary", "p_flat_ito", "p_flat_hanggi_klimontovich"):
        arrays[name], dims[name] = 1 - 0.4 * np.exp(-place) * np.ones((2, 1)), ("course", "along")
    arrays |= {"p_flat_equilibrium": np.asarray(0.6), "p_flat_boltzmann": np.asarray(0.55)}
    dims |= {"p_flat_equilibrium": (), "p_flat_boltzmann": ()}
    arrays["p_flat_transient"], dims["p_flat_transient"] = np.linspace(0.5, 1, 45).reshape(5, 9), ("gamma", "delta_S")
    for name in ("p_flat_transient_here", "y_freeze", "y_freeze_numerical"):
        arrays[name], dims[name] = np.linspace(0.9, 30, 9), ("delta_S",)
    arrays |= {"height": np.linspace(0.1, 5, 9), "kramers": np.linspace(0.5, 1, 9)}
    dims |= {"height": ("height",), "kramers": ("height",)}
    save("theory", dims, arrays)


def load(name, paths):
    module = importlib.import_module(f"sgd_valleys.figures.{name}")
    short = {key: key.removeprefix("branch_").removeprefix("model_").removeprefix("grid_") for key in KEYS[name]}
    return module.load({short[key]: paths[key] for key in KEYS[name]})


def draw(name, data):
    module = importlib.import_module(f"sgd_valleys.figures.{name}")
    return module.draw(data, CONFIG[name], CONFIG["style"])


def draw_grid(data):
    """Fig. S5 with the rates of the made-up grids."""
    return figS5.draw(data, CONFIG["figS5"] | GRID_SETTINGS, CONFIG["style"])


def axes_of(figure, letter):
    return next(axes for axes in figure.axes if axes.get_title(loc="left").strip() == letter)


def cells_of(axes):
    """The values of a heatmap as (eta, B), masked where grey."""
    mesh = next(child for child in axes.collections if isinstance(child, QuadMesh))
    return np.ma.reshape(mesh.get_array(), mesh.get_coordinates()[1:, 1:, 0].shape).T


def texts_of(axes):
    return [text.get_text() for text in axes.texts]


def assert_legible(figure):
    figure.draw_without_rendering()
    for axes in figure.axes:
        for text in (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts):
            if text.get_text().strip() and text.get_visible():
                assert text.get_fontsize() >= 6
                box = text.get_window_extent()
                assert box.x0 >= 0 and box.y0 >= 0, text.get_text()
                assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text.get_text()


def tick_boxes(axes, axis):
    """First and last pixel, along the axis, of every number beside it."""
    axis = axes.xaxis if axis == "x" else axes.yaxis
    low, high = sorted(axis.get_view_interval())
    shown = [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = [label.get_window_extent() for label in shown if label.get_text()]
    return np.array([box.intervalx if axis is axes.xaxis else box.intervaly for box in boxes])


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return build(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def barren(tmp_path_factory):
    return build(tmp_path_factory.mktemp("barren"), nothing=True)


@pytest.fixture(scope="module", params=GRIDS)
def grid(request, tmp_path_factory):
    """What Fig. S5 shows of a sweep on a small and on the whole grid; runs are ten times as long as elsewhere."""
    data = load("figS5", build(tmp_path_factory.mktemp("grid"), *GRIDS[request.param]))
    for cells in (data["train"], data["curvature"]):
        for cell in cells.values():
            cell["iteration"] *= 10
    data["spectrum"] = {run: 100 * run[0] * spectrum for run, spectrum in data["spectrum"].items()}
    return data


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_has_the_same_bytes_twice(name, paths, tmp_path):
    written = []
    for turn in "ab":
        files = tmp_path / f"{turn}.png", tmp_path / f"{turn}.pdf"
        style.save(draw(name, load(name, paths)), *files)
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    assert written[0][0].startswith(b"\x89PNG") and written[0][1].startswith(b"%PDF")
    assert b"CreationDate" not in written[0][1]
    assert b"/Type3" not in written[0][1].replace(b" ", b"")


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_drawn_where_every_run_diverged(name, barren, tmp_path):
    figure = draw(name, load(name, barren))
    style.save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
    assert name in ("fig6", "fig6X") or any(
        text.startswith(("no converged run", "no pair", "no branch")) for axes in figure.axes for text in texts_of(axes)
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_label_is_smaller_than_six_points_or_outside_the_page(name, paths):
    figure = draw(name, load(name, paths))
    assert_legible(figure)


def test_figures_need_none_of_the_heavy_libraries():
    imports = ", ".join(f"sgd_valleys.figures.{name}" for name in NAMES)
    heavy = "{'torch', 'numba', 'sklearn', 'scipy', 'matplotlib.pyplot'}"
    code = f"import sys, {imports}; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("fig2", "ADF"), ("fig3", "C"), ("figS2", "ABCDEF"), ("figS3", "ABC"), ("figS5", "DEFGH")],
)
def test_a_heatmap_is_grey_exactly_where_no_run_converges(name, letters, paths):
    data = load(name, paths)
    figure = draw(name, data)
    barren_cell = ~data["converged"].any(-1)
    assert barren_cell.any() and not barren_cell.all()
    # A run that misses full accuracy still has finite numbers: it is the convergence that hides its cell.
    loss = panels.hdf5.read(paths["endpoints"], ["train_loss"])["train_loss"]
    assert np.isfinite(loss[barren_cell]).any()
    for letter in letters:
        grey = np.ma.getmaskarray(cells_of(axes_of(figure, letter)))
        assert grey[barren_cell].all()
        if name != "figS3":  # there, a cell may also not have come below the threshold
            np.testing.assert_array_equal(grey, barren_cell)
    assert len(figure.legends) == 1


def test_the_best_of_a_cell_is_taken_over_its_converged_runs(paths):
    data = load("fig2", paths)
    cell = tuple(np.argwhere(data["converged"].sum(-1) == REALIZATIONS - 1)[0])
    lost = ~data["converged"][cell]
    data["test_accuracy"][cell][lost] = 2.0
    best = cells_of(axes_of(draw("fig2", data), "D"))
    assert best[cell] == data["test_accuracy"][cell][~lost].max()


def test_violins_show_converged_runs_alone(paths):
    data = load("fig2", paths)
    rate = list(data["eta"]).index(CONFIG["fig2"]["violin_eta"])
    axes = axes_of(draw("fig2", data), "E")
    drawn = {line.get_xdata()[0]: line.get_ydata() for line in axes.lines if line.get_markersize() == 2}
    for y in range(len(data["B"])):
        expected = data["test_accuracy"][rate, y][data["converged"][rate, y]]
        np.testing.assert_array_equal(drawn.get(y, []), expected)
    assert any(0 < len(values) < REALIZATIONS for values in drawn.values())


def test_a_cell_with_one_value_is_a_point_without_a_violin(paths):
    data = load("fig2", paths)
    rate = list(data["eta"]).index(CONFIG["fig2"]["violin_eta"])
    data["converged"][rate] = [[True] + [False] * (REALIZATIONS - 1)] * len(B)
    axes = axes_of(draw("fig2", data), "G")
    assert not axes.collections
    assert len(axes.lines) == 2 * np.isfinite(data["flatness"][rate, :, 0]).sum()


def test_a_rate_that_was_not_run_leaves_the_violins_empty(paths):
    data = load("fig2", paths)
    figure = fig2.draw(data, CONFIG["fig2"] | {"violin_eta": 0.3}, CONFIG["style"])
    assert texts_of(axes_of(figure, "E")) == ["no converged run"]
    assert not axes_of(figure, "D").patches


def test_means_stand_at_their_cells_noise_and_gradient_descent_apart(paths):
    data = load("fig2X", paths)
    axes = axes_of(draw("fig2X", data), "F")
    mean = panels.reduce_cells(data["test_file_accuracy"], np.mean, among=data["converged"])
    shown = np.isfinite(mean)
    noisy, descent = shown & (data["noise"] > 0), shown & (data["noise"] == 0)
    points, squares = axes.lines[:2]
    assert sorted(zip(*points.get_data(), strict=True)) == sorted(zip(data["noise"][noisy], mean[noisy], strict=True))
    np.testing.assert_array_equal(squares.get_ydata(), mean[descent])
    assert descent.sum() and (squares.get_xdata() < data["noise"][noisy].min()).all()


def test_the_bars_at_the_means_are_standard_errors(paths):
    data = load("fig2X", paths)
    data["converged"][ETA.index(0.01), B.index(200)] = [False, True, False, False]  # no spread to tell an error from
    _, _, (bars,) = axes_of(draw("fig2X", data), "F").containers[0]
    noisy = data["converged"].any(-1) & (data["noise"] > 0)
    assert len(bars.get_segments()) == noisy.sum()
    mean = panels.reduce_cells(data["test_file_accuracy"], np.mean, among=data["converged"])
    counts = set()
    for (x, low), (_, high) in bars.get_segments():
        ((i, j),) = np.argwhere(noisy & (data["noise"] == x) & np.isclose(mean, (low + high) / 2, rtol=1e-12))
        runs = data["test_file_accuracy"][i, j][data["converged"][i, j]]
        expected = np.std(runs, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else 0
        assert (high - low) / 2 == pytest.approx(expected, abs=1e-12)
        counts.add(len(runs))
    assert counts == {1, REALIZATIONS - 1, REALIZATIONS}


def test_both_trajectory_panels_have_the_same_limits(paths):
    figure = draw("fig2", load("fig2", paths))
    left, right = axes_of(figure, "B"), axes_of(figure, "C")
    assert left.get_xlim() == right.get_xlim() and left.get_ylim() == right.get_ylim()


@pytest.mark.parametrize("path", [0, 1])
def test_the_interpolation_panels_share_a_loss_axis_that_holds_both(path, paths):
    data = load("fig1", paths)
    data["path_loss"][path] *= 50
    figure = draw("fig1", data)
    figure.draw_without_rendering()
    left, right = axes_of(figure, "C"), axes_of(figure, "D")
    assert left.get_ylim() == right.get_ylim()
    assert left.get_ylim()[0] <= data["path_loss"].min() and left.get_ylim()[1] >= data["path_loss"].max()


def test_a_barrier_panel_prints_the_similarity_and_the_pair(paths):
    title = axes_of(draw("fig1", load("fig1", paths)), "D").get_title()
    assert "= 0.625" in title and "(0.05, 20) to (0.005, 200)" in title  # from alpha = 0 to 1


def test_the_numbered_cells_are_those_of_the_trajectories(paths):
    figure = draw("fig2", load("fig2", paths))
    marks = {text.get_text(): text.get_position() for text in axes_of(figure, "A").texts}
    assert marks == {"①": (ETA.index(0.01), B.index(50)), "②": (ETA.index(0.05), B.index(50))}


def test_the_freezing_line_stands_at_the_freezing_time(paths):
    data = load("fig3", paths)
    run = CONFIG["fig3"]["run"]
    expected = data["freezing_time"][0, ETA.index(run["eta"]), B.index(run["B"]), run["realization"]]
    axes = axes_of(draw("fig3", data), "A")
    vertical = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert vertical == [expected]
    assert any(f"{expected:.0f}" in text for text in texts_of(axes))


def test_the_freezing_map_is_rate_times_mean_time_of_the_runs_that_froze(paths):
    data = load("fig3", paths)
    x, y = ETA.index(0.02), B.index(50)
    data["freezing_time"][0, x, y] = [100, 300, np.nan, np.nan]
    assert cells_of(axes_of(draw("fig3", data), "C"))[x, y] == pytest.approx(0.02 * 200)


def test_mean_curves_join_a_cells_files_and_leave_out_diverged_runs(paths):
    data = load("fig3", paths)
    cell = data["train"][0.02, 50]
    assert cell["train_loss"].shape == (REALIZATIONS, 101)
    cell["train_loss"][0, 50:] = np.nan
    cell["train_loss"][0, :50] = 1e6
    lines = {line.get_label(): line for line in axes_of(draw("fig3", data), "B").lines}
    np.testing.assert_allclose(lines["50"].get_ydata(), cell["train_loss"][1:].mean(0))
    assert "1000 (GD)" in lines


def test_a_mean_curve_is_over_the_same_runs_at_all_times():
    diverged, end_alone = [9.0, 9.0, np.nan], [np.nan, np.nan, 9.0]
    values = np.array([[1.0, np.nan, 3.0], [3.0, np.nan, 5.0], diverged, end_alone])
    np.testing.assert_array_equal(panels.mean_curve(values), [2.0, np.nan, 4.0])
    assert np.isnan(panels.mean_curve(np.full((2, 3), np.nan))).all()


def test_a_run_that_was_not_trained_leaves_its_panel_empty(paths):
    settings = CONFIG["fig3"] | {"run": {"eta": 0.3, "B": 50, "realization": 0}}
    figure = fig3.draw(load("fig3", paths), settings, CONFIG["style"])
    assert "no converged run" in texts_of(axes_of(figure, "A"))


def test_the_share_of_the_top_eigenvalues_is_of_converged_runs(paths):
    data = load("figS1", paths)
    share = figS1.top_share(data)
    assert share.size == data["converged"].sum()
    np.testing.assert_allclose(share, (data["top_sum"] / data["trace"])[data["converged"]])


def test_full_batch_is_the_size_that_was_run_once():
    assert panels.full_batch(np.array([10, 1000]), np.array([[20, 1], [20, 1]])) == 1000
    assert panels.full_batch(np.array([10, 1000]), np.array([[1, 1], [1, 1]])) is None


@pytest.mark.parametrize(
    "wrong", [{"colormap": "sunset"}, {"point_color": "#12345"}, {"eta_colors": ["red", "reddish"]}]
)
def test_a_colour_that_matplotlib_does_not_know_is_named(wrong):
    (key,) = wrong
    with pytest.raises(UserError, match=rf"figures\.fig1\.{key} is .*: "):
        style.check_colors(wrong, "fig1")


def test_known_colours_pass():
    style.check_colors({"experiment": "mnist", "colormap": "viridis", "point_color": "#0072B2"}, "fig1")


def test_the_branches_are_drawn_at_total_iterations_up_to_the_runs_end(paths):
    data = load("fig4", paths)
    axes = axes_of(draw("fig4", data), "B")
    (curves,) = (child for child in axes.collections if isinstance(child, LineCollection))
    for t, curve in zip(data["t_c"], curves.get_segments(), strict=True):
        assert curve[0, 0] == t and curve[-1, 0] == 2000
    run = next(line for line in axes.lines if len(line.get_xdata()) == 101)
    assert run.get_ydata().tolist() == data["run_test_loss"].tolist()
    assert data["run_test_loss"][0] == pytest.approx(0.5 + 2.6 / 2)  # realization 1, the second of the stack


def test_the_red_square_holds_the_branches_from_freezing_on(paths):
    data = load("fig4", paths)
    (square,) = axes_of(draw("fig4", data), "E").patches
    assert square.get_xy() == (430, 430)  # t_freeze is 430: the first branch after it is 440, its cell from 430 on
    data["freezing_time"] = 421.0
    (square,) = axes_of(draw("fig4", data), "E").patches
    assert square.get_xy() == (430, 430)
    assert square.get_width() == 1010 - 430


def test_the_fit_of_the_branches_is_the_stored_one(paths):
    data = load("fig4", paths)
    axes = axes_of(draw("fig4", data), "D")
    (line,) = axes.lines
    assert line.get_ydata() == pytest.approx(12 - 20 * line.get_xdata())
    assert "$R^2$ = 0.80" in texts_of(axes)


def test_realizations_are_centred_before_they_are_drawn_together(paths):
    data = load("fig4X", paths)
    data["flatness"] += 10 * np.arange(5)[:, None]
    points = next(line for line in axes_of(draw("fig4X", data), "B").lines if len(line.get_xdata()) > 2)
    assert np.abs(points.get_ydata()).max() < 2


def test_an_interval_over_few_realizations_is_not_drawn(paths):
    data = load("fig4X", paths)
    enough = draw("fig4X", data)
    assert axes_of(enough, "D").collections and "[0.30, 0.50]" in axes_of(enough, "B").get_title()
    few = {name: array[:4] if array.shape[:1] == (5,) else array for name, array in data.items()}
    drawn = draw("fig4X", few)
    assert not axes_of(drawn, "D").collections and "0.50]" not in axes_of(drawn, "B").get_title()


def test_a_phase_diagram_has_rates_across_and_noise_upwards(paths):
    data = load("fig5", paths)
    figure = draw("fig5", data)
    assert np.array_equal(cells_of(axes_of(figure, "C")), data["p_flat"])
    np.testing.assert_allclose(cells_of(axes_of(figure, "D")), data["eta"][:, None] * data["freezing_time"])
    assert [text.get_text() for text in axes_of(figure, "C").get_xticklabels()] == ["0.01", "0.034", "0.12", "0.4"]


def test_the_landscape_names_its_lines(paths):
    axes = axes_of(draw("fig5", load("fig5", paths)), "B")
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["floor of the sharper valley", "floor of the flatter valley", "two runs"]


def test_rates_at_which_the_sharp_valley_is_unstable_are_hatched(paths):
    figure = draw("figS6", load("figS6", paths))
    for letter in "AB":
        hatched = [patch for patch in axes_of(figure, letter).patches if patch.get_hatch()]
        assert [patch.get_x() for patch in hatched] == [2.5]


def test_the_distance_of_the_simulation_is_from_the_solution_at_the_same_noise(paths):
    axes = axes_of(draw("fig6X", load("fig6X", paths)), "B")
    simulated = next(line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_marker() == "o")
    assert simulated.get_ydata() == pytest.approx([0.9 - 0.92, 0.91 - 0.92])
    assert simulated.get_xdata() == pytest.approx(np.sqrt([0.02, 0.01]))


def test_fig_S5_is_legible_on_every_grid(grid):
    figure = draw_grid(grid)
    with mpl.style.context(["default", figure.parameters]):  # as when it is saved
        assert_legible(figure)
        boxes = [axes.get_tightbbox() for axes, _ in figure.letters]
        numbers = {
            (letter.get_text(), axis): tick_boxes(axes, axis) for axes, letter in figure.letters for axis in "xy"
        }
    assert len(boxes) == 10
    for k, box in enumerate(boxes):
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:k])
    digit = 6 * 0.73 * figure.dpi / 72  # height in pixels; the box of a text is higher
    for (letter, axis), along in numbers.items():
        if letter == "A":  # in space
            continue
        size = np.ptp(along, axis=1).max() + digit / 2 if axis == "x" and letter in "CIJ" else digit  # or turned
        assert len(along) > 2 and np.diff(np.sort(along.mean(axis=1))).min() > size, letter


def test_the_runs_of_a_large_block_are_labelled_by_B_and_once_by_eta():
    rates, sizes = np.repeat([0.01, 0.02], 3), np.tile([50, 100, 200], 2)
    names, groups = runs.run_labels(rates, sizes)
    assert names == ["0.01, 50", "0.01, 100", "0.01, 200", "0.02, 50", "0.02, 100", "0.02, 200"]
    for size in (5, 7):
        rates, sizes = np.repeat(np.arange(1, size + 1) / 1000, size), np.tile(np.arange(1, size + 1) * 10, size)
        names, groups = runs.run_labels(rates, sizes)
        assert [rates[group].tolist() for group in groups] == [[k / 1000] * size for k in range(1, size + 1)]
        middle = size // 2
        own = [str(10 * k) if size == 5 else "" for k in range(1, size + 1)]
        third = [*own[:middle], "0.003, 30" if size == 5 else "0.003", *own[middle + 1 :]]
        assert names[groups[2]] == third


def test_the_end_points_similarities_stand_where_their_labels_are(grid):
    axes = axes_of(draw_grid(grid), "B")
    shown = cells_of(axes)
    lost = np.isnan(grid["block_jaccard"])
    assert lost.any() and not lost.all()
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), lost)
    np.testing.assert_array_equal(shown[~lost], grid["block_jaccard"][~lost])
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert len(labels) == len(grid["block_B"])
    assert axes.yaxis_inverted()  # the diagonal falls from the first run to the last
    for label, size in zip(labels, grid["block_B"], strict=True):
        assert label.split(", ")[-1] == str(size)


def test_the_maps_of_fig_S5_show_what_the_grid_holds(grid):
    figure = draw_grid(grid)
    converged = grid["converged"].any(-1)
    assert not converged.all()
    expected = {
        "D": grid["similarity"],
        "E": np.where(grid["converged"], grid["test_accuracy"], -1).max(-1),
        "F": np.where(grid["converged"], grid["flatness"], -1).max(-1),
        "G": grid["convergence_probability"],
        "H": grid["eta"][:, None] * np.nanmean(np.where(converged[..., None], grid["freezing_time"][0], 0), axis=-1),
    }
    for letter, values in expected.items():
        shown = cells_of(axes_of(figure, letter))
        np.testing.assert_array_equal(np.ma.getmaskarray(shown), ~converged)
        np.testing.assert_allclose(shown[converged], values[converged])
    assert len(figure.legends) == 1


def test_the_curves_of_fig_S5_are_of_every_B_at_their_rates(grid):
    figure, settings = draw_grid(grid), GRID_SETTINGS
    spectra, loss, flatness = ({line.get_label(): line for line in axes_of(figure, x).lines} for x in "CIJ")
    for size in grid["B"].tolist():
        spectrum = grid["spectrum"][settings["spectrum_eta"], size, 0]
        kept = spectrum > 1e-9 * spectrum.max()
        np.testing.assert_array_equal(spectra[str(size)].get_ydata()[kept], spectrum[kept])
        cell = grid["train"][settings["eta"], size]
        np.testing.assert_allclose(loss[str(size)].get_ydata(), cell["train_loss"].mean(0))
        np.testing.assert_array_equal(loss[str(size)].get_xdata(), cell["iteration"])
        mean = grid["curvature"][settings["eta"], size]["flatness"].mean(0)
        np.testing.assert_allclose(flatness[str(size)].get_ydata(), mean)
    assert any(np.all(line.get_ydata() == grid["threshold"][0]) for line in axes_of(figure, "I").lines)


def test_flatness_taken_at_the_end_alone_is_a_point_there(grid):
    cells = {cell: arrays | {"flatness": arrays["flatness"].copy()} for cell, arrays in grid["curvature"].items()}
    for arrays in cells.values():
        arrays["flatness"][:, :-1] = np.nan
    lines = axes_of(draw_grid(grid | {"curvature": cells}), "J").lines
    assert len(lines) == len(grid["B"])
    for line in lines:
        cell = cells[GRID_SETTINGS["eta"], int(line.get_label())]
        assert line.get_marker() == "o"
        assert (line.get_xdata(), line.get_ydata()) == (
            cell["iteration"][-1],
            pytest.approx(cell["flatness"][:, -1].mean()),
        )


def test_a_diverged_run_neither_shows_nor_stretches_the_trajectories(grid):
    lost = ~np.isfinite(grid["block_pc"]).all(axis=(1, 2))
    assert lost.any() and np.nanmax(grid["block_loss"][lost]) > 1e3
    axes = axes_of(draw_grid(grid), "A")
    assert axes.get_zlim()[1] < np.log10(2.3) + 0.5
    ends = [line for line in axes.lines if line.get_marker() in runs.MARKERS and np.isfinite(line.get_data_3d()).all()]
    np.testing.assert_allclose([line.get_data_3d()[0][0] for line in ends], grid["block_pc"][~lost, -1, 0])


def test_the_star_stands_at_the_start_even_where_the_first_run_diverged(grid):
    plane = grid["block_pc"].copy()
    plane[0] = np.nan
    axes = axes_of(draw_grid(grid | {"block_pc": plane}), "A")
    (star,) = (line for line in axes.lines if line.get_marker() == "*")
    np.testing.assert_allclose(np.ravel(star.get_data_3d()), [0, 0, np.log10(2.3)], atol=1e-12)


def test_trajectories_that_all_diverged_leave_the_panel_empty(grid):
    axes = axes_of(draw_grid(grid | {"block_pc": np.full_like(grid["block_pc"], np.nan)}), "A")
    assert texts_of(axes) == ["no converged run"]
    assert not any(line.get_marker() == "*" for line in axes.lines)
