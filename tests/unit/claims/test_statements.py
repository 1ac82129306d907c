"""Statements of the paper in YAML, paired with made-up measurements."""

import pytest

from sgd_valleys.claims.statements import make_claims, parse_expectation, read_yaml
from sgd_valleys.claims.verdict import Direction, Equal, Estimate, Value

ONE = Estimate(1.0, (0.9, 1.1), "10 runs", "made up", 10)


def test_a_claim_has_the_numbers_of_the_settings_in_its_key_and_statement():
    (found,) = make_claims("freezing_thresholds", {"freezing_at_L_c_0.2": ONE}, threshold=0.2)
    assert found.key == "freezing_at_L_c_0.2" and "at L_c = 0.2," in found.statement
    assert found.where == "II C, Fig. S3" and found.measured is ONE and not found.beyond_paper
    assert found.expected == Direction(+1, 0.5)


def test_a_statement_without_measurement_is_refused():
    with pytest.raises(ValueError, match="spectra: no measurement of spectrum_as_printed"):
        make_claims("spectra", {"spectrum_few_large": ONE, "spectrum_many_near_zero": ONE}, N=10)


def test_a_measurement_without_statement_is_refused():
    with pytest.raises(ValueError, match="longer_is_flatter: no statement for the measurement shorter_is_sharper"):
        make_claims("longer_is_flatter", {"longer_is_flatter": ONE, "shorter_is_sharper": ONE})


def test_a_claim_can_be_omitted_on_purpose():
    measured = {"spectrum_few_large": ONE, "spectrum_many_near_zero": None, "spectrum_as_printed": ONE}
    assert [one.key for one in make_claims("spectra", measured, N=10)] == ["spectrum_few_large", "spectrum_as_printed"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"rises": "strong"}, Direction(+1, 0.9)),
        ({"falls": "any"}, Direction(-1, 0.0)),
        ({"rises": 0.4, "no_effect": 0.5}, Direction(+1, 0.4, 0.5)),
        ({"at_least": 10}, Direction(+1, no_effect=10.0)),
        ({"at_most": "{bound}"}, Direction(-1, no_effect=0.1 + 0.2)),
        ({"value": 0.64, "tolerance": 0.05, "no_effect": 0}, Value(0.64, 0.05, 0.0)),
        ({"equal": 1.0, "tolerance": 0.05}, Equal(1.0, 0.05)),
    ],
)
def test_an_expectation_is_written_in_words(words, expected):
    assert parse_expectation(words, bound=0.1 + 0.2) == expected


@pytest.mark.parametrize("words", [{"grows": "any"}, {"rises": "a lot"}, {"equal": 1.0}])
def test_an_expectation_in_unknown_words_is_refused(words):
    with pytest.raises((KeyError, ValueError, TypeError)):
        parse_expectation(words)


def test_the_claims_that_answer_a_question_have_a_statement():
    templates = {key for group in read_yaml("statements.yaml").values() for key in group}
    stated = {key.format(axis=axis, noise="H", threshold=0.1) for key in templates for axis in ("eta", "sigma")}
    questions = read_yaml("questions.yaml")
    keys = {key for keys in questions["questions"].values() for key in keys}
    keys |= {key.removeprefix("{}_") for key in questions["other_experiment"]["keys"]}
    assert keys <= stated
