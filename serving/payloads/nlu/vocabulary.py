"""vocab.txt: words that the tokenizer knows, and names whose class is known in advance.

One entry per line. A line with one column is a word with its own meaning to the model; the model reads any other word
by its spelling and its neighbors only. A line `entry<TAB>class` (person, place, organisation, product) is a name of one
or more words; the model treats the class as a hint that it may overrule. Lines that begin with `#` and a blank are
comments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.payloads.nlu.text import tokens_of

CLASSES = ("person", "place", "organisation", "product")
MOST_BYTES = 4 * 1024 * 1024  # a ConfigMap holds 1 MiB
_MOST_ENTRY_TOKENS = 8
_COMMENT = "# "


class VocabularyError(ValueError):
    """The file is not a vocabulary; the message is one line that names the line and the rule."""


@dataclass(frozen=True)
class Vocabulary:
    """Known words in lower case, and names as tuples of tokens with their class."""

    words: frozenset[str]
    names: dict[tuple[str, ...], str]
    longest: int

    def with_entries(self, more: "Vocabulary") -> "Vocabulary":
        """Return the vocabulary with more entries; a name's new class replaces the old one."""
        return Vocabulary(self.words | more.words, {**self.names, **more.names}, max(self.longest, more.longest))

    def hints(self, tokens: Sequence[str], *, lower_case: bool) -> list[str]:
        """Return each token's class and position in its name (`place 0`), empty outside names; longest names win."""
        names, longest = self.names, self.longest
        hints = [""] * len(tokens)
        at = 0
        while at < len(tokens):
            for length in range(min(longest, len(tokens) - at), 0, -1):
                part = tuple(tokens[at : at + length])
                found = names.get(tuple(map(str.casefold, part)) if lower_case else part)
                if found:
                    hints[at : at + length] = [hint(found, i) for i in range(length)]
                    at += length
                    break
            else:
                at += 1
        return hints


def hint(name_class: str, word: int) -> str:
    """Return the hint for a name's first word (0) or a later one."""
    return f"{name_class} {min(word, 1)}"


def read(content: bytes, where: str, *, lower_case: bool) -> Vocabulary:
    """Read a vocabulary; with `lower_case`, names match in any case.

    Raises:
        VocabularyError: the file is not UTF-8, is empty, or has a malformed line or an unknown class.
    """
    if len(content) > MOST_BYTES:
        raise VocabularyError(f"{where}: has {len(content)} bytes, the limit is {MOST_BYTES}; shorten it")
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise VocabularyError(
            f"{where}: is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    words: set[str] = set()
    names: dict[tuple[str, ...], str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith(_COMMENT):
            continue
        entry, *columns = line.rstrip().split("\t")
        if not columns:
            words.add(entry.strip().casefold())
            continue
        part = tuple(token.text.casefold() if lower_case else token.text for token in tokens_of(entry))
        names[part] = _class(part, columns, f"{where}: line {number}")
    if not words and not names:
        raise VocabularyError(f"{where}: is empty; write a word, or a name, a tab and its class, on each line")
    return Vocabulary(frozenset(words), names, max(map(len, names), default=0))


def _class(part: tuple[str, ...], columns: list[str], where: str) -> str:
    if len(columns) != 1 or columns[0] not in CLASSES:
        given = " ".join(columns)[:40]
        raise VocabularyError(f"{where}: {given!r} is not a class; use entry<TAB>class, one of {', '.join(CLASSES)}")
    if not 0 < len(part) <= _MOST_ENTRY_TOKENS:
        raise VocabularyError(f"{where}: the name has {len(part)} words; use 1 to {_MOST_ENTRY_TOKENS}")
    return columns[0]
