"""The files that every figure reads in a finished run of tests/tiny.yaml, and variants of them."""

import shutil
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from helpers.checkout import ROOT, edited
from snakemake.utils import update_config

Paths = dict[str, str | list[str]]
Arrays = dict[str, np.ndarray]

MODEL_FIGURES = ("fig5", "fig6", "fig6X", "figS6")
BRANCH_FIGURES = ("fig4", "fig4X", "figS4")
SWEEP_FIGURES = ("fig1", "fig2", "fig2X", "fig3", "figS1", "figS2", "figS3", "figS5")
FIGURES = (*SWEEP_FIGURES, *BRANCH_FIGURES, *MODEL_FIGURES)
ANALYSES = ("projection", "jaccard", "barriers", "endpoints", "freezing", "cell_maps")
_RUN = "eta0.02_B10_r1"


def figure_settings() -> dict[str, Any]:
    """Return the section ``figures`` of config.yaml under tests/tiny.yaml."""
    config, tiny = (yaml.safe_load((ROOT / name).read_text()) for name in ("config.yaml", "tests/tiny.yaml"))
    update_config(config, tiny)
    return config["figures"]


def figure_inputs(results: Path, figure: str) -> Paths:
    """Return the paths of the files that a figure may read, by the names of the rule's inputs."""
    if figure in MODEL_FIGURES:
        model = results / "two_valley"
        return {
            **{name: str(model / f"{name}.h5") for name in ("theory", "occupancy")},
            "diagram": str(model / ("phase_diagram_H2.h5" if figure == "figS6" else "phase_diagram_H.h5")),
            "small_eta_limit": _sorted(model.glob("small_eta_limit/*.h5")),
            "ito": str(model / "fokker_planck/ito.h5"),
            "printed": str(model / "fokker_planck/hanggi-klimontovich.h5"),
        }
    experiment = results / ("cifar10" if figure == "figS5" else "mnist")
    if figure in BRANCH_FIGURES:
        branches = experiment / "branches"
        return {
            "run": str(experiment / "train/eta0.02_B10_r0-1.h5"),
            "run_curvature": str(experiment / "curvature/eta0.02_B10_r0-1.h5"),
            "statistics": str(branches / "statistics/eta0.02_B10.h5"),
            **{name: str(branches / f"{name}/{_RUN}.h5") for name in ("train", "curvature", "endpoints", "projection")},
        }
    return {
        **{name: str(experiment / f"{name}.h5") for name in ANALYSES},
        **{name: _sorted((experiment / name).glob("*.h5")) for name in ("train", "curvature")},
    }


def _sorted(paths: Iterable[Path]) -> list[str]:
    return sorted(map(str, paths))


def load_figure(results: Path, name: str) -> dict[str, Any]:
    """Read what a figure shows of a run."""
    return import_module(f"sgd_valleys.figures.{name}").load(figure_inputs(results, name))
