"""A claim of the paper, what was measured of it, and the one rule that makes a verdict of the two.

The rule. A claim says what would have been "no effect", and what the paper expects: a value, with a tolerance; that a
number is as good as a value ("to 1", "no difference"), with the tolerance that counts as good; or a direction, with the
least strength that the paper's words ask for. What was measured has a 95% interval and, where it is a trend over cells
or runs, the p-value of a permutation test as well. Then, the first that applies:

1. "undecided": there is no measurement or no interval, or the interval includes "no effect" (its ends count), or the
   p-value is 0.05 or more.
2. "agrees": a value, where it lies in the interval, or the measurement within the tolerance of it; as good as a value,
   where the whole interval is within the tolerance of it; a direction, where the whole interval lies on the claimed
   side of "no effect", at least as far from it as the strength says.
3. "agrees in direction": the measurement lies on the claimed side of "no effect", or on that of the paper's value.
4. "undecided": as good as a value, where the interval is only in part within the tolerance.
5. "disagrees": everything else.

A value without a "no effect", such as a time scale, agrees or disagrees, where it has an interval. A bound ("at most
b", as of a negligible barrier) is a direction whose "no effect" is b. What is exact (a closed form) is its own
interval.

The strengths, tolerances and bounds are this project's reading of the paper's words, set when first numbers were known:
judge a verdict by the numbers beside it. Of a rank correlation "rises" and "falls" ask for any size; "systematically",
"consistently", "progressively", "strongly" and "directly" for 0.5; "steadily" and "continuously" for 0.9. Each claim is
judged by itself: of many true ones at 95%, a few will miss by chance.
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
        tolerance: how far from it our number may be, whatever the interval.
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
        if low <= self.value <= high or _at_most(abs(ours - self.value), self.tolerance):
            return AGREES
        if null is not None and (ours > null) == (self.value > null):
            return DIRECTION
        return DISAGREES


@dataclass(frozen=True)
class Equal:
    """The number is as good as a value: a wide interval does not show that.

    Attributes:
        value: it.
        tolerance: what counts as good.
    """

    value: float
    tolerance: float
    no_effect: None = None

    def judge(self, ours: float, low: float, high: float) -> str:
        """The verdict on a measurement with an interval."""
        off = sorted(abs(bound - self.value) for bound in (low, high))
        if _at_most(off[1], self.tolerance):
            return AGREES
        if low <= self.value + self.tolerance and high >= self.value - self.tolerance:
            return UNDECIDED
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
        return AGREES if _at_most(self.strength, near) else DIRECTION


def _at_most(number: float, bound: float) -> bool:
    """But for rounding."""
    return number <= bound + 1e-9 * max(1, abs(bound))


SOME, MARKED, STEADY = 0.0, 0.5, 0.9  # strengths of a rank correlation, as the rule has the paper's words


def rises(strength: float) -> Direction:
    """A number above 0, such as a rank correlation of what goes up."""
    return Direction(+1, strength)


def falls(strength: float) -> Direction:
    """A number below 0."""
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
        p_value: of a permutation test that there is no trend, on the side that was measured.
        spread: the interval is the central 95% of single runs, not of the number.
    """

    value: float
    interval: tuple[float, float]
    samples: str
    method: str
    p_value: float | None = None
    spread: bool = False


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
        more: it is not a statement of the paper, but a check of it by other data, or in another way.
    """

    key: str
    where: str
    statement: str
    paper: str
    expected: Value | Equal | Direction
    measured: Estimate
    more: bool = False

    @property
    def paper_value(self) -> float | None:
        """The paper's number, where it gives one."""
        return None if isinstance(self.expected, Direction) else self.expected.value

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
        "more": claim.more,
        "expected": type(expected).__name__.lower(),
        "paper_value": _short(claim.paper_value),
    }
    if not isinstance(expected, Direction):
        entry |= {"tolerance": _short(expected.tolerance)}
    else:
        entry |= {"side": "above" if expected.side > 0 else "below", "strength": _short(expected.strength)}
    return entry | {
        "no_effect": _short(expected.no_effect),
        "ours": _short(measured.value),
        "interval": [_short(bound) for bound in measured.interval],
        "interval_of": "single runs" if measured.spread else "the number",
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
