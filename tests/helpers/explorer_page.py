"""The data in the page of the explorer."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def page_data(page: str | Path) -> dict[str, Any]:
    """Return the data in a page, which is given as a path or as text."""
    (found,) = DATA.findall(page.read_text(encoding="utf-8") if isinstance(page, Path) else page)
    return json.loads(found)


def unpack(array: dict[str, Any]) -> np.ndarray:
    """Return an array that ``collect.pack`` packed."""
    return np.frombuffer(base64.b64decode(array["f4"]), "<f4").reshape(array["shape"])
