"""The one error that a user can mend: its message is a sentence to be shown without a traceback."""


class UserError(Exception):
    """Something in the settings, the data or the files at hand is not as it has to be."""
