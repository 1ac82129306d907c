"""Pair the statements of the paper in statements.yaml with their measurements."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from sgd_valleys.claims.verdict import Claim, Estimate, Number, Side, Statement

OTHER = "other_"  # prefix of the keys of another experiment


@cache
def read_statements() -> dict[str, Any]:
    """Read statements.yaml."""
    return yaml.safe_load(files(__package__).joinpath("statements.yaml").read_text(encoding="utf-8"))


def pair(measured: Mapping[str, Estimate], words: Mapping[str, Any]) -> list[Claim]:
    """Pair the measurements with their statements, in the order of statements.yaml.

    Args:
        measured: by the key of the statement. A statement without a measurement has no claim. A key with the prefix
            ``OTHER`` and without a statement is the same number of the experiment ``words["other"]``.
        words: values of the placeholders in the statements.

    Raises:
        ValueError: a measurement has no statement.
    """
    stated = list(_entries())
    known = {key for _, key, _ in stated}
    same = ((f"{OTHER}{key}", entry["effect"]) for _, key, entry in stated)
    stated += [("", key, {"effect": f"{{other}}: {effect}"}) for key, effect in same if key not in known]
    if unknown := sorted(measured.keys() - {key for _, key, _ in stated}):
        raise ValueError(f"statements.yaml: no statement for the measurement {', '.join(unknown)}")
    return [
        Claim(parse_statement(key, entry, section, words), measured[key])
        for section, key, entry in stated
        if key in measured
    ]


def parse_statement(key: str, entry: Mapping[str, Any], section: str, words: Mapping[str, Any]) -> Statement:
    """Return a statement from its entry in statements.yaml, with the placeholders filled."""
    texts = {name: text.format(**words) for name, text in entry.items() if isinstance(text, str)}
    expected = parse_expectation(entry["expected"], words) if "expected" in entry else None
    return Statement(key, section=section, expected=expected, ours=entry.get("ours", False), **texts)


def parse_expectation(words: Mapping[str, Any], numbers: Mapping[str, Any]) -> Number | Side:
    """Return the paper's number or direction from an entry in statements.yaml, such as ``{rises: 0.0}``.

    Args:
        words: the entry.
        numbers: values of placeholders in the entry.

    Raises:
        ValueError: a key of the entry is unknown.
    """
    values = {name: float(str(word).format(**numbers)) for name, word in words.items()}
    match values:
        case {"number": value, **rest} if rest.keys() <= {"no_effect"}:
            return Number(value, **rest)
        case {"rises": null, **rest} if not rest:
            return Side(+1, null)
        case {"falls": null, **rest} if not rest:
            return Side(-1, null)
    raise ValueError(f"statements.yaml: {dict(words)} is no expectation")


def _entries() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield (section, key, entry) of every statement and number; a number has no section."""
    content = read_statements()
    for section, entries in content["sections"].items():
        yield from ((section, key, entry) for key, entry in entries.items())
    yield from (("", key, entry) for key, entry in content["numbers"].items())
