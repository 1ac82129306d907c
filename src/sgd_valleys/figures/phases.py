"""Phase diagrams of the two-valley model: P_flat and freezing time over learning rate and noise."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from sgd_valleys.figures.style import FREEZING, P_FLAT, matrix, panel
from sgd_valleys.storage import hdf5

ARRAYS = ("eta", "sigma", "stable", "p_flat", "freezing_time")


def load_diagram(path: str) -> dict[str, np.ndarray]:
    """Read a diagram."""
    return hdf5.read(path, ARRAYS)


def draw_p_flat(axes: Axes, letter: str, data: dict[str, Any], colormap: str) -> None:
    """Draw the share of runs that end in the flat valley."""
    _draw(axes, letter, data, data["p_flat"], P_FLAT, colormap, log=False)


def draw_freezing(axes: Axes, letter: str, data: dict[str, Any], colormap: str) -> None:
    """Draw the mean time of the last change of valley, times the learning rate."""
    _draw(axes, letter, data, data["eta"][:, None] * data["freezing_time"], FREEZING, colormap, log=True)


def _draw(
    axes: Axes, letter: str, data: dict[str, Any], values: np.ndarray, label: str, colormap: str, log: bool
) -> None:
    """Draw a diagram; a cross-hatched frame marks rates at which the sharp valley is unstable."""
    panel(axes, letter)
    names = [[f"{value:.2g}" for value in data[axis]] for axis in ("eta", "sigma")]
    matrix(axes, values, *names, label, colormap, log)
    axes.tick_params(axis="x", labelrotation=90)
    axes.set_xlabel(r"$\eta$")
    axes.set_ylabel(r"$\sigma$")
    for k in np.flatnonzero(~data["stable"]):
        axes.add_patch(Rectangle((k - 0.5, -0.5), 1, len(data["sigma"]), fill=False, hatch="xx", linewidth=0))
