"""The one error type of the embedded default."""


class LocalError(Exception):
    """An error that the user can act on: one line with the place, what was found, the rule and the remedy."""
