"""The content of a request: its text, and its schema with every label resolved to a known one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic_core import from_json

from serving.errors import shown
from serving.payloads.nlu.config import Config
from serving.payloads.nlu.labels import Known, Labels, Lookup, UnknownLabelError

MOST_LABELS = 64
"""Largest number of labels of one request: limits its work together with the length of its text."""
MOST_LABEL = 120
"""Characters of a label: known ones have at most 60, and the answer repeats a label as it was given."""
MOST_BYTES = 256 * 1024
"""Largest body: a text and labels of the allowed sizes, all escaped, have 96 KiB."""
_CHOICE_MARK = "|"


Inside = None | list[object] | dict[str, object] | str | float
"""JSON values that may stand behind a label."""


class BadRequestError(ValueError):
    """The body is not a valid request; the message is one line."""


class UnanswerableError(ValueError):
    """The request cannot be answered; the message is one line that says what to change."""


@dataclass(frozen=True)
class SpanTask:
    """Find the spans of a label, and for each of them the spans of its inner labels."""

    given: str
    known: Known
    inner: tuple["SpanTask", ...] = ()
    kind: str | None = None
    """Label whose spans are the only candidates."""

    @property
    def wordings(self) -> list[str]:
        """The texts that the model reads for the inner labels."""
        return [prompt(task.known.wording, self.known.label) for task in self.inner]


@dataclass(frozen=True)
class ChoiceTask:
    """Choose one label for the whole text."""

    given: str
    key: str
    options: tuple[tuple[str, Known], ...]
    """Each label as given and as known."""

    @property
    def wordings(self) -> list[str]:
        """The texts that the model reads for the labels."""
        return [prompt(known.wording, self.key) for _, known in self.options]


@dataclass(frozen=True)
class Question:
    """A text and its tasks. The first `skipped` characters are a list of labels, not part of the text."""

    text: str
    spans: tuple[SpanTask, ...] = ()
    choices: tuple[ChoiceTask, ...] = ()
    skipped: int = 0

    @property
    def kinds(self) -> list[str]:
        """Labels whose spans are needed to answer inner labels."""
        return list(dict.fromkeys(one.kind for task in self.spans for one in task.inner if one.kind))


def prompt(wording: str, within: str = "") -> str:
    """Return the text that the model reads for a label: the label's words, after those of its context."""
    return f"{within} {wording}" if within else wording


def read(body: bytes) -> tuple[str, dict[str, Any]]:
    """Parse text and schema of a body.

    Raises:
        BadRequestError: the body is not JSON, or not of this form.
    """
    try:
        content: object = from_json(body)
    except ValueError as error:
        raise BadRequestError(f"the body is not JSON ({error}); send {EXAMPLE}") from error
    if not isinstance(content, dict):
        raise BadRequestError(f"the body is a JSON {type(content).__name__}; send {EXAMPLE}")
    given = cast("dict[str, object]", content)
    text, schema = given.get("text"), given.get("schema")
    if given.keys() != {"text", "schema"} or not isinstance(text, str) or not isinstance(schema, dict):
        keys = shown(", ".join(given)) or "nothing"
        raise BadRequestError(f"the body has {keys}; send exactly a string 'text' and an object 'schema': {EXAMPLE}")
    return text, cast("dict[str, Any]", schema)


EXAMPLE = '{"text": "Anna Weber lives in Oslo.", "schema": {"person": null}}'


