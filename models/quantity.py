"""Kubernetes resource quantities: what the API server accepts, and how to compare and add them.

Source: apimachinery's ``resource.Quantity`` (decimal SI suffixes n u m k M G T P E, binary Ki … Ei, or an exponent).
"""

import re
from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?", re.ASCII)
_FRACTION = re.compile(r"([0-9.]+)([mun])")
_CORES = re.compile(r"[0-9.]+([mun]|[eE][+-]?[0-9]+)?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


MOST = 2**63 - 1
"""The largest amount that the API server stores. It silently lowers a larger amount to this one."""
_NANO, _MILLI = 9, 3
"""Decimal places of an amount, and of a number of cores. The API server rounds up an amount with more."""


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
    amount = parse(value)
    if amount <= 0:
        raise ValueError("must be greater than 0")
    if amount > MOST:
        raise ValueError(f"is more than {MOST}, the most that the API server stores; lower it")
    if amount.scaleb(_NANO) % 1:
        raise ValueError("has more than nine decimals, which the API server would round up; round it to 1n or more")
    return value


_FRACTIONS = {"m": "thousandths", "u": "millionths", "n": "billionths"}
_LEAST_MEMORY = parse("1Mi")
"""No container starts with less. A smaller number has lost its unit."""


def _bytes(value: str) -> str:
    """Refuse fractions of a byte: Docker and nginx write 512m for 512Mi, but Kubernetes reads 0.512 bytes."""
    if parts := _FRACTION.fullmatch(value):
        number, unit = parts.groups()
        size = parse(value)
        if size >= _LEAST_MEMORY:
            written = bytes_text(size)
        elif unit == "m":
            written = f"{number}Mi"
        else:
            written = "bytes with Ki, Mi or Gi, such as 512Mi"
        raise ValueError(f"{unit} means {_FRACTIONS[unit]}, so this is {plain(size)} bytes; write {written}")
    if parse(value) < 1:
        raise ValueError("is less than one byte; write bytes with Ki, Mi or Gi, such as 512Mi")
    return value


def _memory(value: str) -> str:
    if (size := parse(_bytes(value))) < _LEAST_MEMORY:
        raise ValueError(
            f"is {plain(size)} bytes, and no container starts with less than 1Mi; write bytes with Mi or Gi, such as "
            "512Mi"
        )
    return value


def _cores(value: str) -> str:
    if not _CORES.fullmatch(value):
        raise ValueError(
            f"is {plain(parse(value))} cores; write cores as a number or in thousandths, such as 2 or 500m"
        )
    if (cores := parse(value)).scaleb(_MILLI) % 1:
        raise ValueError(
            f"is {plain(cores)} cores, which the API server would round up to {cpu_text(cores)}; write that"
        )
    return value


def plain(amount: Decimal) -> str:
    """Return an amount without an exponent and without trailing zeros."""
    return f"{amount.normalize():f}"


def _schema(*examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "integer"], "examples": list(examples)})


Quantity = Annotated[str, BeforeValidator(_quantity), _schema("250m", "2Gi")]
"""An amount of any kind, such as a metric's target value."""
Bytes = Annotated[str, BeforeValidator(_quantity), AfterValidator(_bytes), _schema("512Mi", "2Gi")]
"""A size in bytes, at least one."""
Memory = Annotated[str, BeforeValidator(_quantity), AfterValidator(_memory), _schema("512Mi", "2Gi")]
"""The memory of a container, in bytes."""
Cores = Annotated[str, BeforeValidator(_quantity), AfterValidator(_cores), _schema("500m", "2")]
"""A number of CPU cores."""
