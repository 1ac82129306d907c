"""Check a configuration against its JSON Schema: names, types, and ranges of single settings."""

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import ValidationError, best_match

from sgd_valleys.config.figures import STYLE, drawn_figure
from sgd_valleys.config.sweep import canonical
from sgd_valleys.errors import suggest, unknown_value

# 10.0 is not an integer here, because file names with 10.0 and 10 differ
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def shape_errors(config: Mapping[str, Any], schema: Path) -> Iterator[str]:
    """Yield a sentence for every setting that does not conform to the schema.

    Args:
        config: all settings in their full form.
        schema: YAML file with the JSON Schema.
    """
    for where, value in _numbers(config):
        if not math.isfinite(value):
            yield f"{where} = {value}: not finite; allowed are finite numbers; change the value."
    drawn, figures = _read(schema), config["figures"]
    known = {name: each for name, each in drawn["properties"]["figures"]["properties"].items() if name != STYLE}
    yield from _drawn_errors(figures, known)
    errors: dict[tuple, list[ValidationError]] = {}
    for error in _Validator(_with_figures(drawn, figures)).iter_errors(config):
        errors.setdefault(tuple(error.absolute_path), []).append(error)
    place = {name: f"{k:06}" for k, name in enumerate(config.get("experiments") or {})}

    def order(item: tuple[tuple, list[ValidationError]]) -> list[str]:
        parts = [str(part) for part in item[0]]
        return [*parts[:1], *(place.get(part, part) for part in parts[1:2]), *parts[2:]]

    for _, found in sorted(errors.items(), key=order):
        yield _sentence(best_match(found))


@cache
def _read(schema: Path) -> dict[str, Any]:
    return yaml.safe_load(schema.read_text(encoding="utf-8"))


def _drawn_errors(figures: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for every figure with an unknown ``draw``, and every name that is invalid as a file name."""
    for name, figure in figures.items():
        if name == STYLE or not isinstance(figure, Mapping):
            continue
        drawn = drawn_figure(name, figure)
        if not isinstance(drawn, str) or drawn not in known:
            where = f"figures.{name}.draw = {drawn!r}" if "draw" in figure else f"figures.{name} without draw"
            allowed = f"allowed are {', '.join(known)}{suggest([drawn], known)}"
            yield f"{where}: not a figure of the paper; {allowed}; set draw to one of these."
        elif not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", str(name)):
            yield (
                f"figures.{name}: invalid name; allowed are letters, digits and _, with a letter first; "
                "rename the figure."
            )


def _with_figures(schema: dict[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with an entry for every figure of the configuration, copied from the drawn figure."""
    section = schema["properties"]["figures"]
    shapes = {STYLE: section["properties"][STYLE]}
    for name, figure in figures.items():
        if name != STYLE:
            known = section["properties"].get(drawn_figure(name, figure), {}) if isinstance(figure, Mapping) else {}
            shapes[name] = {"type": "object", **known}
            shapes[name]["properties"] = {"draw": {"type": "string"}, **known.get("properties", {})}
    return {**schema, "properties": {**schema["properties"], "figures": {**section, "properties": shapes}}}


def _sentence(error: ValidationError) -> str:
    """Describe a violation of the schema: the setting, its value, and the allowed values."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)[1:]
    value: Any = error.instance
    rule: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "type" if isinstance(value, str) and rule in ("number", "integer") and _is_positive_number(value):
            decimal = canonical(float(value))
            return (
                f"{where} = '{value}': text instead of a number; YAML reads numbers such as 1e-3 as text; "
                f"write the plain decimal {decimal}."
            )
        case "type":
            return f"{where} = {value!r}: wrong type; allowed is type {rule}; change the value."
        case "additionalProperties":
            known = sorted(schema.get("properties", {}))
            unknown = sorted(set(value) - set(known), key=str)
            names = ", ".join(map(str, unknown))
            allowed = f"allowed are {', '.join(known)}{suggest(unknown, known)}"
            return f"{where or 'top level'}: unknown setting {names}; {allowed}; correct or delete the name."
        case "required":
            absent = [key for key in rule if key not in value]
            return f"{where or 'top level'}: missing required setting {', '.join(absent)}; add the setting."
        case "enum":
            return unknown_value(where, value, rule)
        case "minimum":
            return f"{where} = {value}: too small; allowed are values of at least {rule}; raise the value."
        case "maximum":
            return f"{where} = {value}: too large; allowed are values of at most {rule}; lower the value."
        case "exclusiveMinimum":
            return f"{where} = {value}: too small; allowed are values greater than {rule}; raise the value."
        case "minItems" | "minProperties":
            return f"{where}: too few entries ({len(value)}); allowed are at least {rule}; add entries."
        case "maxItems":
            return f"{where}: too many entries ({len(value)}); allowed are at most {rule}; delete entries."
        case "oneOf" | "anyOf":
            return f"{where} = {value!r}: invalid; allowed is {schema['description']}; change the value."
        case "pattern" if where == "results":
            return (
                f"{where} = {value!r}: invalid path; allowed are relative paths of letters, digits and _ . - /, "
                "without names that are empty or begin with a dot; rename the folder."
            )
        case "uniqueItems":
            return f"{where} = {value}: a value is repeated; allowed are distinct values; delete the repetition."
        case _:
            return f"{where}: {error.message}; change the value."


def _numbers(value: Any, where: str = "") -> Iterator[tuple[str, float]]:
    """Yield (name, value) of every setting that is a float."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from _numbers(inner, f"{where}[{k}]")
    elif isinstance(value, float):
        yield where, value


def _is_positive_number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
