"""The rule of the verdicts, from measurements made up for each of its cases."""

import numpy as np
import pytest
from helpers.claims import claim, content_of

from sgd_valleys.claims.verdict import (
    AGREES,
    DISAGREES,
    UNDECIDED,
    Claim,
    Control,
    Estimate,
    Number,
    Side,
    Statement,
    correct_p_values,
)
from sgd_valleys.statistics.rank import holm

RISES = Side(+1)


@pytest.mark.parametrize(
    ("expected", "low", "high", "verdict"),
    [
        # of the two questions, in this order: is "no effect" excluded, is the paper's number or side excluded
        (Side(+1), 0.1, 0.9, AGREES),
        (Side(+1), -0.1, 0.9, UNDECIDED),
        (Side(+1), 0.0, 0.9, UNDECIDED),  # the ends of the interval count
        (Side(+1), -0.9, 0.0, UNDECIDED),
        (Side(+1), -0.9, -0.1, DISAGREES),
        (Side(-1), -0.9, -0.1, AGREES),
        (Side(-1), 0.1, 0.9, DISAGREES),
        (Side(+1, 1.0), 1.1, 1.9, AGREES),
        (Side(-1, 0.5), 0.1, 0.5, UNDECIDED),
        (Number(0.64, 0.0), 0.5, 0.7, AGREES),
        (Number(0.64, 0.0), -0.1, 0.7, UNDECIDED),  # it includes both
        (Number(0.64, 0.0), 0.4, 0.6, DISAGREES),  # some effect, not the paper's
        (Number(0.64, 0.0), -0.1, 0.6, DISAGREES),  # "no effect" may be, the paper's number may not
        (Number(0.64, 0.0), 0.64, 0.7, AGREES),
        (Number(0.64), 0.5, 0.7, AGREES),
        (Number(0.64), 0.5, 0.63, DISAGREES),
        (Number(1.0), 1.0, 1.0 + 1e-12, AGREES),  # but for rounding errors
        (Number(1.0), np.nan, np.nan, UNDECIDED),
        (Side(+1), np.nan, np.nan, UNDECIDED),
    ],
)
def test_the_verdict_follows_from_two_questions(expected, low, high, verdict):
    assert claim(expected, 0.5, low, high).verdict == verdict


def test_the_size_of_an_effect_decides_nothing():
    assert claim(Side(+1), 1e-6, 1e-7, 2e-6).verdict == claim(Side(+1), 0.9, 0.8, 1.0).verdict == AGREES


def test_the_reason_is_the_question_that_decides():
    reasons = {
        "not measured, 10 runs": claim(Side(+1), np.nan, np.nan, np.nan),
        "fewer than 5 independent units, no interval": claim(Side(+1), 1.0, np.nan, np.nan),
        "the permutation test does not exclude chance": claim(Side(+1), 1.0, 0.5, 1.0, 0.3),
        "the interval excludes what the paper says": claim(Number(2.0), 1.0, 0.5, 1.5),
        'the interval includes "no effect", 0': claim(Side(+1), 1.0, -0.5, 1.5),
        "": claim(Side(+1), 1.0, 0.5, 1.5),
    }
    assert {reason: made.judged[1] for reason, made in reasons.items()} == {reason: reason for reason in reasons}


def test_too_few_runs_have_no_interval():
    assert np.isnan(Estimate(1.0, (0.9, 1.1), "4 runs", "", 4).interval).all()
    assert Estimate(1.0, (0.9, 1.1), "5 runs", "", 5).interval == (0.9, 1.1)


@pytest.mark.parametrize(("p_value", "verdict"), [(0.049, AGREES), (0.05, UNDECIDED), (np.nan, UNDECIDED)])
@pytest.mark.parametrize("side", [1, -1])
def test_a_trend_that_chance_explains_is_undecided(p_value, verdict, side):
    found = claim(Side(+1), 0.9 * side, 0.8 * side - 0.05, 0.8 * side + 0.15, p_value).verdict
    assert found == (DISAGREES if verdict == AGREES and side < 0 else verdict)


def test_holm_corrects_each_p_value_by_those_that_are_not_smaller():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, np.nan, 0.5]) == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
    assert holm([]).size == 0


def test_holm_keeps_chance_findings_of_a_family_rare():
    rng = np.random.default_rng(0)
    families = rng.random((2000, 8))
    assert np.mean([(holm(family) < 0.05).any() for family in families]) == pytest.approx(0.05, abs=0.015)
    assert np.mean((families < 0.05).any(axis=1)) > 0.3


def test_the_family_of_a_correction_is_all_tested_claims():
    def made(p_value, expected=RISES):
        return Claim(Statement("key", "so", expected=expected), Estimate(0.9, (0.8, 1.0), "", "", 10, p_value))

    family = correct_p_values([made(0.02), made(None), made(0.03), made(0.001, None)])  # the last one is not judged
    assert [each.corrected_p for each in family] == [pytest.approx(0.04), None, pytest.approx(0.04), None]
    assert [each.verdict for each in correct_p_values([made(0.02)] * 3)] == [UNDECIDED] * 3


def test_the_json_holds_everything_behind_a_verdict():
    beside = Control("gradient descent", 0.1, (0.05, np.nan))
    first = claim(Number(0.64, 0.0), 0.123456, 0.1, np.nan, unit="nat", controls=(beside,))
    second = claim(Side(-1), -0.9, -1, -0.8, 0.01, "b")
    number = claim(None, 3.0, 2.0, 4.0, key="number")
    content = content_of([first, second, number])
    one, other = content["claims"]
    assert content["verdicts"] == {DISAGREES: 0, UNDECIDED: 1, AGREES: 1}
    assert "two questions" in content["rule"]
    assert (one["paper_value"], one["side"], one["value"], one["interval"]) == (0.64, None, 0.1235, [0.1, None])
    assert one["controls"] == [{"text": "gradient descent", "value": 0.1, "interval": [0.05, None]}]
    assert (one["unit"], one["no_effect"], one["verdict"]) == ("nat", 0.0, UNDECIDED)
    assert (other["side"], other["no_effect"], other["p_value"], other["corrected_p"]) == ("below", 0.0, 0.01, 0.01)
    assert other["paper_value"] is None and other["verdict"] == AGREES and other["samples"] == "10 runs"
    (found,) = content["numbers"]
    assert found["key"] == "number" and "verdict" not in found
