"""The configuration of the paper, and overlays on it, without Snakemake."""

from pathlib import Path
from typing import Any

import yaml

from sgd_valleys.config.inheritance import merge, resolve_inheritance
from sgd_valleys.config.validation import check

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


def written(*overlays: str | dict[str, Any]) -> dict[str, Any]:
    """Return config.yaml with some files or settings on top; null removes a setting."""
    found = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    for overlay in overlays:
        above = overlay if isinstance(overlay, dict) else yaml.safe_load((ROOT / overlay).read_text(encoding="utf-8"))
        found = merge(found, above)
    return found | {"experiments": resolve_inheritance(found["experiments"])}


def checked(*overlays: str | dict[str, Any]) -> tuple[dict[str, Any], dict]:
    """Return a checked configuration and its experiments."""
    config = written(*overlays)
    return config, check(config, SCHEMA)
