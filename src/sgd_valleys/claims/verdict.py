"""Claims of the paper, measured effects, and the rule that gives the verdict: ``RULE``."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sgd_valleys.statistics.rank import holm
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL

RULE = """
The verdict follows from two questions about the 95% interval of the effect. Does the interval exclude "no effect"? Does
it exclude what the paper says?

- "disagrees": the interval excludes what the paper says.
- "agrees": the interval excludes "no effect", but not what the paper says.
- "undecided": the interval excludes neither, or there is no interval.

The paper says a number, or a direction. A number is excluded if it lies outside the interval. A direction is excluded
if the whole interval lies on the other side of "no effect". Some numbers, such as a time, have no value of "no effect".
The first question is then left out. An interval needs five independent units, such as runs.

Trends over a map of cells have a permutation test of whole rows or columns as well. The p-values are corrected by Holm
over all such tests of the tables. A trend with a corrected p-value of 0.05 or more does not exclude "no effect".
""".strip()

AGREES, UNDECIDED, DISAGREES = "agrees", "undecided", "disagrees"
VERDICTS = (DISAGREES, UNDECIDED, AGREES)  # in the order of the tables
LEVEL = 0.05
NO_INTERVAL = (math.nan, math.nan)


@dataclass(frozen=True)
class Number:
    """The paper states a number.

    ``no_effect`` is the number without an effect; None if there is no such number.
    """

    value: float
    no_effect: float | None = None

    def is_excluded(self, low: float, high: float) -> bool:
        """Return whether the interval (low, high) excludes the paper's number, up to rounding errors."""
        margin = 1e-9 * max(1.0, abs(self.value))
        return not low - margin <= self.value <= high + margin


@dataclass(frozen=True)
class Side:
    """The paper states the ``side`` of ``no_effect`` on which the number lies, +1 above or -1 below."""

    side: int
    no_effect: float = 0.0

    def is_excluded(self, low: float, high: float) -> bool:
        """Return whether the interval (low, high) lies on the other side."""
        return high < self.no_effect if self.side > 0 else low > self.no_effect


@dataclass(frozen=True)
class Control:
    """A number to compare an effect with: gradient descent, a null, or another arm.

    Attributes:
        text: description of the number.
        value: the number; NaN where it could not be measured.
        interval: its 95% interval (low, high); NaN where there is none.
    """

    text: str
    value: float
    interval: tuple[float, float] = NO_INTERVAL


@dataclass(frozen=True)
class Estimate:
    """A measured effect; it has no interval for fewer than ``MIN_RUNS_FOR_INTERVAL`` independent units.

    Attributes:
        value: the effect; NaN where it could not be measured.
        interval: its 95% interval (low, high); NaN where there is none.
        samples: number and kind of the units over which the effect is measured.
        method: statistics of the effect and of the interval.
        runs: number of independent units; of several cells, the smallest number. Infinite for a stored interval, which
            is already NaN for too few units.
        p_value: one-sided p-value of a permutation test, on the side of the measured trend; None without a test.
        spread: whether the interval is the central 95% of single runs, and not of the number.
        controls: numbers to compare the effect with.
    """

    value: float
    interval: tuple[float, float]
    samples: str
    method: str
    runs: float
    p_value: float | None = None
    spread: bool = False
    controls: tuple[Control, ...] = ()

    def __post_init__(self) -> None:
        """Remove the interval for too few runs."""
        if self.runs < MIN_RUNS_FOR_INTERVAL:
            object.__setattr__(self, "interval", NO_INTERVAL)

    def beside(self, *controls: Control) -> "Estimate":
        """Return this estimate with additional controls."""
        return replace(self, controls=(*self.controls, *controls))

    def as_control(self, text: str) -> Control:
        """Return this number as the control of another number."""
        return Control(text, self.value, self.interval)


@dataclass(frozen=True)
class Statement:
    """An entry of statements.yaml.

    Attributes:
        key: name of the number in results/claims.json.
        section: heading of the table; empty for a number that is not judged.
        where: place in the paper.
        statement: the paper's statement.
        paper: the value or the direction that the paper states.
        effect: description of the measured number.
        unit: unit of the number; 1 without a unit.
        expected: number or direction that the paper states, for the verdict; None for a number that is not judged.
        finding: short form for the README; empty for most.
        ours: whether the statement is checked with data that the paper does not have.
    """

    key: str
    effect: str
    section: str = ""
    where: str = ""
    statement: str = ""
    paper: str = ""
    unit: str = "1"
    expected: Number | Side | None = None
    finding: str = ""
    ours: bool = False


