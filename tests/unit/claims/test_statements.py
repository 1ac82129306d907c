"""Statements of the paper in YAML, paired with made-up measurements."""

import re

import pytest
from helpers.claims import WORDS

from sgd_valleys.claims.statements import pair, parse_expectation, read_statements
from sgd_valleys.claims.verdict import Estimate, Number, Side

ONE = Estimate(1.0, (0.9, 1.1), "10 runs", "made up", 10)


def every_entry():
    content = read_statements()
    judged = {key: entry for entries in content["sections"].values() for key, entry in entries.items()}
    return judged, content["numbers"]


def test_there_are_at_most_45_claims_and_no_key_twice():
    judged, numbers = every_entry()
    assert 40 <= len(judged) <= 45
    assert not judged.keys() & numbers.keys()


def test_every_claim_says_what_is_stated_where_and_what_is_measured():
    judged, numbers = every_entry()
    for key, entry in judged.items():
        assert entry.keys() >= {"where", "statement", "effect", "paper", "expected"}, key
        assert entry["statement"].endswith("."), key
    assert all(entry.keys() == {"effect"} for entry in numbers.values())


def test_a_statement_has_one_idea_in_few_words():
    judged, _ = every_entry()
    for key, entry in judged.items():
        for text in (entry["statement"], entry["effect"]):
            assert len(text.split()) <= 25, (key, text)


def test_claims_stand_in_the_order_of_the_paper_with_their_numbers_filled_in():
    found = pair({"reference_freezing": ONE, "barrier_falls": ONE, "flatness_grows": ONE}, WORDS)
    assert [each.key for each in found] == ["barrier_falls", "reference_freezing", "flatness_grows"]
    _, freezing, number = found
    assert "(eta, B) = (0.05, 50)" in freezing.stated.statement and freezing.measured is ONE
    assert freezing.stated.expected == Number(440.0) and freezing.stated.unit == "iterations"
    assert freezing.stated.section.startswith("The transient phase") and not freezing.stated.ours
    assert number.stated.section == "" and number.stated.expected is None and number.verdict == ""


def test_the_same_number_of_another_experiment_names_it_and_is_not_judged():
    found = pair({"other_flatness": ONE, "other_barrier_falls": ONE}, WORDS)
    assert [(each.key, each.verdict) for each in found] == [
        ("other_flatness", "undecided"),
        ("other_barrier_falls", ""),
    ]
    assert found[1].stated.effect == "fashion: rank correlation of barrier and Sim_J, random pairs"


def test_a_measurement_without_statement_is_refused():
    with pytest.raises(ValueError, match="no statement for the measurement shorter_is_sharper"):
        pair({"barrier_falls": ONE, "shorter_is_sharper": ONE}, WORDS)


def test_every_statement_is_complete_once_its_numbers_are_filled_in():
    judged, numbers = every_entry()
    found = pair(dict.fromkeys([*judged, *numbers], ONE), WORDS)
    assert len(found) == len(judged) + len(numbers)
    for each in found:
        shown = (each.stated.statement, each.stated.effect, each.stated.paper, each.stated.finding)
        assert not re.search(r"[{}]", " ".join(shown)), each.key


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"rises": 0.0}, Side(+1, 0.0)),
        ({"falls": 0.5}, Side(-1, 0.5)),
        ({"rises": "{bound}"}, Side(+1, 0.1 + 0.2)),
        ({"number": -0.64, "no_effect": 0}, Number(-0.64, 0.0)),
        ({"number": 1.0}, Number(1.0)),
    ],
)
def test_an_expectation_is_written_in_words(words, expected):
    assert parse_expectation(words, {"bound": 0.1 + 0.2}) == expected


@pytest.mark.parametrize(
    "words", [{"grows": 0}, {"rises": "a lot"}, {"number": 1, "tolerance": 0.1}, {"falls": 0, "no_effect": 1}]
)
def test_an_expectation_in_unknown_words_is_refused(words):
    with pytest.raises(ValueError):
        parse_expectation(words, {})


def test_about_ten_findings_are_for_the_readme():
    judged, _ = every_entry()
    assert 8 <= sum("finding" in entry for entry in judged.values()) <= 12
