"""The claims as tables to read, from the content of results/claims.json: Markdown and HTML."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from sgd_valleys.markdown import table

Content = Mapping[str, Any]

COLUMNS = ("where", "the paper says", "in numbers", "here [95% interval]", "of", "verdict")
MARKS = {"agrees": "✓", "agrees in direction": "↗", "undecided": "?", "disagrees": "✗"}
STYLE = """
.claims table { border-collapse: collapse; margin: 0.5em 0 1.5em; width: 100%; }
.claims th, .claims td { border-bottom: 1px solid #ddd; padding: 0.3em 0.6em; text-align: left; vertical-align: top; }
.claims th { border-bottom: 2px solid #888; }
.claims td.number { text-align: right; }
.claims .small { color: #555; font-size: 85%; }
.claims .verdict { white-space: nowrap; font-weight: 600; }
.claims .agrees { color: #00664a; }
.claims .agrees-in-direction { color: #00517f; }
.claims .undecided { color: #666; }
.claims .disagrees { color: #a33f00; }
"""


def told(claim: Mapping[str, Any]) -> str:
    """A claim's number here, its interval and p-value, to the digits that the interval's width leaves meaning."""
    value, (low, high) = claim["ours"], claim["interval"]
    if value is None:
        return "not measured"
    if low is None or high is None:
        return f"{value:.3g}"
    width = high - low
    if width <= 0:
        text = f"{value:.3g}" + ("" if low == value else f" [{low:.3g}, {high:.3g}]")
    elif max(abs(low), abs(high), abs(value)) < 1e-3:
        text = f"{value:.2g} [{low:.2g}, {high:.2g}]"
    else:  # two digits of the width
        decimals = max(0, 1 - math.floor(math.log10(width)))
        text = f"{value:.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"
    return text if claim["p_value"] is None else f"{text}, p = {claim['p_value']:.2g}"


def summary(content: Content) -> str:
    """How many claims have which verdict, in a sentence."""
    counts = [f"{count} {MARKS[verdict]} {verdict}" for verdict, count in content["verdicts"].items()]
    return f"{len(content['claims'])} statements of the paper: {', '.join(counts)}."


def by_section(content: Content) -> dict[str, list[Mapping[str, Any]]]:
    """The claims under the headings that they stand under."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for claim in content["claims"]:
        found.setdefault(claim["section"], []).append(claim)
    return found


def markdown(content: Content, level: int = 2) -> str:
    """The sentence, and a table for each section under a heading of a level."""
    parts = [summary(content)]
    for section, claims in by_section(content).items():
        rows = [(c["where"], c["statement"], c["paper"], told(c), c["samples"], _marked(c)) for c in claims]
        parts.append("\n".join([f"{'#' * level} {section}", "", *table(COLUMNS, rows)]))
    return "\n\n".join(parts) + "\n"


def page(content: Content) -> str:
    """docs/claims.md: the tables, and how a verdict is made."""
    return (
        "# The paper's claims, checked\n\n"
        "Made by `snakemake publish` of a finished run at the scale of `config.yaml`; [claims.json](claims.json) has "
        "the numbers, the statistics behind each interval, and the versions they were made with.\n\n"
        f"{markdown(content)}\n## How a verdict is made\n\n{content['rule']}\n"
    )


def brief(content: Content) -> str:
    """For the README: the counts by section, and a table of each to unfold."""
    verdicts = list(content["verdicts"])
    lines = [summary(content), "", f"| | {' | '.join(f'{MARKS[v]} {v}' for v in verdicts)} |", "| --- " * 5 + "|"]
    for section, claims in by_section(content).items():
        counts = (str(sum(claim["verdict"] == v for claim in claims)) for v in verdicts)
        lines.append(f"| {section} | {' | '.join(counts)} |")
    for section, claims in by_section(content).items():
        lines += ["", f"<details><summary>{escape(section)}</summary>", ""]
        rows = [(c["statement"], c["paper"], told(c), _marked(c)) for c in claims]
        lines += table((COLUMNS[1], COLUMNS[2], COLUMNS[3], COLUMNS[5]), rows)
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def html(content: Content) -> str:
    """A fragment: the counts by section, a table for each section, and the rule behind the verdicts."""
    verdicts, sections = list(content["verdicts"]), by_section(content)
    heads = "".join(f'<th class="{_css(v)}">{MARKS[v]} {v}</th>' for v in verdicts)
    rows = []
    for number, (section, claims) in enumerate(sections.items()):
        counts = "".join(f'<td class="number">{sum(c["verdict"] == v for c in claims)}</td>' for v in verdicts)
        rows.append(f'<tr><td><a href="#claims-{number}">{escape(section)}</a></td>{counts}</tr>')
    total = "".join(f'<td class="number"><b>{content["verdicts"][v]}</b></td>' for v in verdicts)
    rows.append(f"<tr><td><b>all {len(content['claims'])}</b></td>{total}</tr>")
    parts = [f"<style>{STYLE}</style>", f"<table><tr><th></th>{heads}</tr>{''.join(rows)}</table>"]
    for number, (section, claims) in enumerate(sections.items()):
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        lines = "".join(map(_row, claims))
        parts.append(f'<h3 id="claims-{number}">{escape(section)}</h3><table><tr>{head}</tr>{lines}</table>')
    rule = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in content["rule"].split("\n\n"))
    parts.append(f"<h3>How a verdict is made</h3>{rule}")
    return f'<section class="claims">{"".join(parts)}</section>\n'


def _row(claim: Mapping[str, Any]) -> str:
    cells = [
        escape(claim["where"]),
        escape(claim["statement"]),
        escape(claim["paper"]),
        f'{escape(told(claim))}<div class="small">{escape(claim["method"])}</div>',
        escape(claim["samples"]),
        f'<span class="verdict {_css(claim["verdict"])}">{_marked(claim)}</span>',
    ]
    return f'<tr id="{claim["key"]}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _marked(claim: Mapping[str, Any]) -> str:
    return f"{MARKS[claim['verdict']]} {claim['verdict']}"


def _css(verdict: str) -> str:
    return verdict.replace(" ", "-")
