"""A claim of the paper, what was measured of it, and the one rule that makes a verdict of the two.

The rule. A claim says what would have been "no effect", and what the paper expects: a value, with the tolerance within
which another experiment of the same kind may differ, or a direction, with the least strength that the paper's
words ask for. What was measured has a 95% interval and, where it is a trend over cells, the p-value of a permutation
test as well. Then, the first that applies:

1. "undecided": there is no measurement or no interval, or the interval includes "no effect" (its ends count), or the
   p-value is 0.05 or more.
2. "agrees": a value, where it lies in the interval or within the tolerance of it; a direction, where the interval lies
   on the claimed side of "no effect" and the measurement is at least as far from it as the strength says.
3. "agrees in direction": the interval lies on the claimed side, or on the side on which the paper's value lies.
4. "disagrees": everything else.

A value without a "no effect", such as a time scale, agrees, disagrees, or has no measurement. A bound ("at most b", as
of a negligible barrier) is a direction whose "no effect" is b. What is exact (a closed form) is its own interval. Each
claim is judged by itself: of many true ones at 95%, a few will miss by chance.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AGREES, DIRECTION, UNDECIDED, DISAGREES = "agrees", "agrees in direction", "undecided", "disagrees"
VERDICTS = (AGREES, DIRECTION, UNDECIDED, DISAGREES)
LEVEL = 0.05


@dataclass(frozen=True)
class Value:
    """The paper gives a number.

    Attributes:
        value: the number.
        tolerance: how far outside our interval it may lie.
        no_effect: what the measurement would be if the paper were wrong altogether; None where there is no such thing.
    """

    value: float
    tolerance: float = 0.0
    no_effect: float | None = None

    def judge(self, ours: float, low: float, high: float) -> str:
        """The verdict on a measurement with an interval."""
        null = self.no_effect
        if null is not None and low <= null <= high:
            return UNDECIDED
        if low - self.tolerance <= self.value <= high + self.tolerance:
            return AGREES
        if null is not None and (ours > null) == (self.value > null):
            return DIRECTION
        return DISAGREES


@dataclass(frozen=True)
class Direction:
    """The paper says on which side of ``no_effect`` the number lies.

    Attributes:
        side: +1 above, -1 below.
        strength: least distance from ``no_effect`` that the paper's words ask for.
        no_effect: the border.
    """

    side: int
    strength: float = 0.0
    no_effect: float = 0.0

    def judge(self, ours: float, low: float, high: float) -> str:
        """The verdict on a measurement with an interval."""
        near, far = sorted(self.side * (bound - self.no_effect) for bound in (low, high))
        if near <= 0 <= far:
            return UNDECIDED
        if far < 0:
            return DISAGREES
        return AGREES if self.side * (ours - self.no_effect) >= self.strength else DIRECTION


def rises(strength: float = 0.5) -> Direction:
    """A rank correlation above 0; "systematically" and the like ask for at least 0.5."""
    return Direction(+1, strength)


def falls(strength: float = 0.5) -> Direction:
    """A rank correlation below 0."""
    return Direction(-1, strength)


def at_least(bound: float) -> Direction:
    """A number above a bound."""
    return Direction(+1, no_effect=bound)


def at_most(bound: float) -> Direction:
    """A number below a bound."""
    return Direction(-1, no_effect=bound)


@dataclass(frozen=True)
class Estimate:
    """A measurement.

    Attributes:
        value: the number; NaN where the data hold none.
        interval: its 95% interval (low, high); NaN where there is none.
        samples: how many of what are behind it.
        method: the statistics that made the interval.
        p_value: of a permutation test that there is no trend.
    """

    value: float
    interval: tuple[float, float]
    samples: str
    method: str
    p_value: float | None = None


@dataclass(frozen=True)
class Claim:
    """A statement of the paper and what was measured of it.

    Attributes:
        key: its name in results/claims.json.
        where: section, figure or equation of the paper.
        statement: one sentence.
        paper: value or direction as the paper has it.
        expected: the same as numbers, for the verdict.
        measured: ours.
    """

    key: str
    where: str
    statement: str
    paper: str
    expected: Value | Direction
    measured: Estimate

    @property
    def paper_value(self) -> float | None:
        """The paper's number, where it gives one."""
        return self.expected.value if isinstance(self.expected, Value) else None

    @property
    def ours(self) -> float:
        """Our number."""
        return self.measured.value

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95% interval (low, high)."""
        return self.measured.interval

    @property
    def verdict(self) -> str:
        """By the rule of this module."""
        m = self.measured
        if not all(map(math.isfinite, (m.value, *m.interval))):
            return UNDECIDED
        if m.p_value is not None and not m.p_value < LEVEL:
            return UNDECIDED
        return self.expected.judge(m.value, *m.interval)


def to_json(claims: Mapping[str, Sequence[Claim]], made_by: Mapping[str, Any]) -> str:
    """The claims by section, how many have which verdict, and the rule, as JSON text; numbers to 4 digits, NaN as null.

    Args:
        claims: under the headings of their sections.
        made_by: settings and versions that they come from.

    Raises:
        ValueError: two claims have the same key.
    """
    keys = [claim.key for part in claims.values() for claim in part]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"more than one claim is called {', '.join(twice)}")
    content = {
        "rule": __doc__.split("\n\n", 1)[1].strip(),
        "verdicts": count_verdicts(claims),
        "claims": [{"section": section, **_entry(claim)} for section, part in claims.items() for claim in part],
        "made_by": made_by,
    }
    return json.dumps(content, indent=2, sort_keys=False) + "\n"


def count_verdicts(claims: Mapping[str, Sequence[Claim]]) -> dict[str, int]:
    """How many claims have which verdict."""
    return {
        verdict: sum(claim.verdict == verdict for part in claims.values() for claim in part) for verdict in VERDICTS
    }


def _entry(claim: Claim) -> dict[str, Any]:
    """A claim as what JSON can hold."""
    expected, measured = claim.expected, claim.measured
    entry = {
        "key": claim.key,
        "where": claim.where,
        "statement": claim.statement,
        "paper": claim.paper,
        "paper_value": _short(claim.paper_value),
    }
    if isinstance(expected, Value):
        entry |= {"tolerance": _short(expected.tolerance)}
    else:
        entry |= {"side": "above" if expected.side > 0 else "below", "strength": _short(expected.strength)}
    return entry | {
        "no_effect": _short(expected.no_effect),
        "ours": _short(measured.value),
        "interval": [_short(bound) for bound in measured.interval],
        "p_value": _short(measured.p_value),
        "samples": measured.samples,
        "method": measured.method,
        "verdict": claim.verdict,
    }


def _short(number: float | None) -> float | None:
    """To 4 digits, None where it is no number."""
    if number is None or not math.isfinite(number):
        return None
    return float(f"{number:.4g}")
