"""Settings of the workflow for tests without Snakemake."""

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.resolution import resolve
from sgd_valleys.config.validation import check
from sgd_valleys.workflow.config_files import read_defaults

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


def read_settings(*overlays: str | Mapping[str, Any]) -> dict[str, Any]:
    """Read the default configuration and apply overlays: settings, or paths relative to the root."""
    settings = read_defaults(ROOT)
    for overlay in overlays:
        update(settings, deepcopy(_read(overlay) if isinstance(overlay, str) else overlay))
    return settings


def read_paper(*overlays: str | Mapping[str, Any]) -> dict[str, Any]:
    """Read the configuration with overlays, without the experiments and figures of controls C1 to C8."""
    settings = read_settings(*overlays)
    for name in _read("config/without-controls.yaml")["experiments"]:
        settings["experiments"].pop(name, None)
    for name in [name for name in settings["figures"] if re.fullmatch("figC[1-8]", name)]:
        del settings["figures"][name]
    return settings


def checked(*overlays: str | Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Experiment]]:
    """Return a validated configuration with overlays, and its experiments by name."""
    configuration = check(resolve(read_settings(*overlays), read_settings()), SCHEMA)
    return configuration.config, configuration.experiments


@cache
def _read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def update(settings: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    """Apply an overlay to ``settings`` in place, as Snakemake does with configuration files."""
    for name, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(settings.get(name), dict):
            update(settings[name], value)
        else:
            settings[name] = value
