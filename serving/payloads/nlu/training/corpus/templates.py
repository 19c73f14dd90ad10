"""Templates: lines of text with slots, alternatives and triggers, and the sentences rendered from them.

`{kind:name}` is filled from the lexicon. `(a|b)` picks one alternative. `[acquired|bought:acquisition/e]` picks one
word and marks it as a span with that label. Relations follow after `||`, by slot names: `e.buyer=b`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from serving.payloads.nlu.training.corpus.lexicon import Fillings

FOLDER = Path(__file__).parent / "templates"
FAMILIES = ("entities", "relations", "events", "reviews", "requests")
# Families whose lines begin with the class of the whole text, with the key that requests it.
CLASSIFIED = {"reviews": "sentiment", "requests": "intent"}
# Spans of these kinds are entities wherever they occur.
ENTITY_OF = {
    **{kind: kind for kind in ("person", "place", "organisation", "product", "time", "money")},
    "date": "time",
    "clock": "time",
    "team": "organisation",
    "aspect": "aspect",
}
_INNERMOST = re.compile(r"\(([^()]*)\)")
_PIECE = re.compile(
    r"\{(?P<kind>\w+)(?::(?P<name>[\w ]+))?\}|\[(?P<words>[^:\]]+):(?P<label>\w+)/(?P<trigger>\w+)\]|\S+"
)
_WITH_ASIDES = 0.5
"""Share of sentences that may get inserted words."""
_NO_SPACE_BEFORE = frozenset({",", ".", "!", "?", "'s"})


class Span(NamedTuple):
    """Characters of a text, `end` excluded."""

    start: int
    end: int


class Relation(NamedTuple):
    """A relation between two spans of the text."""

    subject: Span
    label: str
    object: Span


@dataclass(frozen=True)
class Template:
    """One line of a template file."""

    family: str
    text: str
    choice: str = ""
    relations: tuple[tuple[str, str, str], ...] = ()


@dataclass
class Sentence:
    """A text with its correct annotations."""

    family: str
    text: str = ""
    choice: str = ""
    spans: dict[str, set[Span]] = field(default_factory=dict[str, set[Span]])
    slots: dict[str, set[Span]] = field(default_factory=dict[str, set[Span]])
    relations: set[Relation] = field(default_factory=set[Relation])


@lru_cache
def templates(family: str, *, held_out: bool) -> tuple[Template, ...]:
    """Return the templates of a family for training, or the held-out ones."""
    path = FOLDER / ("held_out" if held_out else "training") / f"{family}.txt"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return tuple(_parse(family, line) for line in lines)


def _parse(family: str, line: str) -> Template:
    head, *rest = (part.strip() for part in line.split("||"))
    choice = ""
    if family in CLASSIFIED:
        choice, head, rest = head, rest[0], rest[1:]
    return Template(family, head, choice, tuple(_relations(rest[0] if rest else "")))


def _relations(text: str) -> Iterator[tuple[str, str, str]]:
    for part in text.split():
        left, _, right = part.partition("=")
        subject, _, label = left.partition(".")
        for name in right.split(","):
            yield subject, label, name


def render(template: Template, fill: Fillings, asides: float = 0) -> Sentence:
    """Render one sentence of a template; insert an aside before the given share of its pieces."""
    text = template.text
    while "(" in text:
        text = _INNERMOST.sub(lambda found: fill.pick(found[1].split("|")), text)
    made = Sentence(template.family, choice=template.choice)
    named: dict[str, Span] = {}
    for piece in _PIECE.finditer(text):
        if fill.chance(asides):
            _append(made, fill.make("aside").text)
        if kind := piece["kind"]:
            filling = fill.make(kind)
            _append(made, filling.lead)
            span = _append(made, filling.text)
            _note(made, named, kind, piece["name"], span)
        elif words := piece["words"]:
            span = _append(made, fill.pick(words.split("|")))
            made.spans.setdefault(piece["label"], set()).add(span)
            named[piece["trigger"]] = span
        else:
            _append(made, piece[0])
    made.relations = {
        Relation(named[subject], label, named[name])
        for subject, label, name in template.relations
        if subject in named and name in named
    }
    _finish(made, fill)
    return made


def _note(made: Sentence, named: dict[str, Span], kind: str, name: str | None, span: Span) -> None:
    if kind in ENTITY_OF:
        made.spans.setdefault(ENTITY_OF[kind], set()).add(span)
    if name and made.family == "requests":
        made.slots.setdefault(name, set()).add(span)
    elif name:
        named[name] = span


def _append(made: Sentence, words: str) -> Span:
    if made.text and words and words not in _NO_SPACE_BEFORE:
        made.text += " "
    start = len(made.text)
    made.text += words.replace(" ,", ",")
    return Span(start, len(made.text))


def _finish(made: Sentence, fill: Fillings) -> None:
    made.text = made.text[:1].upper() + made.text[1:]
    if made.family in FAMILIES and made.text[-1] not in ".!?" and fill.chance(0.7):
        made.text += "."


def sentences(family: str, count: int, fill: Fillings, *, held_out: bool, asides: float = 0) -> list[Sentence]:
    """Return sentences of a family; every template has an equal share."""
    lines = templates(family, held_out=held_out)
    return [
        render(
            lines[i % len(lines)] if count > 1 else fill.pick(lines), fill, asides if fill.chance(_WITH_ASIDES) else 0
        )
        for i in range(count)
    ]


def joined(first: Sentence, link: str, second: Sentence) -> Sentence:
    """Join two sentences with `link`; the first one's full stop is dropped and the second one's capital lowered."""
    kept = first.text.rstrip(".!?")
    names = {span.start for spans in (*second.spans.values(), *second.slots.values()) for span in spans}
    capital = link.startswith(".") or 0 in names or second.text.startswith("I ")
    text = second.text if capital else second.text[:1].lower() + second.text[1:]
    link = link.rstrip() if text.startswith(",") else link
    shift = len(kept) + len(link)

    def moved(span: Span) -> Span:
        return Span(span.start + shift, span.end + shift)

    family = first.family if first.family in FAMILIES else second.family
    both = Sentence(family, f"{kept}{link}{text}", first.choice or second.choice)
    for mine, here, there in ((both.spans, first.spans, second.spans), (both.slots, first.slots, second.slots)):
        for label in sorted(here.keys() | there.keys()):
            mine[label] = here.get(label, set()) | {moved(span) for span in there.get(label, ())}
    both.relations = first.relations | {Relation(moved(r.subject), r.label, moved(r.object)) for r in second.relations}
    return both
