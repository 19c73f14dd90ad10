"""The one error type of the embedded default."""


class LocalError(Exception):
    """Something the user can act on: one line that says where, what was found, the rule and the remedy."""
