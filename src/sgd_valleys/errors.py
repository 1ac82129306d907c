"""The error that a user can correct; its message is shown without a traceback."""

from collections.abc import Iterable


class UserError(Exception):
    """A setting, a data file or a result is invalid; the message names it and states a remedy."""


def refuse_all(sentences: Iterable[str]) -> None:
    """Raise one ``UserError`` with all ``sentences``, each once and on its own line; without sentences, do nothing."""
    if lines := list(dict.fromkeys(sentences)):
        raise UserError("\n".join(lines))
