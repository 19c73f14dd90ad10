"""The ways in which a fetch ends without a model."""


class LoaderError(RuntimeError):
    """The model was not fetched; the message is one line: what, where, the rule, the remedy."""


class UnreachableError(LoaderError):
    """The source does not answer; it may recover."""


class MissingError(LoaderError):
    """The source has no such file."""


class EmptyError(LoaderError):
    """The requested range begins after the end of the file."""


def reason(said: object) -> str:
    """Return a foreign message as one short line."""
    return " ".join(str(said).split())[:200]
