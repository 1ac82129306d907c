"""Tables of claims in Markdown and HTML."""

from xml.etree import ElementTree

import pytest
from helpers.claims import claim, content_of

from sgd_valleys.claims import tables
from sgd_valleys.claims.verdict import AGREES, DIRECTION, DISAGREES, UNDECIDED, falls, rises
from sgd_valleys.errors import UserError

TWO_SECTIONS = {
    "First <section>": [claim(rises(0.5), 0.9, 0.8, 1.0), claim(falls(0.5), 0.9, 0.8, 1.0, key="false")],
    "Second section": [claim(rises(0.5), 0.9, -0.8, 1.0, key="open")],
}


def test_the_markdown_has_a_row_for_each_claim_and_no_stray_columns():
    text = tables.markdown(content_of(TWO_SECTIONS))
    assert text.startswith("3 checks of what the paper says, 0 of them (+) by") and "1 ✓ agrees, 0 ↗" in text
    rows = [line for line in text[text.index("## First") :].splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 2 + 2 + 1
    assert {line.replace("\\|", "").count("|") for line in rows} == {7}
    assert rows[2].startswith("| ✓ agrees |") and rows[3].startswith("| ✗ disagrees |")
    assert text.index("## First <section>") < text.index(rows[2]) < text.index("## Second section")


def test_the_html_is_well_formed_counts_by_section_and_says_why():
    page = ElementTree.fromstring(tables.html(content_of(TWO_SECTIONS)))
    short, differing, counts, first, second = page.findall("table")
    assert short.findall("tbody/tr") == []  # none of these claims answers a question
    assert [["".join(cell.itertext()) for cell in row.findall("td")] for row in differing.findall("tbody/tr")] == [
        ["✗ disagrees", "Something | happens.", "so (≤\u00a0-0.5)", "0.90 [0.80, 1.00]", "the other way round"],
        ["? undecided", "Something | happens.", "so (≥\u00a00.5)", "0.9 [-0.8, 1.0]", "the interval includes 0"],
    ]
    shown = [[cell.text or "".join(cell.itertext()) for cell in row.findall("td")] for row in counts.findall("tr")[1:]]
    assert shown == [
        ["First <section>", "1", "0", "0", "1"],
        ["Second section", "0", "0", "1", "0"],
        ["all 3", *"1011"],
    ]
    assert [row.get("id") for table in (first, second) for row in table.findall("tbody/tr")] == [
        "made_up",
        "false",
        "open",
    ]
    assert {link.get("href")[1:] for link in page.iter("a")} <= {each.get("id") for each in page.iter()}
    (steps,) = page.findall("ol")
    assert [item.text.partition('"')[2].partition('"')[0] for item in steps.findall("li")] == [
        UNDECIDED,
        AGREES,
        DIRECTION,
        UNDECIDED,
        DISAGREES,
    ]


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [
        ((AGREES, AGREES), "yes"),
        ((AGREES, DIRECTION), "yes, if not all as clearly"),
        ((AGREES, UNDECIDED), "in part, the rest undecided"),
        ((AGREES, DISAGREES), "in part"),
        ((DISAGREES, DISAGREES), "no"),
        ((UNDECIDED, UNDECIDED), "undecided"),
    ],
)
def test_questions_are_answered_by_verdicts(verdicts, answer):
    made = {
        AGREES: (0.9, 0.8, 1.0),
        DIRECTION: (0.6, 0.2, 1.0),
        UNDECIDED: (0.9, -0.8, 1.0),
        DISAGREES: (-0.9, -1.0, -0.8),
    }
    keys = ("flatness_grows", "flatness_falls_first")
    content = content_of({"": [claim(rises(0.5), *made[v], key=key) for v, key in zip(verdicts, keys, strict=True)]})
    ((question, found, used),) = tables.answers(content)
    assert question.startswith("Does flatness grow") and found == answer
    assert [one["verdict"] for one in used] == list(verdicts)


def test_the_question_about_another_experiment_names_it():
    content = content_of({"": [claim(rises(0.5), 0.9, 0.8, 1.0, key="cifar10_similarity_with_noise")]})
    assert [question for question, *_ in tables.answers(content)] == [
        "Does another network on another data set, cifar10, show the same trends?"
    ]


def test_the_readme_has_its_claims_replaced():
    content = content_of(TWO_SECTIONS)
    readme = "Before.\n<!-- claims: of a run -->\nold\n<!-- end of claims -->\nAfter.\n"
    section = tables.readme_section(content)
    new = f"Before.\n<!-- claims: of a run -->\n\n{section}\n<!-- end of claims -->\nAfter.\n"
    assert tables.replace_readme_section(readme, content) == new
    assert tables.replace_readme_section(new, content) == new
    for wrong, places in (("No claims.", 0), (2 * readme, 2)):
        with pytest.raises(UserError, match=f"{places} places"):
            tables.replace_readme_section(wrong, content)
