"""A control analysis from synthetic files to its figure."""

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.storage import hdf5

STYLE = {"font_size": 7, "line_width": 1.0, "dpi": 50}


def analyze_and_draw(
    folder: Path, control: str, figure: str, files: dict, settings: dict[str, Any], looks: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Analyze files with a module of ``sgd_valleys.controls``, draw the figure, and return its arrays by name."""
    module, drawn = (import_module(f"sgd_valleys.{name}") for name in (f"controls.{control}", f"figures.{figure}"))
    hdf5.write(folder / "control.h5", module.analyze(files, settings, logging.getLogger()))
    data = drawn.load({"control": folder / "control.h5"})
    drawn.draw(data, looks, STYLE).draw_without_rendering()
    return data
