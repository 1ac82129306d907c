"""Fig. S6: the phase diagram under another noise, of covariance 2 sigma H^2.

Reads ``diagram``.
"""

from typing import Any

from matplotlib.figure import Figure

from sgd_valleys.figures.phases import draw_diagrams, load_diagram
from sgd_valleys.figures.style import Arrays, styled_figure


def load(paths: dict[str, Any]) -> Arrays:
    """Read what the panels show."""
    return load_diagram(paths["diagram"])


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A and B."""
    with styled_figure(style, 2.8, grey="every run diverged") as figure:
        draw_diagrams(figure.subplots(1, 2), "AB", data, settings)
    return figure