@dataclass(frozen=True)
class Claim:
    """A statement with its measurement.

    Attributes:
        stated: the statement.
        measured: the effect.
        corrected_p: p-value of the effect, corrected over the family of claims; None without a test.
    """

    stated: Statement
    measured: Estimate
    corrected_p: float | None = None

    @property
    def key(self) -> str:
        """The key of the statement."""
        return self.stated.key

    @property
    def judged(self) -> tuple[str, str]:
        """The verdict by ``RULE``, and its reason; both are empty for a number that is not judged."""
        expected, measured = self.stated.expected, self.measured
        if expected is None:
            return "", ""
        low, high = measured.interval
        if not math.isfinite(measured.value):
            return UNDECIDED, f"not measured, {measured.samples}"
        if not (math.isfinite(low) and math.isfinite(high)):
            return UNDECIDED, f"fewer than {MIN_RUNS_FOR_INTERVAL} independent units, no interval"
        if self.corrected_p is not None and not self.corrected_p < LEVEL:
            return UNDECIDED, "the permutation test does not exclude chance"
        if expected.is_excluded(low, high):
            return DISAGREES, "the interval excludes what the paper says"
        if expected.no_effect is not None and low <= expected.no_effect <= high:
            return UNDECIDED, f'the interval includes "no effect", {expected.no_effect:.3g}'
        return AGREES, ""

    @property
    def verdict(self) -> str:
        """The verdict alone."""
        return self.judged[0]


def correct_p_values(claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims with p-values corrected by Holm, over all judged claims that have a p-value."""
    known = {k: each.measured.p_value for k, each in enumerate(claims) if each.stated.expected}
    tested = {k: p for k, p in known.items() if p is not None}
    found = list(claims)
    for k, p in zip(tested, holm(list(tested.values())), strict=True):
        found[k] = replace(found[k], corrected_p=float(p))
    return found


def to_json(claims: Sequence[Claim], made_by: Mapping[str, Any]) -> str:
    """Return the claims, the other numbers, the count of each verdict and the rule, as JSON text.

    Numbers have 4 significant digits; NaN is null.

    Args:
        claims: claims and numbers that are not judged.
        made_by: the settings and versions behind the numbers.
    """
    judged = [claim for claim in claims if claim.stated.expected is not None]
    content = {
        "rule": RULE,
        "verdicts": count_verdicts(claims),
        "claims": [_entry(claim) | _judgement(claim) for claim in judged],
        "numbers": [_entry(claim) for claim in claims if claim.stated.expected is None],
        "made_by": made_by,
    }
    return json.dumps(content, indent=2, sort_keys=False) + "\n"


def count_verdicts(claims: Sequence[Claim]) -> dict[str, int]:
    """Return how many claims have each verdict."""
    counts = Counter(claim.verdict for claim in claims)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def _entry(claim: Claim) -> dict[str, Any]:
    """Return a number as types that JSON can hold."""
    measured = claim.measured
    return {
        "key": claim.key,
        "effect": claim.stated.effect,
        "unit": claim.stated.unit,
        "value": _round(measured.value),
        "interval": [_round(bound) for bound in measured.interval],
        "interval_of": "single runs" if measured.spread else "the number",
        "samples": measured.samples,
        "method": measured.method,
        "controls": [
            {"text": each.text, "value": _round(each.value), "interval": [_round(bound) for bound in each.interval]}
            for each in measured.controls
        ],
    }


def _judgement(claim: Claim) -> dict[str, Any]:
    """Return the statement and the verdict as types that JSON can hold."""
    stated, expected = claim.stated, claim.stated.expected
    assert expected is not None  # a number that is not judged has no verdict
    verdict, reason = claim.judged
    names = ("section", "where", "statement", "paper", "finding", "ours")
    return {
        **{name: getattr(stated, name) for name in names},
        "paper_value": expected.value if isinstance(expected, Number) else None,
        "side": {+1: "above", -1: "below"}[expected.side] if isinstance(expected, Side) else None,
        "no_effect": _round(expected.no_effect),
        "p_value": _round(claim.measured.p_value),
        "corrected_p": _round(claim.corrected_p),
        "verdict": verdict,
        "reason": reason,
    }


def _round(number: float | None) -> float | None:
    """Round to 4 significant digits; None for a number that is not finite."""
    if number is None or not math.isfinite(number):
        return None
    return float(f"{number:.4g}")
