"""The error that a user can correct; its message is shown without a traceback.

A message reads ``setting = value: what is wrong; what is allowed; what to do.``
"""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A setting, a data file or a result is invalid; the message names it and states a remedy."""


def refuse_all(sentences: Iterable[str]) -> None:
    """Raise one ``UserError`` with all ``sentences``, each once and on its own line; without sentences, do nothing."""
    if lines := list(dict.fromkeys(sentences)):
        raise UserError("\n".join(lines))


def unknown_value(setting: str, value: object, known: Iterable[object]) -> str:
    """Return the message for a value that is none of the known ones."""
    names = list(map(str, known))
    allowed = f"allowed are {', '.join(names)}{suggest([value], names)}"
    return f"{setting} = {value!r}: unknown; {allowed}; choose one of these."


def out_of_range(setting: str, value: object, allowed: str) -> str:
    """Return the message for a value outside of the allowed values, a description in the plural."""
    return f"{setting} = {value!r}: out of range; allowed are {allowed}; change the value."


def suggest(values: Iterable[object], known: Iterable[str]) -> str:
    """Suggest the known names that are most similar to unknown values; empty if none is similar."""
    names = {name.lower(): name for name in reversed(list(known))}
    near = [names[match] for value in values for match in get_close_matches(str(value).lower(), names, 1)]
    return f" (did you mean {', '.join(near)}?)" if near else ""
