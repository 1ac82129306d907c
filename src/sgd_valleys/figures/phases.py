"""Phase diagrams of the two-valley model: P_flat and freezing time over learning rate and noise."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from sgd_valleys.figures.style import Arrays, Quantity, draw_matrix, label_panel
from sgd_valleys.figures.symbols import FREEZING, P_FLAT
from sgd_valleys.storage import hdf5


def load_diagram(path: str) -> Arrays:
    """Read a phase diagram."""
    return hdf5.read(path, ["eta", "sigma", "stable", "p_flat", "freezing_time"])


def draw_diagrams(pair: Iterable[Axes], letters: str, data: Arrays, settings: dict) -> None:
    """Draw P_flat, and eta times the mean time of the last change of valley, as two panels.

    Learning rates at which the sharp valley is unstable are cross-hatched.
    """
    eta, sigma = ([f"{value:.2g}" for value in data[axis]] for axis in ("eta", "sigma"))
    quantities = (
        (data["p_flat"], Quantity(P_FLAT), settings["p_flat_colormap"]),
        (data["eta"][:, None] * data["freezing_time"], Quantity(FREEZING, log=True), settings["freezing_colormap"]),
    )
    for axes, letter, (values, quantity, colormap) in zip(pair, letters, quantities, strict=True):
        label_panel(axes, letter)
        draw_matrix(axes, values, (r"$\eta$", eta), (r"$\sigma$", sigma), quantity, colormap)
        for k in np.flatnonzero(~data["stable"]):
            axes.add_patch(Rectangle((k - 0.5, -0.5), 1, len(sigma), fill=False, hatch="xx", linewidth=0))
