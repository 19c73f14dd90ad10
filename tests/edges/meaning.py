"""What a number, a duration or a quantity means, read without the models, and how a place in a manifest is read.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from tests.edges.plain import is_list, is_map
from tests.rendering import Object

_QUANTITY = re.compile(r"\+?([0-9]*)\.?([0-9]*)(?:([numkMGTPE]|[KMGTPE]i|)|[eE]([+-]?[0-9]+))")
_DECIMAL = {suffix: 10**power for suffix, power in zip("kMGTPE", range(3, 19, 3), strict=True)}
_BINARY = {f"{suffix}i": 1024**power for power, suffix in enumerate("KMGTPE", 1)}
_SMALL = {"m": 1000, "u": 10**6, "n": 10**9}
_UNITS = {"h": 3600, "m": 60, "s": 1}


def amount(value: Any) -> Fraction:
    """Return a quantity's exact value.

    Raises:
        ValueError: it is none.
    """
    found = _QUANTITY.fullmatch(str(value))
    if found is None or not found[1] + found[2]:
        raise ValueError(f"no quantity: {value!r}")
    number, suffix = Fraction(int(found[1] + found[2]), 10 ** len(found[2])), found[3] or ""
    if found[4]:
        return number * Fraction(10) ** int(found[4])
    return number / _SMALL[suffix] if suffix in _SMALL else number * {**_DECIMAL, **_BINARY, "": 1}[suffix]


def seconds(value: Any) -> int:
    """Return the seconds of a duration such as 1m30s."""
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)([hms])", str(value)))


def same(value: Any) -> Any:
    """Return the value itself."""
    return value


def text_of_seconds(value: Any) -> str:
    """Return a duration as Prometheus and HTTPRoutes write it."""
    return f"{seconds(value)}s"


def text_of_number(value: Any) -> str:
    """Return a duration as nginx's annotations write it: seconds without a unit."""
    return str(seconds(value))


def text_of_bytes(value: Any) -> str:
    """Return an amount as nginx's annotations write it: whole bytes, rounded up."""
    return str(ceil(amount(value)))


def folder(value: Any) -> str:
    """Return a path as a mount has it: without a slash at its end."""
    return str(value).rstrip("/")


def user_id(value: Any) -> int | None:
    """Return the id of a user; None = the image's or the cluster's, which no manifest names."""
    return value if isinstance(value, int) else None


@dataclass(frozen=True)
class Meant:
    """The place of a field's value in a manifest."""

    kind: str
    name: str
    path: str
    """Keys and places in lists, separated by spaces."""
    meaning: Callable[[Any], Any] = same

    def found(self, manifest: Object) -> Any:
        """Return what stands at the place."""
        at: Any = manifest
        for step in self.path.split():
            at = at[int(step)] if is_list(at) else at.get(step)
        return self.read(at)

    def read(self, value: Any) -> Any:
        """Return a manifest's value in a form that can be compared."""
        return amount(value) if self.meaning is amount else value


def strays(sent: Any, stored: Any, at: str = "") -> Iterator[str]:
    """Yield each value that the API server would store otherwise than it was sent; amounts are compared as numbers."""
    if is_map(sent):
        held = stored if is_map(stored) else {}
        for key, value in sent.items():
            yield from strays(value, held.get(key), f"{at}.{key}") if key != "stringData" else ()
    elif is_list(sent) and is_list(stored) and len(sent) == len(stored):
        for place, pair in enumerate(zip(sent, stored, strict=True)):
            yield from strays(*pair, f"{at}.{place}")
    elif sent != stored and sent not in ([], "") and not _equal_amounts(sent, stored):
        yield f"{at}: sent {str(sent)[:80]!r}, would be stored as {str(stored)[:80]!r}"


def _equal_amounts(sent: Any, stored: Any) -> bool:
    try:
        return amount(sent) == amount(stored)
    except ValueError:
        return False
