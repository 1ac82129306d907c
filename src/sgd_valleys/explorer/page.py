"""The page itself: data, plotly.js, and the page's own script and style put into one HTML file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from plotly.offline import get_plotlyjs

HERE = Path(__file__).parent
SHADES = 17  # of a colour map; the browser blends between them


def colors(looks: Mapping[str, Any]) -> dict[str, Any]:
    """Colours and colour maps of the settings as the browser knows them: #rrggbb, and lists of them."""
    found = {}
    for key, value in looks.items():
        if key.endswith("colormap"):
            value = [to_hex(color) for color in mpl.colormaps[value](np.linspace(0, 1, SHADES))]
        elif key.endswith("color"):
            value = to_hex(value)
        elif key.endswith("colors"):
            value = [to_hex(color) for color in value]
        found[key] = value
    return found


def html(data: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        data: ``experiments`` and ``diagrams``, each by name, as ``collect`` gives them, with their ``looks``.

    Raises:
        ValueError: a number in ``data`` is not finite.
    """
    parts = {
        # in the text of an element that holds a script, nothing but "<" can be mistaken
        "data": json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "plotly": get_plotlyjs(),
        "script": (HERE / "page.js").read_text(),
        "style": (HERE / "page.css").read_text(),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], (HERE / "page.html").read_text())