@dataclass(frozen=True)
class Reader:
    """Reads schemas with the labels of one model and the synonyms of one configuration."""

    labels: Labels
    config: Config
    _spans: Lookup = field(init=False)
    _keys: Lookup = field(init=False)
    _inner: Mapping[str, Lookup] = field(init=False)
    _choices: Mapping[str, Lookup] = field(init=False)

    def __post_init__(self) -> None:
        labels, synonyms = self.labels, self.config.synonyms
        made: dict[str, object] = {
            "_spans": Lookup(labels.spans, synonyms),
            "_keys": Lookup(dict.fromkeys(labels.choices, ()), synonyms),
            "_inner": {label: Lookup(among, synonyms) for label, among in labels.inner.items()},
            "_choices": {key: Lookup(among, synonyms) for key, among in labels.choices.items()},
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def question(self, text: str, schema: Mapping[str, Inside]) -> Question:
        """Resolve the labels of a schema.

        Raises:
            UnanswerableError: text or schema is empty or too long, or a label is unknown or in a wrong place.
        """
        self._check_sizes(text, schema)
        spans: list[SpanTask] = []
        choices: list[ChoiceTask] = []
        skipped = 0
        try:
            for given, inside in schema.items():
                if given in self._keys:
                    before, task = self._choice(given, inside, text)
                    skipped = max(skipped, before)
                    choices.append(task)
                else:
                    spans.append(self._span(given, inside))
        except UnknownLabelError as error:
            raise UnanswerableError(str(error)) from error
        return Question(text[skipped:], tuple(spans), tuple(choices), skipped)

    def _check_sizes(self, text: str, schema: Mapping[str, Inside]) -> None:
        limit = self.config.max_length
        if not text.strip():
            raise UnanswerableError("text: is empty; send a sentence")
        if len(text) > limit:
            raise UnanswerableError(f"text: has {len(text)} characters, the limit is {limit}; send it in parts")
        longest = max((len(label) for label in _labels(schema)), default=0)
        if longest > MOST_LABEL:
            raise UnanswerableError(f"schema: a label has {longest} characters, the limit is {MOST_LABEL}; shorten it")
        count = sum(1 + (len(inside) if isinstance(inside, dict | list) else 0) for inside in schema.values())
        if not 0 < count <= MOST_LABELS:
            raise UnanswerableError(f"schema: has {count} labels; send 1 to {MOST_LABELS}")

    def _span(self, given: str, inside: object) -> SpanTask:
        where = f"schema.{given[:60]}"
        known = self._find_span(given)
        match inside:
            case None:
                return SpanTask(given, known)
            case dict():
                named = cast("dict[str, object]", inside)
            case _:
                raise UnanswerableError(f"{where}: finds spans; use null, or an object of labels to find in each span")
        lookup = self._inner.get(known.label)
        if lookup is None:
            raise UnanswerableError(
                f"{where}: no labels are known inside {known.label!r}, only inside {sorted(self._inner)}; use null"
            )
        deeper = [key for key, value in named.items() if value is not None]
        if deeper:
            raise UnanswerableError(f"{where}.{deeper[0][:60]}: must be null; a schema is nested one level deep")
        inner = [(key, lookup.find(key, f"{where}.{key[:60]}")) for key in named]
        kinds = self.labels.kinds.get(known.label, {})
        return SpanTask(given, known, tuple(SpanTask(key, one, kind=kinds.get(one.label)) for key, one in inner))

    def _find_span(self, given: str) -> Known:
        try:
            return self._spans.find(given, "schema")
        except UnknownLabelError as error:
            within = [label for label, lookup in self._inner.items() if given in lookup]
            if within:
                raise UnanswerableError(
                    f"schema: {given[:60]!r} is known only inside {within[0]!r}; move it there"
                ) from error
            raise

    def _choice(self, given: str, inside: object, text: str) -> tuple[int, ChoiceTask]:
        """Return the task, and how many characters of the text list its labels: `good,bad|The film was long.`."""
        where = f"schema.{given[:60]}"
        key = self._keys.find(given, "schema").label
        lookup = self._choices[key]
        skipped = 0
        match inside:
            case None:
                named, skipped = _named_before(text, lookup)
                named = named or list(self.labels.choices[key])
            case list() if inside and all(isinstance(label, str) for label in cast("list[object]", inside)):
                named = cast("list[str]", inside)
            case _:
                raise UnanswerableError(f"{where}: chooses a label; use a list of labels, or null for all of them")
        options = tuple((label, lookup.find(label, where)) for label in dict.fromkeys(named))
        return skipped, ChoiceTask(given, key, options)


def _labels(schema: Mapping[str, Inside]) -> Iterator[str]:
    for given, inside in schema.items():
        yield given
        if isinstance(inside, dict | list):
            yield from (label for label in cast("Iterable[object]", inside) if isinstance(label, str))


def _named_before(text: str, lookup: Lookup) -> tuple[list[str], int]:
    before, mark, rest = text.partition(_CHOICE_MARK)
    named = [label.strip() for label in before.split(",")]
    if mark and rest.strip() and all(label in lookup for label in named):
        return named, len(before) + len(mark)
    return [], 0
