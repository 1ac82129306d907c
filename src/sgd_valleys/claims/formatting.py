"""Format numbers of results/claims.json as text, and the paper's symbols as HTML."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

Entry = Mapping[str, Any]  # a claim, a number or a control in results/claims.json


def format_measurement(entry: Entry) -> str:
    """Format a measured number, its interval, unit and corrected p-value, to the digits that the interval supports."""
    value, ends = entry["value"], _ends(entry)
    if value is None:
        return "not measured"
    text = _form(entry)(value, ends)
    if entry["interval_of"] == "single runs":
        text = text.replace("]", " of single runs]")
    if entry["unit"] != "1":
        text = f"{text} {entry['unit']}"
    if (p := entry.get("corrected_p")) is not None:
        text = f"{text}, p {'< 0.001' if p < 0.001 else '= ' + format(p, '.2g')} (Holm)"
    return text


def format_with_error(value: float, error: float) -> str:
    """Format a number and its standard error, to two digits of the error, such as "0.907 ± 0.011"."""
    if not math.isfinite(value):
        return "none"
    if not (math.isfinite(error) and error > 0):
        return f"{value:.3g}"
    form = f".{max(0, 1 - math.floor(math.log10(error)))}f"
    return f"{value:{form}} ± {error:{form}}"


def format_controls(entry: Entry) -> str:
    """Format the controls of an effect that could be measured."""
    known = (each for each in entry["controls"] if each["value"] is not None)
    form = _form(entry)
    return "; ".join(f"{each['text']}: {form(each['value'], _ends(each))}" for each in known)


def _form(entry: Entry) -> Callable[[float, Sequence[float]], str]:
    """Return the function that formats the number of an entry."""
    return _format_signed_r_squared if entry["effect"].startswith("R^2") else _format_number


def symbols(text: str) -> str:
    """Convert text to HTML with the symbols of the paper."""
    text = escape(text)
    text = re.sub(r"&lt;t_(\w+)&gt;", r"⟨t_\1⟩", text)
    text = re.sub(r"\beta\b", "η", text).replace("Delta_S", "Δ_S").replace("gamma", "γ").replace("sigma", "σ")
    text = re.sub(r"\b([A-Za-z]+|Δ)_(J|S|c|f|b|SGD|flat|freeze|max)\b", r"\1<sub>\2</sub>", text)
    text = re.sub(r"(&lt;|&gt;|[≥≤±]) ", "\\1\u00a0", text)  # keeps a number on the line of its sign
    return re.sub(r"\b([RH])\^2", r"\1²", text)


def _ends(entry: Entry) -> list[float]:
    return [bound for bound in entry["interval"] if bound is not None]


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
