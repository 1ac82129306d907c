"""The rule of the verdicts, from measurements made up for each of its cases."""

import numpy as np
import pytest
from helpers.claims import claim, content_of

from sgd_valleys.claims.verdict import (
    AGREES,
    DIRECTION,
    DISAGREES,
    UNDECIDED,
    Direction,
    Equal,
    Value,
    at_least,
    at_most,
    falls,
    rises,
    to_json,
)


@pytest.mark.parametrize(
    ("expected", "value", "low", "high", "verdict"),
    [
        (Value(0.64), 0.5, 0.4, 0.64, AGREES),  # at the interval's end
        (Value(0.64), 0.5, 0.4, 0.63, DISAGREES),
        (Value(0.625, 0.125), 0.5, 0.4, 0.55, AGREES),  # at the tolerance's end
        (Value(0.625, 0.12), 0.5, 0.4, 0.55, DISAGREES),
        (Value(0.895, 0.005), 0.89, 0.89, 0.89, AGREES),  # but for rounding
        (Equal(1.0, 0.05), 0.98, 0.96, 1.0, AGREES),
        (Equal(1.0, 0.05), 0.98, 0.9, 1.0, UNDECIDED),  # few runs do not make it so
        (Equal(0.0, 0.02), -0.06, -0.08, -0.05, DISAGREES),
        (Equal(0.0, 0.02), 0.0, np.nan, np.nan, UNDECIDED),
        (Value(0.64, no_effect=0.0), 0.5, 0.4, 0.6, DIRECTION),
        (Value(0.64, no_effect=0.0), 0.5, 0.0, 0.7, UNDECIDED),  # even where it includes the paper's value
        (Value(0.64, no_effect=0.0), -0.5, -0.6, -0.4, DISAGREES),
        (Value(-0.64, no_effect=0.0), -0.5, -0.6, -0.4, DIRECTION),
        (Value(1.0), 1.0, np.nan, np.nan, UNDECIDED),
        (rises(0.5), 0.7, 0.5, 0.9, AGREES),  # just as strong as claimed
        (rises(0.5), 0.7, 0.49, 0.9, DIRECTION),
        (rises(0.5), 0.6, 0.0, 0.9, UNDECIDED),
        (rises(0.5), -0.6, -0.9, 0.0, UNDECIDED),
        (rises(0.5), -0.6, -0.9, -0.1, DISAGREES),
        (rises(0), 0.01, 0.001, 0.02, AGREES),
        (falls(0.5), -0.7, -0.9, -0.5, AGREES),
        (falls(0.5), 0.6, 0.1, 0.9, DISAGREES),
        (at_most(1.0), 0.5, 0.3, 0.9, AGREES),
        (at_most(1.0), 0.5, 0.3, 1.0, UNDECIDED),
        (at_most(1.0), 1.5, 1.1, 1.9, DISAGREES),
        (at_least(1.0), 1.5, 1.1, 1.9, AGREES),
        (Direction(+1, 0.5, no_effect=1.0), 1.4, 1.3, 1.6, DIRECTION),
        (rises(0.5), np.nan, np.nan, np.nan, UNDECIDED),
        (at_most(0.5), 0.1, np.nan, np.nan, UNDECIDED),  # one measurement decides nothing
    ],
)
def test_the_verdict_follows_from_the_numbers(expected, value, low, high, verdict):
    assert claim(expected, value, low, high).verdict == verdict


@pytest.mark.parametrize(("p_value", "verdict"), [(0.049, AGREES), (0.05, UNDECIDED), (np.nan, UNDECIDED)])
def test_a_trend_that_chance_explains_is_undecided(p_value, verdict):
    assert claim(rises(0.5), 0.9, 0.8, 1.0, p_value).verdict == verdict


def test_a_chance_trend_against_the_claim_is_undecided_too():
    assert claim(rises(0.5), -0.9, -1.0, -0.8, 0.2).verdict == UNDECIDED
    assert claim(rises(0.5), -0.9, -1.0, -0.8, 0.01).verdict == DISAGREES


def test_the_json_holds_everything_behind_a_verdict():
    first = claim(Value(0.64, 0.05, 0.0), 0.123456, 0.1, np.nan)
    content = content_of({"a": [first], "b": [claim(falls(0.5), -0.9, -1, -0.8, 0.01, "b")]})
    first, second = content["claims"]
    assert content["verdicts"] == {AGREES: 1, DIRECTION: 0, UNDECIDED: 1, DISAGREES: 0}
    assert "tolerance" in content["rule"]
    assert (first["paper_value"], first["tolerance"], first["value"], first["interval"]) == (
        0.64,
        0.05,
        0.1235,
        [0.1, None],
    )
    assert (second["side"], second["strength"], second["no_effect"], second["p_value"]) == ("below", 0.5, 0.0, 0.01)
    assert second["paper_value"] is None and second["verdict"] == AGREES and second["samples"] == "10 runs"


def test_two_claims_with_one_key_are_refused():
    with pytest.raises(ValueError, match="made_up"):
        to_json({"one": [claim(rises(0.5), 1, 1, 1)], "another": [claim(rises(0.5), 1, 1, 1)]}, {})
