"""Errors that end a fetch without a model."""


class LoaderError(RuntimeError):
    """The model was not fetched; the message is one line: what, where, the rule, the remedy."""


class UnreachableError(LoaderError):
    """The source does not answer; it may recover."""


class MissingError(LoaderError):
    """The source has no such file."""


class EmptyError(LoaderError):
    """The requested range begins after the end of the file."""


def one_line(message: object) -> str:
    """Return the message of a library or a server as one line of at most 200 characters."""
    return " ".join(str(message).split())[:200]
