"""The tokenizer: words, numbers and single signs, each with its position in the text."""

import re
from typing import NamedTuple

# O'Brien, Saint-Denis, 7:30 and the E. of a name stay whole; a possessive 's is a separate token.
_APOSTROPHE = "['\N{RIGHT SINGLE QUOTATION MARK}]"
_POSSESSIVE = rf"{_APOSTROPHE}s\b"
_INSIDE = rf"(?!{_POSSESSIVE})(?:[-.,:]|{_APOSTROPHE})"
_TOKEN = re.compile(rf"\b[A-Z]\.(?=\s+[A-Z])|\w+(?:{_INSIDE}\w+)*|{_POSSESSIVE}|[^\w\s]")


class Token(NamedTuple):
    """A token: characters `start` to `end` (excluded) of its text."""

    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Split a text into tokens; white space belongs to no token."""
    return [Token(found[0], found.start(), found.end()) for found in _TOKEN.finditer(text)]
