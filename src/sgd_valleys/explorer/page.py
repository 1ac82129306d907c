"""The page of the explorer: data, plotly.js, and the page's own script and style in one HTML file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from plotly.offline import get_plotlyjs

FOLDER = Path(__file__).parent
SCRIPTS = ("simulator.js", "state.js", "simulation.js", "arms.js", "page.js")  # in order; the last one draws the page
COLORMAP_STEPS = 17  # colours of a colour map in the page, which the browser interpolates


def to_css(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Convert colours and colour maps of figure settings to #rrggbb and lists of #rrggbb."""

    def convert(key: str, value: Any) -> str | list[str]:
        if key.endswith("colormap"):
            value = mpl.colormaps[value](np.linspace(0, 1, COLORMAP_STEPS))
        return to_hex(value) if key.endswith("color") else [to_hex(color) for color in value]

    return {key: convert(key, value) for key, value in settings.items()}


def html(data: Mapping[str, Any]) -> str:
    """Return the whole page.

    Args:
        data: ``experiments`` and ``diagrams`` by name, from ``collect``, with their ``colors``. Experiments also have
            ``training`` and, as arms, ``summaries``. ``arms`` are lists of names of experiments for comparison.
            ``landscape`` has the parameters of the two-valley model, and is empty without the model.

    Raises:
        ValueError: a number in ``data`` is not finite.
    """
    parts = {
        # In a script element, only "<" can end the text.
        "data": json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "plotly": get_plotlyjs(),
        "script": "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS),
        "style": (FOLDER / "page.css").read_text(encoding="utf-8"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], (FOLDER / "page.html").read_text(encoding="utf-8"))
