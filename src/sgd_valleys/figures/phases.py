"""Phase diagrams of the two-valley model: P_flat and freezing time over learning rate and noise."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from sgd_valleys.figures.style import FREEZING, P_FLAT, draw_matrix, label_panel
from sgd_valleys.storage import hdf5


def load_diagram(path: str) -> dict[str, np.ndarray]:
    """Read a phase diagram."""
    return hdf5.read(path, ["eta", "sigma", "stable", "p_flat", "freezing_time"])


def draw_p_flat(axes: Axes, letter: str, data: dict[str, Any], colormap: str) -> None:
    """Draw the fraction of runs that end in the flat valley."""
    _draw_diagram(axes, letter, data, data["p_flat"], P_FLAT, colormap, log=False)


def draw_freezing(axes: Axes, letter: str, data: dict[str, Any], colormap: str) -> None:
    """Draw the mean time of the last change of valley, times the learning rate."""
    _draw_diagram(axes, letter, data, data["eta"][:, None] * data["freezing_time"], FREEZING, colormap, log=True)


def _draw_diagram(
    axes: Axes, letter: str, data: dict[str, Any], values: np.ndarray, label: str, colormap: str, log: bool
) -> None:
    """Draw a diagram; learning rates at which the sharp valley is unstable are cross-hatched."""
    label_panel(axes, letter)
    names = [[f"{value:.2g}" for value in data[axis]] for axis in ("eta", "sigma")]
    draw_matrix(axes, values, (r"$\eta$", names[0]), (r"$\sigma$", names[1]), label, colormap, log)
    for k in np.flatnonzero(~data["stable"]):
        axes.add_patch(Rectangle((k - 0.5, -0.5), 1, len(data["sigma"]), fill=False, hatch="xx", linewidth=0))
