"""vocab.txt: the words that the tokenizer knows, and names whose class is known beforehand.

One entry per line. A line with one column is a word that has a meaning of its own to the model; any other word is read
by its spelling and its neighbours only. A line `entry<TAB>class` (person, place, organisation, product) names
something, in one or several words; the model takes it as a hint, not as an order. Lines that begin with `#` and a
blank are comments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.payloads.nlu.text import tokens_of

CLASSES = ("person", "place", "organisation", "product")
MOST_BYTES = 4 * 1024 * 1024  # a ConfigMap holds 1 MiB
_MOST_ENTRY_TOKENS = 8
_COMMENT = "# "


class VocabularyError(ValueError):
    """The file is no vocabulary; the message is one line that names the line and the rule."""


@dataclass(frozen=True)
class Vocabulary:
    """Known words in lower case, and names with their class by their tokens."""

    words: frozenset[str]
    names: dict[tuple[str, ...], str]
    longest: int

    def with_entries(self, more: "Vocabulary") -> "Vocabulary":
        """Add entries; a name's new class takes the place of the old one."""
        return Vocabulary(self.words | more.words, {**self.names, **more.names}, max(self.longest, more.longest))

    def hints(self, tokens: Sequence[str], *, lower_case: bool) -> list[str]:
        """Class and place in the name of each token (`place 0`), empty outside names; longest names first."""
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
    """What is told of a name's first (0) or another word."""
    return f"{name_class} {min(word, 1)}"


def read(content: bytes, where: str, *, lower_case: bool) -> Vocabulary:
    """Read a vocabulary; in lower case, names are found in whatever case they are written.

    Raises:
        VocabularyError: no UTF-8, a line of another form, an unknown class, no word at all.
    """
    if len(content) > MOST_BYTES:
        raise VocabularyError(f"{where}: has {len(content)} bytes, the limit is {MOST_BYTES}; shorten it")
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise VocabularyError(f"{where}: is no UTF-8 text ({error.reason} at byte {error.start})") from error
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
        raise VocabularyError(f"{where}: lists nothing; give a word, or a name, a tab and its class, on each line")
    return Vocabulary(frozenset(words), names, max(map(len, names), default=0))


def _class(part: tuple[str, ...], columns: list[str], where: str) -> str:
    if len(columns) != 1 or columns[0] not in CLASSES:
        given = " ".join(columns)[:40]
        raise VocabularyError(f"{where}: {given!r} is no class; write entry<TAB>class with one of {', '.join(CLASSES)}")
    if not 0 < len(part) <= _MOST_ENTRY_TOKENS:
        raise VocabularyError(f"{where}: the name has {len(part)} words; give 1 to {_MOST_ENTRY_TOKENS}")
    return columns[0]
