"""Claims of the paper, measurements, and the one rule that gives the verdict.

The rule. A claim says what would have been "no effect", and what the paper expects: a value, with a tolerance; that a
number is as good as a value ("to 1", "no difference"), with the tolerance that counts as good; or a direction, with the
least strength that the paper's words ask for. What was measured has a 95% interval and, where it is a trend over cells
or runs, the p-value of a permutation test as well. Then, the first that applies:

1. "undecided": there is no measurement or no interval, which fewer than five independent runs do not have; or the
   interval includes "no effect" (its ends count); or the p-value is 0.05 or more.
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
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL

AGREES, DIRECTION, UNDECIDED, DISAGREES = "agrees", "agrees in direction", "undecided", "disagrees"
VERDICTS = (AGREES, DIRECTION, UNDECIDED, DISAGREES)
LEVEL = 0.05
NO_INTERVAL = (math.nan, math.nan)


@dataclass(frozen=True)
class Value:
    """The paper gives a number; any interval agrees if the measurement is within ``tolerance`` of it.

    ``no_effect`` is the measurement expected if the paper were wrong altogether; None where there is no such number.
    """

    value: float
    tolerance: float = 0.0
    no_effect: float | None = None

    def judge(self, measured: float, low: float, high: float) -> str:
        """Return the verdict on a measurement with interval (low, high)."""
        null = self.no_effect
        if null is not None and low <= null <= high:
            return UNDECIDED
        if low <= self.value <= high or _not_above(abs(measured - self.value), self.tolerance):
            return AGREES
        if null is not None and (measured > null) == (self.value > null):
            return DIRECTION
        return DISAGREES


@dataclass(frozen=True)
class Equal:
    """The number equals a value within a tolerance, which a wide interval does not show."""

    value: float
    tolerance: float
    no_effect: None = None

    def judge(self, measured: float, low: float, high: float) -> str:
        """Return the verdict on a measurement with interval (low, high); only the interval decides."""
        off = max(abs(bound - self.value) for bound in (low, high))
        if _not_above(off, self.tolerance):
            return AGREES
        if low <= self.value + self.tolerance and high >= self.value - self.tolerance:
            return UNDECIDED
        return DISAGREES


@dataclass(frozen=True)
class Direction:
    """The paper states on which ``side`` of ``no_effect`` the number lies, +1 above or -1 below.

    ``strength`` is the least distance from ``no_effect`` that the paper's words require.
    """

    side: int
    strength: float = 0.0
    no_effect: float = 0.0

    def judge(self, measured: float, low: float, high: float) -> str:
        """Return the verdict on a measurement with interval (low, high); only the interval decides."""
        near, far = sorted(self.side * (bound - self.no_effect) for bound in (low, high))
        if near <= 0 <= far:
            return UNDECIDED
        if far < 0:
            return DISAGREES
        return AGREES if _not_above(self.strength, near) else DIRECTION


def _not_above(number: float, bound: float) -> bool:
    """Compare up to rounding errors."""
    return number <= bound + 1e-9 * max(1, abs(bound))


# strengths of a rank correlation that the rule gives to the paper's words; a rounding error below 1 is monotone
STRENGTHS = {"any": 0.0, "moderate": 0.5, "strong": 0.9, "monotone": 0.999}


def rises(strength: float, no_effect: float = 0.0) -> Direction:
    """Expect a number above ``no_effect``, such as the rank correlation of a quantity that rises."""
    return Direction(+1, strength, no_effect)


def falls(strength: float, no_effect: float = 0.0) -> Direction:
    """Expect a number below ``no_effect``."""
    return Direction(-1, strength, no_effect)


at_least, at_most = partial(rises, 0.0), partial(falls, 0.0)  # expect a number above or below a bound
EXPECTATIONS = dict(value=Value, equal=Equal, rises=rises, falls=falls, at_least=at_least, at_most=at_most)  # by word


@dataclass(frozen=True)
class Estimate:
    """A measurement, which has no interval if fewer than ``MIN_RUNS_FOR_INTERVAL`` independent runs are behind it."""

    value: float  # NaN where it could not be measured
    interval: tuple[float, float]  # 95%, (low, high); NaN where there is none
    samples: str  # number and kind of the samples behind the number
    method: str  # statistics of the interval
    runs: float  # independent runs, of the cell with the fewest of several cells; infinite for a closed form
    p_value: float | None = None  # of a permutation test against the absence of a trend, on the side that was measured
    spread: bool = False  # whether the interval is the central 95% of single runs, not of the number

    def __post_init__(self) -> None:
        """Remove the interval of too few runs, the only place that does so for claims."""
        if self.runs < MIN_RUNS_FOR_INTERVAL:
            object.__setattr__(self, "interval", NO_INTERVAL)


@dataclass(frozen=True)
class Claim:
    """A statement of the paper (see statements.yaml), what it expects as numbers, and its measurement."""

    key: str
    where: str
    statement: str
    paper: str
    expected: Value | Equal | Direction
    measured: Estimate
    beyond_paper: bool = False

    @property
    def value(self) -> float:
        """The measured number."""
        return self.measured.value

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval (low, high) of the measured number."""
        return self.measured.interval

    @property
    def verdict(self) -> str:
        """The verdict by the rule of this module."""
        m = self.measured
        if not all(map(math.isfinite, (m.value, *m.interval))):
            return UNDECIDED
        if m.p_value is not None and not m.p_value < LEVEL:
            return UNDECIDED
        return self.expected.judge(m.value, *m.interval)


