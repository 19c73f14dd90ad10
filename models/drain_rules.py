"""Rules about telling the server how long it may drain, which depend on several blocks of a service."""

from collections.abc import Iterator

from models.lifecycle import Drain


def faults(drain: Drain, *, own_arguments: bool, owned: bool) -> Iterator[str]:
    """Yield one line for each of ``drain.args`` and ``drain.env`` that cannot tell the server its time.

    Args:
        drain: The time limits, and how the server learns them.
        own_arguments: Whether the service sets ``command`` or ``args``.
        owned: Whether the server is Slipway's own.
    """
    given = [field for field in ("args", "env") if getattr(drain, field) is not None]
    if owned:
        yield from (
            f"drain.{field}: Slipway's own server reads the time from its settings file; remove it" for field in given
        )
    elif drain.args and not own_arguments:
        yield (
            "drain.args: without command or args, they would replace the image's own arguments; set args to those of "
            "the image, or use drain.env"
        )
