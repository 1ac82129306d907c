"""Resolve a configuration to its full form: inheritance, null, templates, and freely named figures."""

from collections.abc import Mapping
from typing import Any

from sgd_valleys.config.figures import resolve_figures
from sgd_valleys.config.inheritance import merge, resolve_inheritance
from sgd_valleys.errors import UserError

Settings = Mapping[str, Any]
TEMPLATE = "template"  # marks an experiment that is not run, and from which others inherit with ``like``


def resolve(config: Settings, paper: Settings) -> dict[str, Any]:
    """Return a configuration in its full form.

    Null removes all experiments, an experiment, a figure, the two-valley model, or one of its phase diagrams. An
    experiment with ``template: true`` is not run. If an experiment of config.yaml is removed or made a template, the
    experiments of config.yaml that inherit from this experiment are removed too.

    Args:
        config: unresolved settings.
        paper: unresolved settings of config.yaml.

    Returns:
        resolved settings; words such as ``last`` are not replaced.

    Raises:
        UserError: a section or ``template`` has an invalid type, or the inheritance of experiments is invalid.
    """
    for section in ("experiments", "figures", "two_valley"):
        if not isinstance(config.get(section), Mapping | None):
            raise UserError(
                f"config: {section} = {config[section]!r}: not a section; allowed are settings by name, or null; "
                f"indent the settings below {section}."
            )
    written, model = config.get("experiments") or {}, config.get("two_valley")
    experiments = resolve_inheritance(_without_heirs(written, paper["experiments"]))
    templates = {name for name, settings in experiments.items() if _is_template(name, settings)}
    run = {name: settings for name, settings in experiments.items() if name not in templates}
    known = dict.fromkeys([*paper["experiments"], *written]) | run
    found = {key: value for key, value in config.items() if key != "two_valley" or value is not None}
    if model is not None:
        found["two_valley"] = merge({}, model)
    return found | {
        "experiments": run,
        "figures": resolve_figures(config.get("figures") or {}, paper, known, model),
    }


def _without_heirs(written: Settings, paper: Settings) -> dict[str, Any]:
    """Replace experiments of config.yaml by null if they are ``like`` one that is removed or made a template."""
    found = dict(written)
    for name in paper:  # config.yaml defines an experiment before the experiments that inherit from this one
        own = found.get(name)
        parent = own.get("like") if isinstance(own, Mapping) else None
        if isinstance(parent, str) and parent in paper and _is_left_out(found.get(parent), paper[parent]):
            found[name] = None
    return found


def _is_left_out(written: Any, paper: Settings) -> bool:
    """Whether a configuration removes an experiment of config.yaml or makes it a template."""
    return written is None or (isinstance(written, Mapping) and TEMPLATE in written and TEMPLATE not in paper)


def _is_template(name: str, settings: Any) -> bool:
    """Return the setting ``template`` of an experiment, False by default, and delete it from ``settings``.

    Raises:
        UserError: the setting is not a boolean.
    """
    if not isinstance(settings, dict) or TEMPLATE not in settings:
        return False
    value = settings.pop(TEMPLATE)
    if not isinstance(value, bool):
        raise UserError(
            f"config: experiments.{name}.{TEMPLATE} = {value!r}: not a boolean; allowed are true and false; "
            "change the value."
        )
    return value
