"""The files that figures read in a finished run of tests/tiny.yaml, and variants of them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from helpers.settings import checked
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

Paths = dict[str, str | list[str]]
Change = Callable[[str, Variable], np.ndarray]

SWEEP_FIGURES = ("fig1", "fig2", "fig2X", "fig3", "figS1", "figS2", "figS3", "figS5")
BRANCH_FIGURES = ("fig4", "fig4X", "figS4")
MODEL_FIGURES = ("fig5", "fig6", "fig6X", "figC9", "figS6")
CONTROL_FIGURES = tuple(f"figC{k}" for k in range(1, 9))
FIGURES = (*SWEEP_FIGURES, *BRANCH_FIGURES, *MODEL_FIGURES, *CONTROL_FIGURES)
ANALYSES = ("projection", "jaccard", "endpoints", "freezing", "cell_maps")
REFERENCE = "eta0.02_B10_r1"  # the run with branches in Fig. 4


def figure_settings() -> dict[str, Any]:
    """Return the section ``figures`` of config.yaml with the overlay tests/tiny.yaml, without ``draw``."""
    figures = checked("tests/tiny.yaml")[0]["figures"]
    return {name: {key: value for key, value in each.items() if key != "draw"} for name, each in figures.items()}


def figure_inputs(results: Path, figure: str) -> Paths:
    """Return the paths of the files that a figure reads, and of some others, by the names of the rule's inputs."""
    if figure in CONTROL_FIGURES:
        return {"control": str(results / "controls" / f"{figure}.h5")}
    if figure in MODEL_FIGURES:
        model = results / "two_valley"
        return {
            **{name: str(model / f"{name}.h5") for name in ("theory", "occupancy")},
            "diagram": str(model / f"phase_diagram_{'H2' if figure == 'figS6' else 'H'}.h5"),
            "small_eta_limit": _paths(model.glob("small_eta_limit/*.h5")),
            "ito": str(model / "fokker_planck/ito.h5"),
            **{path.stem: str(path) for path in model.glob("controls/*.h5")},
            "printed": str(model / "fokker_planck/hanggi-klimontovich.h5"),
        }
    experiment = results / ("cifar10" if figure == "figS5" else "mnist")
    if figure in BRANCH_FIGURES:
        branches = experiment / "branches"
        own = ("train", "curvature", "endpoints", "projection")
        return {
            "run": str(experiment / "train/eta0.02_B10_r0-1.h5"),
            "run_curvature": str(experiment / "curvature/eta0.02_B10_r0-1.h5"),
            "statistics": str(branches / "statistics/eta0.02_B10.h5"),
            **{name: str(branches / name / f"{REFERENCE}.h5") for name in own},
        }
    return {
        **{name: str(experiment / f"{name}.h5") for name in ANALYSES},
        **({"barriers": str(experiment / "barriers.h5")} if figure == "fig1" else {}),
        **{name: _paths((experiment / name).glob("*.h5")) for name in ("train", "curvature")},
    }


def _paths(found: Iterable[Path]) -> list[str]:
    return sorted(map(str, found))


def load_figure(results: Path, figure: str) -> dict[str, Any]:
    """Read the data of a figure of a run."""
    return import_module(f"sgd_valleys.figures.{figure}").load(figure_inputs(results, figure))


