"""The value of a YAML scalar without quotes, and the spellings that Pulumi would silently change.

Pulumi reads the stack file with go-yaml (https://github.com/go-yaml/yaml, ``resolve.go``). It reads ``05000`` as 2560,
``1_000`` as 1000, and a date as a time. Nobody means that, so these spellings are faults.
"""

import re
from dataclasses import dataclass

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_ZEROS = re.compile(r"([-+]?)0+([0-9]+(?:\.[0-9]*)?)")
_GROUPED = re.compile(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?")
_RADIX = re.compile(r"[-+]?0(?:x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")
_LARGEST = 2**53
"""Largest integer that Pulumi passes to a program unchanged, because it stores numbers as float64."""
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A spelling that readers of YAML understand differently."""

    rule: str
    """What is wrong, and the remedy."""


def plain_value(text: str) -> object:
    """Return the value of a scalar without quotes and without a tag: text, number, Boolean, None, or Ambiguous."""
    if text in _WORDS:
        return _WORDS[text]
    if not (text[0].isdigit() or text[0] in "+-."):  # most scalars
        return text
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= len(str(_LARGEST)) + 1 and abs(int(text)) <= _LARGEST else Ambiguous(_ROUNDED)
    if _DECIMAL.fullmatch(text):
        number = float(text)
        return Ambiguous(_ROUNDED) if number in (float("inf"), float("-inf")) else number
    return _unclear(text) or text


_ROUNDED = "too large for a number; quote it if it is text"


def _unclear(text: str) -> Ambiguous | None:
    if found := _ZEROS.fullmatch(text):
        return Ambiguous(f"a number with a leading zero is read as octal; write {found[1]}{found[2]}, or quote it")
    if "_" in text and _GROUPED.fullmatch(text):
        return Ambiguous(f"`_` is not part of a number; write {text.replace('_', '')}, or quote it")
    if _RADIX.fullmatch(text):
        return Ambiguous("only decimal numbers are read; write it as a decimal number, or quote it if it is text")
    if _NO_NUMBER.fullmatch(text):
        return Ambiguous("not a finite number; write a number, or quote it if it is text")
    if _DATE.fullmatch(text):
        return Ambiguous("Pulumi reads a date without quotes as a time; quote it")
    return None
