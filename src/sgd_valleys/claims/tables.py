"""Tables of the claims, from the content of results/claims.json: Markdown for the docs, HTML for the report."""

import re
from collections.abc import Mapping
from html import escape
from itertools import groupby
from operator import itemgetter
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from sgd_valleys.claims.formatting import Entry, explain_verdict, format_expectation, format_measurement, symbols
from sgd_valleys.claims.statements import read_yaml
from sgd_valleys.errors import UserError
from sgd_valleys.markdown import table

Content = Mapping[str, Any]  # of results/claims.json

COLUMNS = ("verdict", "claim", "the paper says", "here [95% interval]", "of", "where")
MARKS = {"agrees": "✓", "agrees in direction": "↗", "undecided": "?", "disagrees": "✗"}
BEYOND_PAPER = "+"  # marks a claim that is not a statement of the paper
README_BLOCK = re.compile(r"(<!-- claims[^\n]*-->\n).*?(<!-- end of claims -->)", re.DOTALL)


def summary(content: Content) -> str:
    """Count the claims by verdict, in a sentence."""
    if not content["claims"]:
        return "No claim is judged: this run has none of the figures that state one."
    counts = [f"{count} {MARKS[verdict]} {verdict}" for verdict, count in content["verdicts"].items()]
    beyond = sum(claim["beyond_paper"] for claim in content["claims"])
    return (
        f"{len(content['claims'])} checks of what the paper says, {beyond} of them ({BEYOND_PAPER}) by other data or "
        f"otherwise than the paper's: {', '.join(counts)}."
    )


def answers(content: Content) -> list[tuple[str, str, list[Entry]]]:
    """Answer the questions for which there are claims, by the verdicts: (question, answer, claims)."""
    claims = {claim["key"]: claim for claim in content["claims"]}
    asked = read_yaml("questions.yaml")
    questions, other = dict(asked["questions"]), asked["other_experiment"]
    for key in claims:
        if key.endswith("_similarity_with_noise"):
            name = key.removesuffix("_similarity_with_noise")
            questions[other["question"].format(name)] = [each.format(name) for each in other["keys"]]
    found = ((question, [claims[key] for key in keys if key in claims]) for question, keys in questions.items())
    return [(question, _answer({claim["verdict"] for claim in used}), used) for question, used in found if used]


def _answer(verdicts: set[str]) -> str:
    """Sum up several verdicts in a few words."""
    if verdicts == {"agrees"}:
        return "yes"
    if verdicts <= {"agrees", "agrees in direction"}:
        return "yes, if not all as clearly"
    if verdicts == {"disagrees"}:
        return "no"
    if verdicts == {"undecided"}:
        return "undecided"
    return "in part" if "disagrees" in verdicts else "in part, the rest undecided"


def by_section(content: Content) -> dict[str, list[Entry]]:
    """Return the claims by the heading of their section."""
    return {section: list(claims) for section, claims in groupby(content["claims"], itemgetter("section"))}


def markdown(content: Content, level: int = 2) -> str:
    """Render the summary, the questions, and a table for each section under a heading of the given level."""
    parts = [summary(content), "\n".join(_questions(content))]
    for section, claims in by_section(content).items():
        rows = [(*_row(c), f"{c['samples']}; {c['method']}", c["where"]) for c in claims]
        parts.append("\n".join([f"{'#' * level} {section}", "", *table(COLUMNS, rows)]))
    return "\n\n".join(parts) + "\n"


def page(content: Content) -> str:
    """Render docs/claims.md: the tables, and the rule of the verdicts."""
    return (
        "# The paper's claims, checked\n\n"
        "Made by `snakemake --cores 1 publish` of a finished run at the scale of `config.yaml`; "
        "[claims.json](claims.json) has the numbers, the statistics behind each interval, and the versions they were "
        "made with.\n\n"
        f"{markdown(content)}\n## How a verdict is made\n\n{content['rule']}\n"
    )


def readme_section(content: Content) -> str:
    """Render the claims for the README: questions, counts by section, and a folded table of each section."""
    verdicts = list(content["verdicts"])
    lines = [summary(content), "", *_questions(content), ""]
    lines += [f"| | {' | '.join(f'{MARKS[v]} {v}' for v in verdicts)} |", "| --- " * 5 + "|"]
    for section, claims in by_section(content).items():
        lines.append(f"| {section} | {' | '.join(str(_count(claims, v)) for v in verdicts)} |")
    for section, claims in by_section(content).items():
        lines += ["", f"<details><summary>{escape(section)}</summary>", ""]
        lines += [*table(COLUMNS[:4], map(_row, claims)), "", "</details>"]
    return "\n".join(lines) + "\n"


def replace_readme_section(readme: str, content: Content) -> str:
    """Return the text of the README with the claims replaced.

    Raises:
        UserError: the README does not have exactly one place for the claims.
    """
    text, places = README_BLOCK.subn(lambda block: f"{block[1]}\n{readme_section(content)}\n{block[2]}", readme)
    if places != 1:
        raise UserError(
            f"publish: README.md has {places} places for the claims, from a line <!-- claims --> to one "
            "<!-- end of claims -->: it needs just one."
        )
    return text


def html(content: Content) -> str:
    """Render a fragment of HTML: answers, claims that do not simply agree, all claims by section, and the rule."""
    loader = PackageLoader(__package__, ".")
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "symbols": lambda text: Markup(symbols(text)),
        "expectation": format_expectation,
        "measurement": format_measurement,
        "explain": explain_verdict,
        "statement": _statement,
        "css": lambda verdict: verdict.replace(" ", "-"),
    }
    order = list(reversed(MARKS))
    differing = [claim for claim in content["claims"] if claim["verdict"] != "agrees"]
    return environment.get_template("claims.html.j2").render(
        summary=summary(content),
        answers=answers(content),
        differing=sorted(differing, key=lambda claim: order.index(claim["verdict"])),
        sections=by_section(content),
        verdicts=content["verdicts"],
        # numbered steps of the rule, or an empty list for a plain paragraph
        rule=[(text, re.split(r"(?:^|\n)\d\. ", text)[1:]) for text in content["rule"].split("\n\n")],
        count=_count,
        marks=MARKS,
        columns=COLUMNS,
    )


def _questions(content: Content) -> list[str]:
    """Render the questions and answers as the lines of a Markdown table."""
    rows = [(*answer, " ".join(MARKS[claim["verdict"]] for claim in used)) for *answer, used in answers(content)]
    return table(("in short", "here", "its claims"), rows)


def _row(claim: Entry) -> tuple[str, str, str, str]:
    """Return the first four columns of a claim."""
    verdict = f"{MARKS[claim['verdict']]} {claim['verdict']}"
    return verdict, _statement(claim), format_expectation(claim), format_measurement(claim)


def _statement(claim: Entry) -> str:
    return f"{BEYOND_PAPER} {claim['statement']}" if claim["beyond_paper"] else claim["statement"]


def _count(claims: list[Entry], verdict: str) -> int:
    return sum(claim["verdict"] == verdict for claim in claims)
