"""The error that a user can correct: its message is shown without a traceback."""


class UserError(Exception):
    """A setting, a data file or a result is not valid; the message says which, and what to do."""
