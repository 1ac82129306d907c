"""Read configuration files, and check repeated settings, types on the command line and time stamps."""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from sgd_valleys.errors import UserError, refuse_all

DEFAULTS = ("config.yaml", "config/figures.yaml")  # a later file overrides those before it
SECONDS_AHEAD = 10  # tolerance for the clocks of machines that share a file system


def read_defaults(root: Path) -> dict[str, Any]:
    """Read the unresolved configuration of the paper, including ``config/figures.yaml``.

    Args:
        root: folder of the workflow.
    """
    settings: dict[str, Any] = {}
    for name in DEFAULTS:
        update_config(settings, yaml.safe_load((root / name).read_text(encoding="utf-8")))
    return settings


def refuse_repeated_settings(paths: Iterable[str | Path]) -> None:
    """Refuse files that contain a setting twice, because YAML silently keeps only the last one.

    Raises:
        UserError: a file contains a setting twice; the message names all such settings and their lines.
    """
    refuse_all(
        f"config: {path}, {sentence}"
        for path in paths
        for sentence in _repeated(yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader), "")
    )


def _repeated(node: yaml.Node | None, name: str) -> Iterator[str]:
    """Yield a sentence for every repeated setting below a YAML node with the full name ``name``."""
    if isinstance(node, yaml.SequenceNode):
        for number, each in enumerate(node.value):
            yield from _repeated(each, f"{name}[{number}]")
    elif isinstance(node, yaml.MappingNode):
        lines: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            full = f"{name}.{key.value}".lstrip(".")
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if first := lines.get((key.tag, key.value)):
                    yield f"{full}: set in line {first} and again in line {line}; allowed is one; delete the other."
                lines[key.tag, key.value] = line
            yield from _repeated(value, full)


def typed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Restore the YAML types of settings of ``--config``, because Snakemake converts nested values to text."""
    return {key: value if isinstance(value, str) else _typed(value) for key, value in settings.items()}


def _typed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_typed(each) for each in value]
    return yaml.safe_load(value) if isinstance(value, str) else value


def refuse_future_stamps(paths: Iterable[Path]) -> None:
    """Refuse files with future time stamps, because Snakemake deletes outputs that are older than their inputs.

    Raises:
        UserError: a time stamp is more than ``SECONDS_AHEAD`` seconds ahead of the clock of this machine.
    """
    now = time.time()
    for path in paths:
        if (ahead := path.stat().st_mtime - now) > SECONDS_AHEAD:
            raise UserError(
                f"{path}: the time stamp is {ahead:.0f} s ahead of the clock of this machine, and Snakemake would "
                f"delete the outputs that depend on the file; allowed are {SECONDS_AHEAD} s; set the clock, or run "
                f"`find {path.parent} -newermt now -exec touch {{}} +`."
            )
