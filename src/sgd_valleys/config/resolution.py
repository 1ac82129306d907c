"""From settings as they are written to settings of their full form: inheritance, null, and figures by free names."""

from collections.abc import Mapping
from typing import Any

from sgd_valleys.config.figures import resolve_figures
from sgd_valleys.config.inheritance import merge, resolve_inheritance
from sgd_valleys.errors import UserError

Settings = Mapping[str, Any]
TEMPLATE = "template"  # a setting of an experiment that is not run, and serves those that are ``like`` it


def resolve(config: Settings, paper: Settings) -> dict[str, Any]:
    """Return a configuration in its full form.

    Null removes the experiments, an experiment, a figure, the two-valley model, or one of its phase diagrams. An
    experiment with ``template: true`` is not run.

    Args:
        config: settings as they are written.
        paper: config.yaml as it is written.

    Raises:
        UserError: a section is of another type, or the inheritance of experiments cannot be resolved.
    """
    for section in ("experiments", "figures", "two_valley"):
        if not isinstance(config.get(section), Mapping | None):
            raise UserError(
                f"config: {section} = {config[section]!r}: not a section; allowed: settings by name, or null."
            )
    written, model = config.get("experiments") or {}, config.get("two_valley")
    experiments = resolve_inheritance(written)
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


def _is_template(name: str, settings: Any) -> bool:
    """Whether an experiment is a template; the setting is then taken out."""
    if not isinstance(settings, dict) or TEMPLATE not in settings:
        return False
    value = settings.pop(TEMPLATE)
    if not isinstance(value, bool):
        raise UserError(f"config: experiments.{name}.{TEMPLATE} = {value!r}: allowed are true and false.")
    return value
