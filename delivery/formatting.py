"""Numbers, times, digests and checks as every report shows them, so that tables, lines and the live view agree."""

from collections.abc import Mapping
from typing import Any

from models.delivery import Arm, CheckResult

_DIGEST_SHOWN = 12
"""Hex digits of a digest that a table shows: enough to tell any two apart, and what registries' pages show."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def duration(seconds: float) -> str:
    """Say seconds in the two largest units: `8 s`, `3 min 20 s`, `2 h 5 min`, `3 d`."""
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
    """Say a number with its thousands apart."""
    return f"{number:,}"


def counted(number: int, thing: str) -> str:
    """Say how many of a thing, with the plural's s."""
    return f"{count(number)} {thing}{'' if number == 1 else 's'}"


def percent(arm: Arm | None) -> str:
    """Say what part of an arm's requests was bad: `1.20 %`, or a dash where none was counted."""
    return f"{100 * arm.bad / arm.total:.2f} %" if arm and arm.total else "-"


def bad_of(arm: Arm | None) -> str:
    """Say an arm with its numbers: `1.20 % (22 of 1,826)`."""
    return f"{percent(arm)} ({count(arm.bad)} of {count(arm.total)})" if arm and arm.total else "no requests"


def digest(image: str | None) -> str:
    """Shorten an image to what differs between releases; none = the one that the stack builds."""
    if image is None:
        return "built here"
    repository, _, given = image.partition("@")
    kind, _, hexadecimal = given.partition(":")
    name = repository.rpartition("/")[2]
    return f"{name}@{kind}:{hexadecimal[:_DIGEST_SHOWN]}" if hexadecimal else image


def documents(checks: Mapping[str, CheckResult]) -> dict[str, Any]:
    """Return checks with their numbers as JSON data."""
    return {name: check.document() for name, check in checks.items()}
