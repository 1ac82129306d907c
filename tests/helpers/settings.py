"""Settings of the workflow for tests that do without Snakemake."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.resolution import resolve
from sgd_valleys.config.validation import check

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


def read_settings(*overlays: str | Mapping[str, Any]) -> dict[str, Any]:
    """Read config.yaml with other settings, or files of settings below the root, on top."""
    settings = deepcopy(_read("config.yaml"))
    for overlay in overlays:
        update(settings, deepcopy(_read(overlay) if isinstance(overlay, str) else overlay))
    return settings


def checked(*overlays: str | Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Experiment]]:
    """Return a configuration that was checked, and its experiments."""
    configuration = check(resolve(read_settings(*overlays), read_settings()), SCHEMA)
    return configuration.config, configuration.experiments


@cache
def _read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def update(settings: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    """Put settings on top of others in place, as Snakemake does with its files of settings."""
    for name, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(settings.get(name), dict):
            update(settings[name], value)
        else:
            settings[name] = value
