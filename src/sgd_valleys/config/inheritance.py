"""Resolve inheritance (``like``), merge overlays, and list the differences of configurations."""

from collections.abc import Iterator, Mapping
from typing import Any

from sgd_valleys.errors import UserError, unknown_value

Settings = Mapping[str, Any]


def resolve_inheritance(experiments: Settings) -> dict[str, Any]:
    """Give every experiment the settings of the experiment named by ``like``; its own settings take precedence.

    Mappings are merged recursively, and other values are replaced. Null removes a setting or an experiment.

    Args:
        experiments: settings by the names of experiments.

    Returns:
        settings without ``like`` by the names of experiments, without removed ones.

    Raises:
        UserError: ``experiments`` is no mapping, or ``like`` names an unknown or removed experiment or forms a circle.
    """
    if not isinstance(experiments, Mapping):
        raise UserError(
            f"config: experiments = {experiments!r}: not a section; allowed are settings by the names of experiments; "
            "indent the settings below experiments."
        )
    known = {name: experiment for name, experiment in experiments.items() if experiment is not None}

    def resolve(name: str, path: tuple[str, ...] = ()) -> dict[str, Any]:
        own = known[name]
        if not isinstance(own, Mapping):
            return own
        if "like" not in own:
            return merge({}, own)
        parent, path = own["like"], (*path, name)
        if not isinstance(parent, str) or parent not in known:
            if isinstance(parent, str) and parent in experiments:
                raise UserError(
                    f"config: experiments.{name}.like = {parent}: removed experiment; allowed are {', '.join(known)}; "
                    f"choose one of these, or replace the null of {parent} by template: true."
                )
            raise UserError(f"config: {unknown_value(f'experiments.{name}.like', parent, known)}")
        if parent in path:
            raise UserError(
                f"config: experiments.{name}.like = {parent}: circular inheritance "
                f"({' is like '.join((*path, parent))}); allowed are chains without repetition; delete one like."
            )
        inherited = {key: value for key, value in resolve(parent, path).items() if key != "template"}
        return merge(inherited, {key: value for key, value in own.items() if key != "like"})

    return {name: resolve(name) for name in known}


def merge(below: Settings, above: Settings) -> dict[str, Any]:
    """Merge the settings ``above`` into those ``below``, and remove settings that are null."""
    found = {**below}
    for key, value in above.items():
        old = below.get(key)
        found[key] = merge(old if isinstance(old, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return {key: value for key, value in found.items() if value is not None}


def as_overlay(below: Settings, config: Settings) -> dict[str, Any]:
    """Return the overlay that turns the configuration ``below`` into ``config``.

    Args:
        below: configuration with unresolved inheritance.
        config: configuration with resolved inheritance.

    Returns:
        the settings of ``config``, and null for settings that only ``below`` has.
    """
    return _overlay({**below, "experiments": resolve_inheritance(below["experiments"])}, config)


def _overlay(below: Settings, config: Settings) -> dict[str, Any]:
    found = {}
    for key, value in config.items():  # in the order of config: for Snakemake, another order is a changed setting
        old = below.get(key)
        found[key] = _overlay(old if isinstance(old, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return found | {key: None for key in below if key not in config}


def changes(below: Settings, above: Settings, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the settings in which two configurations differ.

    Args:
        below: one configuration.
        above: the other configuration.
        where: prefix of the names.

    Yields:
        (name, value below, value above); None for an absent setting.
    """
    for key in dict.fromkeys([*below, *above]):
        old, new, name = below.get(key), above.get(key), f"{where}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from changes(old, new, f"{name}.")
        elif old != new:
            yield name, old, new
