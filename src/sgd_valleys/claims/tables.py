"""Render tables of the claims from results/claims.json, as Markdown for the docs and HTML for the report."""

import re
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from sgd_valleys.claims.formatting import Entry, format_controls, format_measurement, symbols
from sgd_valleys.claims.verdict import DISAGREES
from sgd_valleys.markdown import bullets, escape, table

Content = Mapping[str, Any]  # of results/claims.json

COLUMNS = ("claim", "effect [95% interval]", "samples and method", "control", "verdict")
MARKS = {"disagrees": "✗", "undecided": "?", "agrees": "✓"}
OURS = "(added)"  # marks a claim that is checked with data that the paper does not have
FAILING = "Claims that disagree with the results"
NOTHING = "No claim is judged, because this run has none of the figures that support a claim."


def summary(content: Content) -> str:
    """Count the claims by verdict, in a sentence."""
    claims = content["claims"]
    if not claims:
        return NOTHING
    counts = [f"{count} {MARKS[verdict]} {verdict}" for verdict, count in content["verdicts"].items()]
    ours = sum(claim["ours"] for claim in claims)
    return (
        f"{len(claims)} claims of the paper: {', '.join(counts)}. {ours} of them {OURS} are checked with data "
        "that the paper does not have."
    )


def by_section(content: Content) -> dict[str, list[Entry]]:
    """Return the claims by the heading of their table: first those that disagree, then the others by section."""
    failing = [claim for claim in content["claims"] if claim["verdict"] == DISAGREES]
    others = [claim for claim in content["claims"] if claim["verdict"] != DISAGREES]
    sections = {section: list(claims) for section, claims in groupby(others, itemgetter("section"))}
    return ({FAILING: failing} if failing else {}) | sections


def findings(content: Content) -> list[Entry]:
    """Return the claims that the README shows, first those that disagree."""
    shown = [claim for claim in content["claims"] if claim["finding"]]
    return sorted(shown, key=lambda claim: claim["verdict"] != DISAGREES)


def markdown(content: Content, level: int = 2) -> str:
    """Render the summary, and a table for each section under a heading of the given level."""
    parts = [summary(content)]
    for section, claims in by_section(content).items():
        rows = ([escape(cell) for cell in _row(claim)] for claim in claims)
        parts.append("\n".join([f"{'#' * level} {section}", "", *table(COLUMNS, rows)]))
    return "\n\n".join(parts) + "\n"


def page(content: Content) -> str:
    """Render docs/claims.md: the tables, and the rule of the verdicts."""
    return (
        "# The paper's claims, checked\n\n"
        "Rule `publish` writes this page from a finished run of `config.yaml`.\n"
        "[claims.json](claims.json) has every measured number, with the versions behind it.\n"
        "The page [errata](errata.md) lists misprints and inconsistencies of the paper.\n\n"
        f"{markdown(content)}\n## Rule of the verdicts\n\n{content['rule']}\n"
    )


def findings_block(content: Content) -> list[str]:
    """Return the lines of the README's findings: the counts, and one line for each finding."""
    return [summary(content), "", *bullets(map(_finding, findings(content)))]


def numbers(content: Content) -> dict[str, str]:
    """Return every measured number with its interval, as Markdown, by its key."""
    return {each["key"]: escape(format_measurement(each)) for each in (*content["claims"], *content["numbers"])}


def _finding(claim: Entry) -> str:
    """Return a claim as one line, with its first control."""
    beside = [format_controls({**claim, "controls": claim["controls"][:1]})]
    compared = "; ".join(text for text in (claim["effect"], f"the paper: {claim['paper']}", *beside) if text)
    verdict = f"{MARKS[claim['verdict']]} **{claim['verdict']}**"
    return f"{verdict}, {claim['finding']}: {format_measurement(claim)} ({compared})"


def html(content: Content) -> str:
    """Render a fragment of HTML: the findings, all claims by section, and the rule."""
    loader = PackageLoader(__package__, ".")
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "symbols": lambda text: Markup(symbols(str(text))),
        "controls": format_controls,
        "measurement": format_measurement,
        "ours": _ours,
    }
    rule = [re.split(r"(?:^|\n)- ", text) for text in content["rule"].split("\n\n")]
    return environment.get_template("claims.html.j2").render(
        summary=summary(content),
        findings=findings(content),
        sections=by_section(content),
        rule=[(lines[0], lines[1:]) for lines in rule],  # a paragraph, or an empty one with its list
        marks=MARKS,
        columns=COLUMNS,
    )


def _row(claim: Entry) -> list[str]:
    """Return the table cells of a claim."""
    reason = f": {claim['reason']}" if claim["reason"] else ""
    return [
        f"{_ours(claim)} ({claim['where']}) `{claim['key']}`",
        f"**{format_measurement(claim)}**, {claim['effect']}; the paper: {claim['paper']}",
        f"{claim['samples']}; {claim['method']}",
        format_controls(claim),
        f"{MARKS[claim['verdict']]} {claim['verdict']}{reason}",
    ]


def _ours(claim: Entry) -> str:
    return f"{claim['statement']} {OURS}" if claim["ours"] else claim["statement"]
