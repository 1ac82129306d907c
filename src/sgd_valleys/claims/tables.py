"""The claims as tables to read, from the content of results/claims.json: Markdown and HTML."""

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from sgd_valleys.markdown import table

Content = Mapping[str, Any]

COLUMNS = ("verdict", "claim", "the paper says", "here [95% interval]", "of", "where")
MARKS = {"agrees": "✓", "agrees in direction": "↗", "undecided": "?", "disagrees": "✗"}
OURS = "+"  # marks a check that is not a statement of the paper
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
.claims tr.differs { background: #f6f3ec; }
@media (min-width: 801px) {
  .claims table.rows { table-layout: fixed; }
  .claims table.rows th:nth-child(1) { width: 13%; }
  .claims table.rows th:nth-child(2) { width: 29%; }
  .claims table.rows th:nth-child(6) { width: 9%; }
  .claims .verdict { white-space: normal; }
}
@media (max-width: 800px) {
  .claims table.rows thead { display: none; }
  .claims table.rows, .claims table.rows tbody, .claims table.rows tr, .claims table.rows td { display: block; }
  .claims table.rows tr { border-bottom: 1px solid #bbb; padding: 0.4em 0; }
  .claims table.rows td { border: 0; padding: 0.1em 0.4em; }
  .claims table.rows td[data-name]::before { color: #555; content: attr(data-name) ": "; }
  .claims table.counts th, .claims table.counts td { font-size: 85%; padding: 0.2em; }
}
"""
# what a reader asks first, and the claims that answer it
QUESTIONS: dict[str, tuple[str, ...]] = {
    "Are solutions parted by barriers that grow with how unlike they are?": (
        "barrier_similar",
        "barrier_dissimilar",
        "barrier_falls",
    ),
    "Does more noise make solutions more diverse?": ("similarity_with_noise", "similarity_along_axes"),
    "Does more noise lead to flatter solutions?": (
        "max_flatness_with_noise",
        "max_flatness_along_axes",
        "mean_flatness_with_noise",
        "mean_flatness_along_axes",
    ),
    "Does more noise lead to solutions that generalize better, on the few test images of the paper?": (
        "max_test_accuracy_with_noise",
        "max_test_accuracy_along_axes",
        "mean_test_accuracy_with_noise",
        "mean_test_accuracy_along_axes",
        "accuracy_with_B",
    ),
    "... and on the whole test file?": (
        "max_test_file_accuracy_with_noise",
        "max_test_file_accuracy_along_axes",
        "mean_test_file_accuracy_with_noise",
        "mean_test_file_accuracy_along_axes",
        "test_file_accuracy_gain",
        "test_file_accuracy_with_B",
    ),
    "Does more noise prolong the transient phase?": (
        "eta_t_freeze_with_noise",
        "eta_t_freeze_along_axes",
        "freezing_with_B",
    ),
    "Does flatness grow along training, but for its start?": ("flatness_grows", "flatness_falls_first"),
    "Do runs jump between valleys before they freeze, and then no more?": (
        "jumps_before_freezing",
        "similarity_at_freezing",
        "one_valley_after",
    ),
    "Do later branches end in flatter valleys, with a lower test loss?": (
        "later_is_flatter",
        "later_generalizes",
        "branch_r_squared",
    ),
    "Does the simulated two-valley model end in the flat valley more often with more noise, and freeze later?": (
        "p_flat_with_eta_H",
        "p_flat_with_sigma_H",
        "p_flat_transition_H",
        "freezing_with_eta_H",
        "freezing_with_sigma_H",
    ),
    "Does its theory give what the simulation gives?": (
        "simulated_above_equilibrium",
        "theory_until_freezing",
        "transient_theory",
        "equilibrium_share",
    ),
}
ELSEWHERE = "Does another network on another data set, {}, show the same trends?"
TRENDS_ELSEWHERE = (
    "similarity",
    "max_flatness",
    "max_test_accuracy",
    "mean_test_accuracy",
    "mean_test_file_accuracy",
    "eta_t_freeze",
)


def told(claim: Mapping[str, Any]) -> str:
    """A claim's number here, its interval and p-value, to the digits that the interval's width leaves meaning."""
    value, (low, high) = claim["ours"], claim["interval"]
    if value is None:
        return "not measured"
    ends = [bound for bound in (low, high) if bound is not None]
    text = _rounded(value, ends if claim["method"] != "exact" else [])
    if _signed(claim):
        text = _of_either_slope(value, ends)
    if claim["interval_of"] == "single runs":
        text = text.replace("]", " of single runs]")
    if claim["p_value"] is None:
        return text
    return f"{text}, p {'≤ 0.001' if claim['p_value'] <= 0.001 else '= ' + format(claim['p_value'], '.2g')}"


def _signed(claim: Mapping[str, Any]) -> bool:
    """Whether the number is an R^2 with the sign of the slope."""
    return claim["paper"].startswith("R^2")


def _of_either_slope(value: float, ends: Sequence[float]) -> str:
    """An R^2 with its slope in words: "0.61 [0.32, 0.69], falling", "0.6 falling [0.9 falling, 0.1 rising]"."""
    if all(bound * value >= 0 for bound in ends):
        return f"{_rounded(abs(value), sorted(map(abs, ends)))}, {'falling' if value < 0 else 'rising'}"
    return re.sub(
        r"(-?)(\d+(?:\.\d+)?)", lambda found: f"{found[2]} {'falling' if found[1] else 'rising'}", _rounded(value, ends)
    )


def _rounded(value: float, ends: Sequence[float]) -> str:
    if len(ends) < 2:
        return f"{value:.3g}"
    low, high = ends
    width = high - low
    if width <= 0:
        return f"{value:.3g} [{low:.3g}, {high:.3g}]"
    if max(abs(low), abs(high), abs(value)) < 1e-3:
        return f"{value:.2g} [{low:.2g}, {high:.2g}]"
    largest = max(abs(low), abs(high), abs(value))
    digits = min(1 - math.floor(math.log10(width)), 2 - math.floor(math.log10(largest)))
    decimals = max(0, digits)  # two digits of the width, three of the number
    return f"{value:.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"


def asked(claim: Mapping[str, Any]) -> str:
    """What the paper says, and the border that the verdict asks for."""
    if claim["expected"] != "direction":
        return claim["paper"] + (f" (± {claim['tolerance']:.2g})" if claim["tolerance"] else "")
    sign, beyond, at = (+1, ">", "≥") if claim["side"] == "above" else (-1, "<", "≤")
    if not claim["strength"]:
        return f"{claim['paper']} ({beyond} {claim['no_effect']:.3g})"
    return f"{claim['paper']} ({at} {claim['no_effect'] + sign * claim['strength']:.3g})"


def reason(claim: Mapping[str, Any]) -> str:
    """Why a claim does not simply agree, in the words of the rule; nothing of one that does."""
    verdict, value, null = claim["verdict"], claim["paper_value"], claim["no_effect"]
    if verdict == "agrees":
        return ""
    if verdict == "undecided":
        if claim["ours"] is None:
            return "not measured"
        if None in claim["interval"]:
            return "no interval"
        if claim["p_value"] is not None and claim["p_value"] >= 0.05:
            return "chance gives as much"
        return "only in part within the tolerance" if null is None else f"the interval includes {null:.3g}"
    if claim["expected"] == "direction":
        if verdict == "disagrees":
            return "the other way round"
        border = claim["no_effect"] + claim["strength"] * (1 if claim["side"] == "above" else -1)
        low, high = claim["interval"]
        return "the interval includes less than that" if low <= border <= high else "less than that"
    if _signed(claim):
        return f"{'more' if abs(claim['ours']) > abs(value) else 'less'} than the paper's {abs(value):.3g}"
    return f"{'above' if claim['ours'] > value else 'below'} the paper's{f' {value:.3g}' if value else ''}"


def summary(content: Content) -> str:
    """How many claims have which verdict, in a sentence."""
    counts = [f"{count} {MARKS[verdict]} {verdict}" for verdict, count in content["verdicts"].items()]
    ours = sum(claim["more"] for claim in content["claims"])
    return (
        f"{len(content['claims'])} checks of what the paper says, {ours} of them ({OURS}) by other data or otherwise "
        f"than the paper's: {', '.join(counts)}."
    )


def answers(content: Content) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """(question, answer, claims) for the questions of which there are claims; the verdicts make the answer."""
    claims = {claim["key"]: claim for claim in content["claims"]}
    questions = dict(QUESTIONS)
    for key in claims:
        if key.endswith("_similarity_with_noise"):
            name = key.removesuffix("_similarity_with_noise")
            questions[ELSEWHERE.format(name)] = tuple(f"{name}_{each}_with_noise" for each in TRENDS_ELSEWHERE)
    found = []
    for question, keys in questions.items():
        if used := [claims[key] for key in keys if key in claims]:
            found.append((question, _answer({claim["verdict"] for claim in used}), used))
    return found


def _answer(verdicts: set[str]) -> str:
    """In a word what several verdicts come to."""
    if verdicts == {"agrees"}:
        return "yes"
    if verdicts <= {"agrees", "agrees in direction"}:
        return "yes, if not all as clearly"
    if verdicts == {"disagrees"}:
        return "no"
    if verdicts == {"undecided"}:
        return "undecided"
    return "in part, the rest undecided" if "disagrees" not in verdicts else "in part"


def by_section(content: Content) -> dict[str, list[Mapping[str, Any]]]:
    """The claims under the headings that they stand under."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for claim in content["claims"]:
        found.setdefault(claim["section"], []).append(claim)
    return found


def markdown(content: Content, level: int = 2) -> str:
    """The sentence, the questions, and a table for each section under a heading of a level."""
    parts = [summary(content), "\n".join(_questions(content))]
    for section, claims in by_section(content).items():
        rows = [
            (_marked(c), _statement(c), asked(c), told(c), f"{c['samples']}; {c['method']}", c["where"]) for c in claims
        ]
        parts.append("\n".join([f"{'#' * level} {section}", "", *table(COLUMNS, rows)]))
    return "\n\n".join(parts) + "\n"


def _questions(content: Content) -> list[str]:
    """Lines of a Markdown table: what a reader asks first, and the answers."""
    rows = [
        (question, answer, " ".join(MARKS[c["verdict"]] for c in used)) for question, answer, used in answers(content)
    ]
    return table(("in short", "here", "its claims"), rows)


def _statement(claim: Mapping[str, Any]) -> str:
    return f"{OURS} {claim['statement']}" if claim["more"] else claim["statement"]


def page(content: Content) -> str:
    """docs/claims.md: the tables, and how a verdict is made."""
    return (
        "# The paper's claims, checked\n\n"
        "Made by `snakemake --cores 1 publish` of a finished run at the scale of `config.yaml`; "
        "[claims.json](claims.json) has the numbers, the statistics behind each interval, and the versions they were "
        "made with.\n\n"
        f"{markdown(content)}\n## How a verdict is made\n\n{content['rule']}\n"
    )


def brief(content: Content) -> str:
    """For the README: the questions, the counts by section, and a table of each to unfold."""
    verdicts = list(content["verdicts"])
    lines = [summary(content), "", *_questions(content), ""]
    lines += [f"| | {' | '.join(f'{MARKS[v]} {v}' for v in verdicts)} |", "| --- " * 5 + "|"]
    for section, claims in by_section(content).items():
        counts = (str(sum(claim["verdict"] == v for claim in claims)) for v in verdicts)
        lines.append(f"| {section} | {' | '.join(counts)} |")
    for section, claims in by_section(content).items():
        lines += ["", f"<details><summary>{escape(section)}</summary>", ""]
        rows = [(_marked(c), _statement(c), asked(c), told(c)) for c in claims]
        lines += table(COLUMNS[:4], rows)
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def html(content: Content) -> str:
    """A fragment: what a reader asks first, what does not simply agree, the rule, and a table for each section."""
    sections = by_section(content)
    parts = [f"<style>{STYLE}</style>", f"<p>{escape(summary(content))}</p>", "<h3>In short</h3>", _short(content)]
    parts += ["<h3>What does not simply agree, and why</h3>", _differing(content)]
    parts += ["<h3>All claims, by their place in the paper</h3>", _counts(content)]
    parts.append('<p><a href="#rule">How a verdict is made</a> stands below the tables.</p>')
    for number, (section, claims) in enumerate(sections.items()):
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        lines = "".join(map(_row, claims))
        parts.append(
            f'<h3 id="claims-{number}">{symbols(section)}</h3><table class="rows"><thead><tr>{head}</tr></thead>'
            f"<tbody>{lines}</tbody></table>"
        )
    parts.append(f'<h3 id="rule">How a verdict is made</h3>{_rule(content["rule"])}')
    return f'<section class="claims">{"".join(parts)}</section>\n'


def _short(content: Content) -> str:
    lines = []
    for question, answer, used in answers(content):
        marks = " ".join(f'<a class="{_css(c["verdict"])}" href="#{c["key"]}">{MARKS[c["verdict"]]}</a>' for c in used)
        lines.append(f"<tr><td>{symbols(question)}</td><td><b>{answer}</b></td><td>{marks}</td></tr>")
    return f'<table class="short"><tbody>{"".join(lines)}</tbody></table>'


def _differing(content: Content) -> str:
    order = list(reversed(MARKS))  # what disagrees first
    found = [claim for claim in content["claims"] if claim["verdict"] != "agrees"]
    lines = []
    for claim in sorted(found, key=lambda claim: order.index(claim["verdict"])):
        statement = f'<a href="#{claim["key"]}">{symbols(_statement(claim))}</a>'
        cells = [
            ("", f'<span class="verdict {_css(claim["verdict"])}">{_marked(claim)}</span>'),
            ("", statement),
            (COLUMNS[2], symbols(asked(claim))),
            ("here", symbols(told(claim))),
            ("why", symbols(reason(claim))),
        ]
        lines.append(f"<tr>{_cells(cells)}</tr>")
    head = "".join(f"<th>{name}</th>" for name in (*COLUMNS[:4], "why"))
    return f'<table class="rows"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _counts(content: Content) -> str:
    verdicts = list(content["verdicts"])
    heads = "".join(f'<th class="{_css(v)}">{MARKS[v]} {v}</th>' for v in verdicts)
    rows = []
    for number, (section, claims) in enumerate(by_section(content).items()):
        counts = "".join(f'<td class="number">{sum(c["verdict"] == v for c in claims)}</td>' for v in verdicts)
        rows.append(f'<tr><td><a href="#claims-{number}">{symbols(section)}</a></td>{counts}</tr>')
    total = "".join(f'<td class="number"><b>{content["verdicts"][v]}</b></td>' for v in verdicts)
    rows.append(f"<tr><td><b>all {len(content['claims'])}</b></td>{total}</tr>")
    return f'<table class="counts"><tr><th></th>{heads}</tr>{"".join(rows)}</table>'


def _rule(text: str) -> str:
    """Paragraphs, and lists of what is numbered."""
    parts = []
    for paragraph in text.split("\n\n"):
        items = re.split(r"(?:^|\n)\d\. ", paragraph)[1:]
        if items:
            parts.append(f"<ol>{''.join(f'<li>{symbols(item)}</li>' for item in items)}</ol>")
        else:
            parts.append(f"<p>{symbols(paragraph)}</p>")
    return "".join(parts)


def _row(claim: Mapping[str, Any]) -> str:
    of = f'{symbols(claim["samples"])}<div class="small">{symbols(claim["method"])}</div>'
    cells = [
        ("", f'<span class="verdict {_css(claim["verdict"])}">{_marked(claim)}</span>'),
        ("", symbols(_statement(claim))),
        (COLUMNS[2], symbols(asked(claim))),
        ("here", symbols(told(claim))),
        (COLUMNS[4], of),
        (COLUMNS[5], symbols(claim["where"])),
    ]
    differs = "" if claim["verdict"] == "agrees" else ' class="differs"'
    return f'<tr id="{claim["key"]}"{differs}>{_cells(cells)}</tr>'


def _cells(cells: Sequence[tuple[str, str]]) -> str:
    """Cells of a row; their names stand before them where the window is too narrow for columns."""
    return "".join(f'<td data-name="{name}">{cell}</td>' if name else f"<td>{cell}</td>" for name, cell in cells)


def symbols(text: str) -> str:
    """Text as HTML, its symbols as the paper has them."""
    text = escape(text)
    text = re.sub(r"&lt;t_(\w+)&gt;", r"⟨t_\1⟩", text)
    text = re.sub(r"\beta\b", "η", text).replace("Delta_S", "Δ_S").replace("gamma", "γ").replace("sigma", "σ")
    text = re.sub(r"\b([A-Za-z]+|Δ)_(J|S|c|b|SGD|flat|freeze)\b", r"\1<sub>\2</sub>", text)
    text = re.sub(r"(&lt;|&gt;|[≥≤±]) ", "\\1\u00a0", text)  # a border stays beside its sign
    return re.sub(r"\b([RH])\^2", r"\1²", text)


def _marked(claim: Mapping[str, Any]) -> str:
    return f"{MARKS[claim['verdict']]} {claim['verdict']}"


def _css(verdict: str) -> str:
    return verdict.replace(" ", "-")
