"""Configurations on top of each other: experiments that are ``like`` another one, overlays, and differences."""

from collections.abc import Iterator, Mapping
from typing import Any

from sgd_valleys.errors import UserError

Settings = Mapping[str, Any]


def resolve_inheritance(experiments: Settings) -> dict[str, Any]:
    """Give every experiment the settings of the one that it is ``like``; its own settings come first.

    Mappings are merged setting by setting, and other values are replaced. Null removes a setting or an experiment.

    Args:
        experiments: settings by the names of experiments.

    Raises:
        UserError: an experiment is like an unknown one, or like itself through others.
    """
    if not isinstance(experiments, Mapping):
        raise UserError(f"config: experiments is {experiments!r}: it has to be settings by the experiments' names.")
    known = {name: experiment for name, experiment in experiments.items() if experiment is not None}

    def resolve(name: str, path: tuple[str, ...] = ()) -> dict[str, Any]:
        own = known[name]
        if not isinstance(own, Mapping):
            return own
        if "like" not in own:
            return merge({}, own)
        parent, path = own["like"], (*path, name)
        if not isinstance(parent, str) or parent not in known:
            removed = isinstance(parent, str) and parent in experiments
            hint = "; null removed it: write template: true instead of null" if removed else ""
            names = ", ".join(map(str, known))
            raise UserError(f"config: experiments.{name}.like is {parent}: the experiments are {names}{hint}.")
        if parent in path:
            raise UserError(f"config: experiments.{name}.like: {' is like '.join((*path, parent))}: break the circle.")
        inherited = {key: value for key, value in resolve(parent, path).items() if key != "template"}
        return merge(inherited, {key: value for key, value in own.items() if key != "like"})

    return {name: resolve(name) for name in known}


def merge(below: Settings, above: Settings) -> dict[str, Any]:
    """Return settings with others on top; null removes a setting."""
    found = {**below}
    for key, value in above.items():
        old = below.get(key)
        found[key] = merge(old if isinstance(old, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return {key: value for key, value in found.items() if value is not None}


def as_overlay(below: Settings, config: Settings) -> dict[str, Any]:
    """Return an overlay that reproduces a configuration on top of another one.

    Args:
        below: configuration as it is written, with unresolved inheritance.
        config: configuration with resolved inheritance.

    Returns:
        The settings of ``config``; null for settings that ``below`` has and ``config`` lacks.
    """
    return _overlay(below | {"experiments": resolve_inheritance(below["experiments"])}, config)


def _overlay(below: Settings, config: Settings) -> dict[str, Any]:
    found = {}
    for key, value in config.items():  # in their own order: Snakemake takes another order for another setting
        old = below.get(key)
        found[key] = _overlay(old if isinstance(old, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return found | {key: None for key in below if key not in config}


def changes(below: Settings, above: Settings, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the settings in which two configurations differ, as (name, below, above); None is an absent setting."""
    for key in dict.fromkeys([*below, *above]):
        old, new, name = below.get(key), above.get(key), f"{where}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from changes(old, new, f"{name}.")
        elif old != new:
            yield name, old, new
