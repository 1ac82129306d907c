"""Whether a configuration has the shape that the schema asks for: names, types, and ranges of single settings."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import ValidationError, best_match

from sgd_valleys.config.figures import STYLE, drawn_figure
from sgd_valleys.config.sweep import canonical

# 10.0 is no integer here: in a path it would be another name than 10
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def shape_errors(config: Mapping[str, Any], schema: Path) -> Iterator[str]:
    """Yield a sentence for every setting that does not have its shape.

    Args:
        config: all settings.
        schema: file of a JSON Schema, written as YAML.
    """
    for where, value in _numbers(config):
        if not math.isfinite(value):
            yield f"{where} is {value}: it has to be a finite number."
    drawn, figures = _read(schema), config["figures"]
    known = {name: each for name, each in drawn["properties"]["figures"]["properties"].items() if name != STYLE}
    yield from _drawn_errors(figures, known)
    errors: dict[tuple, list[ValidationError]] = {}
    for error in _Validator(_with_figures(drawn, figures)).iter_errors(config):
        errors.setdefault(tuple(error.absolute_path), []).append(error)
    for _, found in sorted(errors.items(), key=lambda item: [str(part) for part in item[0]]):
        yield f"{_sentence(best_match(found))}."


@cache
def _read(schema: Path) -> dict[str, Any]:
    return yaml.safe_load(schema.read_text(encoding="utf-8"))


def _drawn_errors(figures: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """Refuse figures that draw no figure of the paper, and names that a file cannot have."""
    for name, figure in figures.items():
        if name == STYLE or not isinstance(figure, Mapping):
            continue
        drawn = drawn_figure(name, figure)
        if not isinstance(drawn, str) or drawn not in known:
            where = f"figures.{name}.draw is {drawn!r}: it" if "draw" in figure else f"figures.{name} has no draw: that"
            yield f"{where} may be {', '.join(known)}{_hint([drawn], known)}."
        elif not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", str(name)):
            yield f"figures.{name}: a name has letters, digits and _, and begins with a letter."


def _with_figures(schema: dict[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with the shape of every figure of the configuration: that of the figure that it draws."""
    section = schema["properties"]["figures"]
    shapes = {STYLE: section["properties"][STYLE]}
    for name, figure in figures.items():
        if name != STYLE:
            known = section["properties"].get(drawn_figure(name, figure), {}) if isinstance(figure, Mapping) else {}
            shapes[name] = {"type": "object", **known}
            shapes[name]["properties"] = {"draw": {"type": "string"}, **known.get("properties", {})}
    return {**schema, "properties": {**schema["properties"], "figures": {**section, "properties": shapes}}}


def _sentence(error: ValidationError) -> str:
    """Say which setting is wrong, its value, and what it may be."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)[1:]
    value, rule = error.instance, error.validator_value
    match error.validator:
        case "type" if isinstance(value, str) and rule in ("number", "integer") and _is_positive_number(value):
            decimal = canonical(float(value))
            return f"{where} is the text '{value}': write it as a plain decimal, {decimal}; YAML reads 1e-3 as text"
        case "type":
            return f"{where} is {value!r}: it has to be of type {rule}"
        case "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            unknown = sorted(set(value) - set(known), key=str)
            names = ", ".join(map(str, unknown))
            there = f"there are {', '.join(known)}{_hint(unknown, known)}"
            return f"{where or 'the top level'} has no setting {names}: {there}"
        case "required":
            absent = [key for key in rule if key not in value]
            return f"{where or 'the top level'} lacks {', '.join(absent)}"
        case "enum":
            known = list(map(str, rule))
            return f"{where} is {value!r}: it may be {', '.join(known)}{_hint([value], known)}"
        case "minimum":
            return f"{where} is {value}: it has to be at least {rule}"
        case "maximum":
            return f"{where} is {value}: it may be at most {rule}"
        case "exclusiveMinimum":
            return f"{where} is {value}: it has to be greater than {rule}"
        case "minItems" | "minProperties":
            return f"{where} has {len(value)} entries: it needs at least {rule}"
        case "maxItems":
            return f"{where} has {len(value)} entries: it may have at most {rule}"
        case "oneOf" | "anyOf":
            return f"{where} is {value!r}: it may be {error.schema['description']}"
        case "pattern" if where == "results":
            return (
                f"{where} is {value!r}: it has to be a relative path of letters, digits, and the characters _ . - /, "
                "in which no name is empty or begins with a dot"
            )
        case "uniqueItems":
            return f"{where} names the same value twice: {value}"
        case _:
            return f"{where}: {error.message}"


def _hint(values: Iterable[Any], known: Iterable[str]) -> str:
    """Ask whether the known names nearest to wrong values are meant; empty where none is near."""
    known = list(known)
    near = [match for value in values for match in get_close_matches(str(value), known, 1)]
    return f" (did you mean {', '.join(near)}?)" if near else ""


def _numbers(value: Any, where: str = "") -> Iterator[tuple[str, float]]:
    """Yield every float among the settings with its name."""
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
