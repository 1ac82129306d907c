"""Fig. S6: the phase diagram under another noise, of covariance 2 sigma H^2.

Reads ``diagram``.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sgd_valleys.figures.phases import draw_freezing, draw_p_flat, load_diagram
from sgd_valleys.figures.style import styled_figure


def load(paths: dict[str, Any]) -> dict[str, np.ndarray]:
    """Read what the panels show."""
    return load_diagram(paths["diagram"])


def draw(data: dict[str, np.ndarray], settings: dict, style: dict) -> Figure:
    """Draw panels A and B."""
    with styled_figure(style, 2.8, grey="every run diverged") as figure:
        left, right = figure.subplots(1, 2)
        draw_p_flat(left, "A", data, settings["p_flat_colormap"])
        draw_freezing(right, "B", data, settings["freezing_colormap"])
    return figure
