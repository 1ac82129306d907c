"""Phase diagrams of the two-valley model: P_flat and freezing time over learning rate and noise."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from sgd_valleys.figures.style import INK, Arrays, Quantity, draw_matrix, label_panel
from sgd_valleys.figures.symbols import FREEZING, P_FLAT
from sgd_valleys.storage import hdf5

MARKS = {  # hatches of cells with too few changes for a freezing time, and of cells that are not frozen
    "too few runs change valley": {"hatch": "....", "edgecolor": INK},
    "not frozen at the end": {"hatch": "////", "edgecolor": INK},
}
GREY_CELLS = "no run changes valley, or every run diverged"
UNSTABLE = {"hatch": "xx", "edgecolor": "black"}


def load_diagram(path: str) -> Arrays:
    """Read ``eta``, ``sigma``, ``stable`` (eta), and the plotted arrays (eta, sigma) of a phase diagram."""
    arrays = ["eta", "sigma", "stable", "p_flat", "freezing_time", "enough_changes", "frozen"]
    return hdf5.read(path, arrays)


def draw_diagrams(pair: Iterable[Axes], letters: str, data: Arrays, settings: dict) -> None:
    """Draw two panels: P_flat, and eta times the mean time of the last change of valley over runs that change.

    Hatches mark cells where too few runs change valley, cells that are not frozen, and learning rates at which the
    sharp valley is unstable. A legend explains the hatches.
    """
    eta, sigma = ([f"{value:.2g}" for value in data[axis]] for axis in ("eta", "sigma"))
    time = data["eta"][:, None] * data["freezing_time"]
    quantities = (
        (data["p_flat"], Quantity(P_FLAT), settings["p_flat_colormap"]),
        (
            time,
            Quantity(FREEZING, log=True),
            settings["freezing_colormap"],
        ),
    )
    few, moving = ~data["enough_changes"], data["enough_changes"] & ~data["frozen"]
    for axes, letter, (values, quantity, colormap) in zip(pair, letters, quantities, strict=True):
        label_panel(axes, letter)
        draw_matrix(axes, values, (r"$\eta$", eta), (r"$\sigma$", sigma), quantity, colormap)
        for cells, mark in zip((few, moving), MARKS.values(), strict=True):
            for i, j in np.argwhere(cells & np.isfinite(data["p_flat"])):
                axes.add_patch(Rectangle((i - 0.5, j - 0.5), 1, 1, fill=False, linewidth=0, **mark))
        for k in np.flatnonzero(~data["stable"]):
            axes.add_patch(Rectangle((k - 0.5, -0.5), 1, len(sigma), fill=False, linewidth=0, **UNSTABLE))
    marks = [(text, mark) for cells, (text, mark) in zip((few, moving), MARKS.items(), strict=True) if cells.any()]
    marks += [] if data["stable"].all() else [("sharp valley unstable", UNSTABLE)]
    handles = [Patch(facecolor="white", linewidth=0, label=text, **mark) for text, mark in marks]
    if handles:
        axes.figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), borderaxespad=0.2)
