"""The statements of the paper in statements.yaml, paired with their measurements."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from sgd_valleys.claims.verdict import EXPECTATIONS, STRENGTHS, Claim, Direction, Equal, Estimate, Value


@cache
def read_yaml(name: str) -> dict[str, Any]:
    """Read a YAML file of this subpackage."""
    return yaml.safe_load(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def make_claims(group: str, measured: Mapping[str, Estimate | None], **numbers: Any) -> list[Claim]:
    """Pair the statements of one group with their measurements.

    Args:
        group: key of the group in statements.yaml.
        measured: a measurement for the key of every statement; None omits its claim.
        **numbers: values of the placeholders in keys and statements.

    Raises:
        ValueError: a statement has no measurement, or a measurement has no statement.
    """
    statements = {key.format(**numbers): statement for key, statement in read_yaml("statements.yaml")[group].items()}
    if missing := sorted(statements.keys() - measured.keys()):
        raise ValueError(f"statements.yaml, {group}: no measurement of {', '.join(missing)}")
    if unknown := sorted(measured.keys() - statements.keys()):
        raise ValueError(f"statements.yaml, {group}: no statement for the measurement {', '.join(unknown)}")
    return [
        Claim(
            key,
            *(statement[part].format(**numbers) for part in ("where", "statement", "paper")),
            parse_expectation(statement["expected"], **numbers),
            measured[key],
            statement.get("beyond_paper", False),
        )
        for key, statement in statements.items()
        if measured[key] is not None
    ]


def parse_expectation(words: Mapping[str, Any], **numbers: Any) -> Value | Equal | Direction:
    """Return an expectation from its words in statements.yaml, such as ``{rises: strong}``."""
    kind, *_ = words
    values = {name: float(STRENGTHS.get(word, str(word).format(**numbers))) for name, word in words.items()}
    return EXPECTATIONS[kind](values.pop(kind), **values)
