"""A claim's numbers as text, from its entry in results/claims.json, and the paper's symbols as HTML."""

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Entry = Mapping[str, Any]  # a claim in results/claims.json


def format_measurement(claim: Entry) -> str:
    """Format the measured number, its interval and p-value, to the digits that the interval's width supports."""
    value, ends = claim["value"], [bound for bound in claim["interval"] if bound is not None]
    if value is None:
        return "not measured"
    if _is_signed_r_squared(claim):
        text = _format_signed_r_squared(value, ends)
    else:
        text = _format_number(value, ends if claim["method"] != "exact" else [])
    if claim["interval_of"] == "single runs":
        text = text.replace("]", " of single runs]")
    if claim["p_value"] is None:
        return text
    return f"{text}, p {'≤ 0.001' if claim['p_value'] <= 0.001 else '= ' + format(claim['p_value'], '.2g')}"


def format_expectation(claim: Entry) -> str:
    """Format the paper's value or direction, with the tolerance or border that the verdict requires."""
    if claim["expected"] != "direction":
        return claim["paper"] + (f" (± {claim['tolerance']:.2g})" if claim["tolerance"] else "")
    above = claim["side"] == "above"
    sign = (">" if above else "<") if not claim["strength"] else ("≥" if above else "≤")
    return f"{claim['paper']} ({sign} {_border(claim):.3g})"


def explain_verdict(claim: Entry) -> str:
    """Say in the words of the rule why a claim does not simply agree; an empty text for one that agrees."""
    verdict, value, null = claim["verdict"], claim["paper_value"], claim["no_effect"]
    if verdict == "agrees":
        return ""
    if verdict == "undecided":
        if claim["value"] is None:
            return "not measured"
        if None in claim["interval"]:
            return "no interval"
        if claim["p_value"] is not None and claim["p_value"] >= 0.05:
            return "chance gives as much"
        return "only in part within the tolerance" if null is None else f"the interval includes {null:.3g}"
    if claim["expected"] == "direction":
        if verdict == "disagrees":
            return "the other way round"
        low, high = claim["interval"]
        return "the interval includes less than that" if low <= _border(claim) <= high else "less than that"
    if _is_signed_r_squared(claim):
        return f"{'more' if abs(claim['value']) > abs(value) else 'less'} than the paper's {abs(value):.3g}"
    return f"{'above' if claim['value'] > value else 'below'} the paper's{f' {value:.3g}' if value else ''}"


def symbols(text: str) -> str:
    """Convert text to HTML with the symbols of the paper."""
    text = escape(text)
    text = re.sub(r"&lt;t_(\w+)&gt;", r"⟨t_\1⟩", text)
    text = re.sub(r"\beta\b", "η", text).replace("Delta_S", "Δ_S").replace("gamma", "γ").replace("sigma", "σ")
    text = re.sub(r"\b([A-Za-z]+|Δ)_(J|S|c|b|SGD|flat|freeze)\b", r"\1<sub>\2</sub>", text)
    text = re.sub(r"(&lt;|&gt;|[≥≤±]) ", "\\1\u00a0", text)  # keeps a border beside its sign
    return re.sub(r"\b([RH])\^2", r"\1²", text)


def _border(claim: Entry) -> float:
    """Return the number beyond which the whole interval of a direction has to lie."""
    return claim["no_effect"] + claim["strength"] * (1 if claim["side"] == "above" else -1)


def _is_signed_r_squared(claim: Entry) -> bool:
    """Tell whether the number is an R^2 with the sign of the slope."""
    return claim["paper"].startswith("R^2")


def _format_signed_r_squared(value: float, ends: Sequence[float]) -> str:
    """Format an R^2 with its slope in words: "0.61 [0.32, 0.69], falling", "0.6 falling [0.9 falling, 0.1 rising]"."""
    if all(bound * value >= 0 for bound in ends):
        return f"{_format_number(abs(value), sorted(map(abs, ends)))}, {'falling' if value < 0 else 'rising'}"

    def with_slope(number: re.Match) -> str:
        return f"{number[2]} {'falling' if number[1] else 'rising'}"

    return re.sub(r"(-?)(\d+(?:\.\d+)?)", with_slope, _format_number(value, ends))


def _format_number(value: float, ends: Sequence[float]) -> str:
    """Format a number and its interval, to two digits of the interval's width and three of the number."""
    if len(ends) < 2:
        return f"{value:.3g}"
    low, high = ends
    width, largest = high - low, max(abs(low), abs(high), abs(value))
    if width <= 0:
        form = ".3g"
    elif largest < 1e-3:
        form = ".2g"
    else:
        digits = min(1 - math.floor(math.log10(width)), 2 - math.floor(math.log10(largest)))
        form = f".{max(0, digits)}f"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"
