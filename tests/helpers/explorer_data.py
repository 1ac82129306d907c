"""The data in a page to explore."""

import json
import re
from pathlib import Path
from typing import Any

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def read_page_data(path: Path) -> dict[str, Any]:
    """Read the data that a page holds."""
    (found,) = DATA.findall(path.read_text())
    return json.loads(found)
