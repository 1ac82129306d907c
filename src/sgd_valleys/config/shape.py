"""Whether a configuration has the shape that the schema asks for: names, types, and ranges of single settings."""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import ValidationError, best_match

from sgd_valleys.config.sweep import canonical

GRID = "{first, last, points}, or a list of numbers"

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
    errors: dict[tuple, list[ValidationError]] = {}
    for error in _validator(schema).iter_errors(config):
        errors.setdefault(tuple(error.absolute_path), []).append(error)
    for _, found in sorted(errors.items(), key=lambda item: [str(part) for part in item[0]]):
        yield f"{_sentence(best_match(found))}."


@cache
def _validator(schema: Path) -> jsonschema.protocols.Validator:
    return _Validator(yaml.safe_load(schema.read_text(encoding="utf-8")))


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
            near = [match for key in unknown for match in get_close_matches(str(key), known, 1)]
            hint = f" (did you mean {', '.join(near)}?)" if near else ""
            names = ", ".join(map(str, unknown))
            return f"{where or 'the top level'} has no setting {names}: there are {', '.join(known)}{hint}"
        case "required":
            absent = [key for key in rule if key not in value]
            return f"{where or 'the top level'} lacks {', '.join(absent)}"
        case "enum":
            near = get_close_matches(str(value), list(map(str, rule)), 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            return f"{where} is {value!r}: it may be {', '.join(map(str, rule))}{hint}"
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
        case "oneOf":
            return f"{where} is {value!r}: it may be all, or a list of values of the sweep, each named once"
        case "anyOf":
            special = {"branches.eta": "same, or a number", "per_class": "all, or a whole number"}
            may = [text for end, text in special.items() if where.endswith(end)]
            return f"{where} is {value!r}: it may be {(*may, GRID)[0]} greater than 0"
        case "pattern" if where == "results":
            return f"{where} is {value!r}: it has to be a relative path of letters, digits, and the characters _ . - /"
        case "uniqueItems":
            return f"{where} names the same value twice: {value}"
        case _:
            return f"{where}: {error.message}"


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
