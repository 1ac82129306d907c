"""What Snakemake does not check itself: settings that are given twice, types on the command line, and time stamps."""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sgd_valleys.errors import UserError, refuse_all

SECONDS_AHEAD = 10  # clocks of machines that share a file system differ by less


def refuse_repeated_settings(paths: Iterable[str | Path]) -> None:
    """Refuse files of settings that name a setting twice: YAML takes the last and drops the others silently.

    Raises:
        UserError: a sentence for every such setting.
    """
    refuse_all(
        f"config: {path}: {sentence}"
        for path in paths
        for sentence in _repeated(yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader), "")
    )


def _repeated(node: yaml.Node | None, name: str) -> Iterator[str]:
    """Yield a sentence for every setting that a part of a YAML file names twice."""
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
                    yield f"{full} is given in line {first} and again in line {line}: keep one of them."
                lines[key.tag, key.value] = line
            yield from _repeated(value, full)


def typed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of ``--config`` with the types that YAML gives them: Snakemake makes texts of nested ones."""
    return {key: value if isinstance(value, str) else _typed(value) for key, value in settings.items()}


def _typed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_typed(each) for each in value]
    return yaml.safe_load(value) if isinstance(value, str) else value


def refuse_future_stamps(paths: Iterable[Path]) -> None:
    """Refuse files from the future: Snakemake deletes what is made from them, as it is older than they are.

    Raises:
        UserError: a file has a time stamp ahead of the clock of this machine.
    """
    now = time.time()
    for path in paths:
        if (ahead := path.stat().st_mtime - now) > SECONDS_AHEAD:
            raise UserError(
                f"{path}: its time stamp is {ahead:.0f} s ahead of the clock of this machine, and Snakemake would "
                "delete what is made from it: set the clock, or run "
                f"`find {path.parent} -newermt now -exec touch {{}} +`."
            )
