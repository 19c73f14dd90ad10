"""Quality on held-out sentences, measured through the serving code."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from serving.payloads.nlu.training.corpus.templates import CLASSIFIED, ENTITY_OF, Sentence
from serving.payloads.nlu.training.corpus.wordings import LABELS

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Returns the answer to a text and a schema, from a loaded model or a server."""
Fact = tuple[object, ...]
ENTITIES = sorted(set(ENTITY_OF.values()))
SCHEMAS: dict[str, dict[str, Any]] = {
    "entities": dict.fromkeys(ENTITIES),
    "relations": {label: dict.fromkeys(LABELS.inner[label]) for label in ("person", "organisation", "product")},
    "events": {label: dict.fromkeys(LABELS.inner[label]) for label in ("acquisition", "match", "disaster")},
    "reviews": {"sentiment": list(LABELS.choices["sentiment"]), "aspect": dict.fromkeys(LABELS.inner["aspect"])},
    "requests": {
        "intent": list(LABELS.choices["intent"]),
        **dict.fromkeys(
            ("origin", "destination", "date", "city", "cuisine", "party size", "genre", "artist", "alarm time")
        ),
    },
}
"""The schema for the sentences of each family: all labels at once, as a client would send it."""


def figures(ask: Ask, sentences: Sequence[Sentence]) -> dict[str, float]:
    """Return F1 of exactly matched spans and relations and accuracy of choices, by task."""
    found: dict[str, Counter[str]] = {}
    for sentence in sentences:
        answer = ask(sentence.text, SCHEMAS[sentence.family])
        for task, got, right in _compared(sentence, answer):
            found.setdefault(task, Counter()).update(right=len(got & right), got=len(got), there=len(right))
    return {task: _f1(counts) for task, counts in sorted(found.items())}


def _f1(counts: Counter[str]) -> float:
    """Return F1; with exactly one answer given and one correct, this is accuracy."""
    return round(2 * counts["right"] / max(1, counts["got"] + counts["there"]), 4)


def _compared(sentence: Sentence, answer: dict[str, Any]) -> Iterator[tuple[str, set[Fact], set[Fact]]]:
    """Yield each task with the given answers and the correct ones."""
    family = sentence.family
    if family in CLASSIFIED:
        key = CLASSIFIED[family]
        yield f"{key}_accuracy", {(answer[key]["label"],)}, {(sentence.choice,)}
    spans = {label: cast("list[dict[str, Any]]", value) for label, value in answer.items() if isinstance(value, list)}
    if family in {"entities", "requests"}:
        got: set[Fact] = {(label, one["start"], one["end"]) for label, found in spans.items() for one in found}
        known = sentence.spans if family == "entities" else sentence.slots
        right: set[Fact] = {(label, *span) for label, among in known.items() if label in spans for span in among}
        yield ("entities_f1" if family == "entities" else "slots_f1"), got, right
        return
    related: set[Fact] = {
        ((one["start"], one["end"]), label, (other["start"], other["end"]))
        for found in spans.values()
        for one in found
        for label, others in one["inner"].items()
        for other in others
    }
    right = {(tuple(relation.subject), relation.label, tuple(relation.object)) for relation in sentence.relations}
    yield {"relations": "relations_f1", "events": "events_f1", "reviews": "opinions_f1"}[family], related, right
