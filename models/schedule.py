"""Cron expressions and time zones, as KEDA reads them.

KEDA parses both expressions of a cron trigger with robfig/cron v3 and five fields, without descriptors such as
``@daily``: https://keda.sh/docs/latest/scalers/cron/ and ``parser.go`` of https://github.com/robfig/cron. Its webhook
accepts every text; the trigger fails later, at each evaluation. ``cronsim`` checks the ranges here. It also accepts
Debian's extensions (seconds, ``7``, ``L``, ``#``), which KEDA does not, so this module excludes them first.
"""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Annotated

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator

from models.errors import nearest

_FIELDS = {
    "minute": ("0-59", r"[0-9]{1,2}"),
    "hour": ("0-23", r"[0-9]{1,2}"),
    "day": ("1-31", r"[0-9]{1,2}"),
    "month": ("1-12 or JAN-DEC", r"[0-9]{1,2}|[A-Za-z]{3}"),
    "day of the week": ("0-6 (Sunday is 0) or SUN-SAT", r"[0-6]|[A-Za-z]{3}"),
}
"""The values of each field, and their form."""
_FORMS = "with *, lists (1,3), ranges (1-5) and steps (*/2)"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""The start time that CronSim requires. This module never asks for the next run."""


def times(expression: str) -> tuple[Collection[object], ...]:
    """Return the minutes, hours, days, months and days of the week of a cron expression.

    Raises:
        ValueError: KEDA would refuse the expression, or no day matches it.
    """
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            "a cron expression has five fields: minute, hour, day, month, day of the week; write them as in "
            "30 7 * * 1-5"
        )
    for place, (text, name) in enumerate(zip(fields, _FIELDS, strict=True)):
        rest = ["*"] * len(fields)
        rest[place] = text
        if not _is_field(text, _FIELDS[name][1]) or _parsed(rest) is None:
            raise ValueError(f"{text} is not valid for the {name}; write {_FIELDS[name][0]}, {_FORMS}")
    found = _parsed(fields)
    if found is None:
        raise ValueError("no month has such a day, so KEDA would never find a time; correct the day or month")
    return found.minutes, found.hours, found.days, found.months, found.weekdays


def _parsed(fields: Sequence[str]) -> CronSim | None:
    """Return the expression as cronsim reads it, or None. KEDA reads ``?`` as ``*``."""
    try:
        return CronSim(" ".join(fields).replace("?", "*"), _EPOCH)
    except CronSimError:
        return None


def _is_field(text: str, value: str) -> bool:
    """Return whether a field is a list of items: a value, a range or ``*``, each with a step or without one."""
    item = rf"(?:[*?]|(?:{value})(?:-(?:{value}))?)(?:/[0-9]{{1,2}})?"
    return re.fullmatch(rf"{item}(?:,{item})*", text) is not None


def _cron(value: str) -> str:
    times(value)
    return value


@cache
def _time_zones() -> frozenset[str]:
    """Return the time zone names of the IANA database, from the package ``tzdata``: a machine may have no database."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split()) - {"Factory"}


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        hint = nearest(value.title(), _time_zones()) if "/" in value else ""
        raise ValueError(f"not a time zone of the IANA database{hint or '; set a name such as Europe/Berlin or UTC'}")
    return value


Cron = Annotated[str, AfterValidator(_cron)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
