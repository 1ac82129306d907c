"""The error that a user can correct: its message is shown without a traceback."""

from collections.abc import Iterable


class UserError(Exception):
    """A setting, a data file or a result is not valid; the message says which, and what to do."""


def refuse_all(sentences: Iterable[str]) -> None:
    """Raise the sentences as one ``UserError``, each once and on a line of its own; none raises nothing."""
    if lines := list(dict.fromkeys(sentences)):
        raise UserError("\n".join(lines))