def rewrite(source: Path, target: Path, change: Change) -> None:
    """Write a copy of a file of results whose arrays are those that ``change(name, variable)`` returns."""
    variables = hdf5.read_variables(source, list(hdf5.describe(source)))
    attributes = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in hdf5.read_attributes(source).items()
        if name != hdf5.CHECKSUM
    }
    changed = {name: replace(variable, data=change(name, variable)) for name, variable in variables.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    hdf5.write(target, changed, attributes)


def take(axis: str, positions: list[int]) -> Change:
    """Return a change that takes ``positions`` along an axis of every array; positions may be repeated."""

    def change(name: str, variable: Variable) -> np.ndarray:
        return variable.data.take(positions, variable.dims.index(axis)) if axis in variable.dims else variable.data

    return change


# Arrays that do not depend on whether a run diverges.
_SETTINGS = (
    "eta", "B", "threshold", "noise", "alpha", "time_fraction", "t_c", "delta_S", "sigma", "block_eta", "cell_eta",
    "path_eta", "block_explained", "cell_explained", "explained", "changed", "measured_eta",
)  # fmt: skip


def _diverge(name: str, variable: Variable) -> np.ndarray:
    """Change an array to its values if every run diverges after its start."""
    array = variable.data
    if {"pair", "block_pair", "path"} & set(variable.dims):  # no pairs of converged runs
        return array[:0]
    if name in ("converged", "diverged") and variable.dims == ("eta", "B", "realization"):
        return np.full_like(array, name == "diverged")
    if name == "convergence_probability":
        return np.zeros_like(array)
    if array.dtype.kind != "f" or name in _SETTINGS:
        return array
    lost = np.full_like(array, np.nan)
    if name in ("block_loss", "cell_loss", "train_loss", "test_loss", "train_accuracy") and "time" in variable.dims:
        lost[..., 0] = array[..., 0]  # the start
    return lost


def diverged_run(results: Path, target: Path) -> Path:
    """Write the files that figures read as if every run had diverged, and return ``target``; theory is unchanged."""
    sources = {
        Path(path)
        for figure in FIGURES
        for paths in figure_inputs(results, figure).values()
        for path in ([paths] if isinstance(paths, str) else paths)
    }
    for source in sorted(sources):
        path = source.relative_to(results)
        is_theory = path.stem == "theory" or path.parent.name == "fokker_planck"
        rewrite(source, target / path, (lambda _, variable: variable.data) if is_theory else _diverge)
    return target


def enlarge_grid(data: dict[str, Any], eta: tuple[float, ...], B: tuple[int, ...]) -> dict[str, Any]:
    """Return synthetic data of Fig. S5 for a larger sweep, whose block of runs is the whole grid.

    The runs at the largest rate and the smallest batch size diverge. Runs with eta / B above 0.002 do not converge.

    Args:
        data: data of Fig. S5 of the tiny run.
        eta: learning rates, ascending.
        B: batch sizes, ascending.
    """
    rates, sizes = np.array(eta), np.array(B)
    noise = rates[:, None] / sizes
    shape, cells = noise.shape, [(rate, size) for rate in eta for size in B]
    random = np.random.default_rng(0)
    maps = ("similarity", "max_test_accuracy", "max_flatness")
    grid = {name: random.uniform(0.5, 1, shape) for name in maps} | {"eta_t_freeze": 200 * noise**-0.25}
    grid |= {"eta": rates, "B": sizes, "gradient_descent": np.zeros(len(B), bool), "threshold": data["threshold"]}
    grid["loss_units"] = np.array("nat")
    grid["convergence_probability"] = np.where(noise > 0.002, 0.0, random.choice([0.5, 1.0], shape))

    block_eta, block_B = np.repeat(rates, len(B)), np.tile(sizes, len(eta))
    fraction = np.linspace(0, 1, 101)
    reach, turn = 4 * fraction**0.4, np.log(block_eta / block_B)[:, None] / 8
    plane = np.stack([reach * np.cos(turn * reach), reach * np.sin(turn * reach)], axis=-1)
    loss = 2.3 * np.exp(-6 * fraction**0.4) * (1 + block_eta[:, None] * fraction)
    lost = (block_eta == max(eta)) & (block_B == min(B))
    plane[lost], loss[lost] = np.nan, 2.3 * 1e9**fraction
    loss[lost, 50:] = np.nan  # a diverged run has large losses before the first non-finite one
    distance = sum(np.abs(np.subtract.outer(np.log(each), np.log(each))) for each in (block_eta, block_B))
    converged = (grid["convergence_probability"] > 0).ravel()
    grid |= {
        "block_eta": block_eta,
        "block_B": block_B,
        "block_pc": plane,
        "block_loss": loss,
        "block_jaccard": np.where(converged & converged[:, None], 1 / (1 + 0.2 * distance), np.nan),
        "block_explained": data["block_explained"],
        "N": data["N"],
    }
    index = np.arange(1, 2501)
    spectrum = index**-0.6 * 10 ** (-((index / 700) ** 2) * 6)
    grid["spectrum"] = {(*cell, 0): 600 * cell[0] * spectrum for cell in cells if cell != (max(eta), min(B))}
    grid["train"], grid["curvature"] = {}, {}
    for rate, size in cells:
        curves = np.exp(-6 * fraction**0.4) * random.uniform(1, 2, (2, 1)) * size**0.1
        common = {"iteration": np.linspace(0, 1000 / rate, 101).astype(int), "realization": np.arange(2)}
        grid["train"][rate, size] = common | {"train_loss": curves}
        grid["curvature"][rate, size] = common | {"flatness": 4 - curves}
    return grid