def to_json(claims: Mapping[str, Sequence[Claim]], made_by: Mapping[str, Any]) -> str:
    """Return the claims by section, the count of each verdict, and the rule, as JSON text.

    Numbers have 4 significant digits; NaN is null. ``made_by`` are the settings and versions behind the numbers.

    Raises:
        ValueError: two claims have the same key.
    """
    keys = Counter(claim.key for part in claims.values() for claim in part)
    if repeated := sorted(key for key, count in keys.items() if count > 1):
        raise ValueError(f"claims: more than one claim has the key {', '.join(repeated)}")
    content = {
        "rule": __doc__.split("\n\n", 1)[1].strip(),
        "verdicts": count_verdicts(claims),
        "claims": [{"section": section, **_entry(claim)} for section, part in claims.items() for claim in part],
        "made_by": made_by,
    }
    return json.dumps(content, indent=2, sort_keys=False) + "\n"


def count_verdicts(claims: Mapping[str, Sequence[Claim]]) -> dict[str, int]:
    """Return how many claims have each verdict."""
    counts = Counter(claim.verdict for part in claims.values() for claim in part)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def _entry(claim: Claim) -> dict[str, Any]:
    """Return a claim as types that JSON can hold."""
    expected, measured = claim.expected, claim.measured
    if isinstance(expected, Direction):
        side = "above" if expected.side > 0 else "below"
        paper = {"paper_value": None, "side": side, "strength": _round(expected.strength)}
    else:
        paper = {"paper_value": _round(expected.value), "tolerance": _round(expected.tolerance)}
    return {
        **{name: getattr(claim, name) for name in ("key", "where", "statement", "paper", "beyond_paper")},
        "expected": type(expected).__name__.lower(),
        **paper,
        "no_effect": _round(expected.no_effect),
        "value": _round(measured.value),
        "interval": [_round(bound) for bound in measured.interval],
        "interval_of": "single runs" if measured.spread else "the number",
        "p_value": _round(measured.p_value),
        "samples": measured.samples,
        "method": measured.method,
        "verdict": claim.verdict,
    }


def _round(number: float | None) -> float | None:
    """Round to 4 significant digits; None for a number that is not finite."""
    if number is None or not math.isfinite(number):
        return None
    return float(f"{number:.4g}")
