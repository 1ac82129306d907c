"""Fig. S6: the phase diagram for noise of covariance 2 sigma H^2.

Reads ``diagram``.
"""

from typing import Any

from matplotlib.figure import Figure

from sgd_valleys.figures.phases import GREY_CELLS, draw_diagrams, load_diagram
from sgd_valleys.figures.style import Arrays, styled_figure


def load(paths: dict[str, Any]) -> Arrays:
    """Read the plotted arrays from the files ``paths``."""
    return load_diagram(paths["diagram"])


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A and B."""
    with styled_figure(style, 2.8, grey=GREY_CELLS) as figure:
        draw_diagrams(figure.subplots(1, 2), "AB", data, settings)
    return figure
