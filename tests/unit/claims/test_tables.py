"""Tables and findings in Markdown and HTML."""

from dataclasses import replace
from xml.etree import ElementTree

from helpers.claims import claim, content_of

from sgd_valleys.claims import tables
from sgd_valleys.claims.verdict import Control, Number, Side


def made(key, expected, low, high, section, finding="", **how):
    found = claim(expected, (low + high) / 2, low, high, key=key, section=section, **how)
    return replace(found, stated=replace(found.stated, finding=finding))


CLAIMS = [
    made("true", Side(+1), 0.8, 1.0, "First <section>", controls=(Control("eta <t_freeze>", 0.5),)),
    made("false", Side(-1), 0.8, 1.0, "First <section>", "it falls"),
    made("open", Number(0.5, 0.0), -0.8, 1.0, "Second section", "it is there"),
    claim(None, 2.0, 1.0, 3.0, key="a_number"),
]
CONTENT = content_of(CLAIMS)


def test_claims_that_fail_stand_together_and_first():
    assert {section: [one["key"] for one in claims] for section, claims in tables.by_section(CONTENT).items()} == {
        tables.FAILING: ["false"],
        "First <section>": ["true"],
        "Second section": ["open"],
    }
    assert tables.FAILING not in tables.by_section(content_of(CLAIMS[:1]))


def test_the_markdown_has_a_row_for_each_claim_and_no_stray_columns():
    text = tables.markdown(CONTENT)
    assert text.startswith("3 claims of the paper: 1 ✗ disagrees, 1 ? undecided, 1 ✓ agrees. 0 of them (added) are")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 3 * 2 + 3
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}
    fails = rows[2]
    assert "Something \\| happens. (II A) `false`" in fails and "**0.90 [0.80, 1.00]**, so; the paper: so" in fails
    assert fails.endswith("| ✗ disagrees: the interval excludes what the paper says |")
    assert "eta &lt;t_freeze> " not in text and "eta &lt;t_freeze&gt;: 0.5" in text  # no tag of HTML
    assert text.index(f"## {tables.FAILING}") < text.index("## First") < text.index("## Second section")


def test_the_page_has_the_rule_and_leads_to_the_errata():
    page = tables.page(CONTENT)
    assert CONTENT["rule"] in page and "(errata.md)" in page and "(claims.json)" in page


def test_the_html_is_well_formed_and_has_every_claim_once():
    page = ElementTree.fromstring(tables.html(CONTENT))
    rows = [row for row in page.iter("tr") if row.get("id")]
    assert [row.get("id") for row in rows] == ["false", "true", "open"]
    first = " ".join("".join(rows[0].itertext()).split())
    assert "Something | happens." in first and "0.90 [0.80, 1.00]" in first and "✗ disagrees" in first
    assert [row.get("class") for row in rows] == ["fails", None, None]
    shown = [" ".join("".join(item.itertext()).split()) for item in page.find("ul[@class='findings']")]
    assert shown == ["✗ disagrees: it falls, 0.90 [0.80, 1.00]", "? undecided: it is there, 0.1 [-0.8, 1.0]"]
    assert {link.get("href")[1:] for link in page.iter("a")} <= {each.get("id") for each in page.iter()}
    steps = [item.text.split(":")[0] for item in page.findall("ul")[-1]]
    assert steps == ['"disagrees"', '"agrees"', '"undecided"']


def test_the_findings_are_lines_with_verdict_number_and_control():
    failing = made("false", Side(-1), 0.8, 1.0, "", "it falls", controls=(Control("null", 0.1), Control("more", 2)))
    lines = tables.findings_block(content_of([*CLAIMS[:1], CLAIMS[2], failing]))
    assert lines[0].startswith("3 claims of the paper") and lines[1] == ""
    assert lines[2:] == [
        "- ✗ **disagrees**, it falls: 0.90 [0.80, 1.00] (so; the paper: so; null: 0.1)",
        "- ? **undecided**, it is there: 0.1 [-0.8, 1.0] (so; the paper: so)",
    ]
