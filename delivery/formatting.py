"""Formats numbers, times, digests and checks the same way in tables, lines and the live view."""

from collections.abc import Mapping
from typing import Any

from models.delivery import Arm, CheckResult

_DIGEST_SHOWN = 12
"""Hex digits of a digest that a table shows: enough to tell digests apart, and as many as registry pages show."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def duration(seconds: float) -> str:
    """Format seconds in the two largest units: `8 s`, `3 min 20 s`, `2 h 5 min`, `3 d`."""
    whole = max(0, round(seconds))
    for unit, size, lower, below in (
        (" d", _DAY, " h", _HOUR),
        (" h", _HOUR, " min", _MINUTE),
        (" min", _MINUTE, " s", 1),
    ):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size}{unit}" + (f" {rest}{lower}" if rest else "")
    return f"{whole} s"


def count(number: int) -> str:
    """Format a number with thousands separators."""
    return f"{number:,}"


def counted(number: int, thing: str) -> str:
    """Format a number with its noun, which gets a plural s unless the number is 1."""
    return f"{count(number)} {thing}{'' if number == 1 else 's'}"


def percent(arm: Arm | None) -> str:
    """Format the percentage of an arm's requests that were bad: `1.20 %`, or a dash if it has no requests."""
    return f"{100 * arm.bad / arm.total:.2f} %" if arm and arm.total else "-"


def bad_of(arm: Arm | None) -> str:
    """Format an arm's percentage of bad requests with its counts: `1.20 % (22 of 1,826)`."""
    return f"{percent(arm)} ({count(arm.bad)} of {count(arm.total)})" if arm and arm.total else "no requests"


def digest(image: str | None) -> str:
    """Shorten an image to the parts that differ between releases; None = the image that the stack builds."""
    if image is None:
        return "built here"
    repository, _, given = image.partition("@")
    kind, _, hexadecimal = given.partition(":")
    name = repository.rpartition("/")[2]
    return f"{name}@{kind}:{hexadecimal[:_DIGEST_SHOWN]}" if hexadecimal else image


def documents(checks: Mapping[str, CheckResult]) -> dict[str, Any]:
    """Return checks and their numbers as JSON data."""
    return {name: check.document() for name, check in checks.items()}
