"""Kubernetes resource quantities: what the API server accepts, and how to compare and add them.

Source: apimachinery's ``resource.Quantity`` (decimal SI suffixes n u m k M G T P E, binary Ki … Ei, or an exponent).
"""

import re
from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def parse(text: str) -> Decimal:
    """Return a quantity's value in its base unit (cores, bytes, pieces).

    Raises:
        ValueError: the text is not a quantity.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError("a quantity is a number with an optional unit, such as 250m, 1.5, 512Mi or 2Gi")
    number, suffix = Decimal(match["number"]), match["suffix"] or ""
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    if suffix in _BINARY:
        return number * Decimal(1024) ** _BINARY[suffix]
    return number.scaleb(int(suffix[1:])) if suffix else number


def cpu_text(cores: Decimal) -> str:
    """Return cores as Kubernetes prints them: whole cores, or millicores, rounded up as the API server does."""
    milli = int((cores * 1000).to_integral_value(ROUND_CEILING))
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def bytes_text(size: Decimal) -> str:
    """Return bytes, rounded up to a whole number, in the largest binary unit that is exact."""
    amount = int(size.to_integral_value(ROUND_CEILING))
    for unit, power in reversed(_BINARY.items()):
        if amount and amount % 1024**power == 0:
            return f"{amount // 1024**power}{unit}"
    return str(amount)


def _quantity(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("a quantity is text or a whole number; quote a decimal, as in '0.5'")  # noqa: TRY004 -- pydantic's protocol
    if parse(value) <= 0:
        raise ValueError("must be greater than 0")
    return value


Quantity = Annotated[
    str,
    BeforeValidator(_quantity),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["250m", "2Gi"]}),
]
