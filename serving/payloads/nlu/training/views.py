"""Training examples: each sentence as arrays, once by itself and once per subject with possible relations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.payloads.nlu.features import PER_TOKEN, Ids, label_features, marks, text_features
from serving.payloads.nlu.labels import Wordings
from serving.payloads.nlu.schema import prompt
from serving.payloads.nlu.text import Token, tokens_of
from serving.payloads.nlu.training.corpus.templates import CLASSIFIED, Sentence, Span
from serving.payloads.nlu.training.corpus.wordings import IN_REQUESTS_ONLY, LABELS
from serving.payloads.nlu.vocabulary import CLASSES, Vocabulary, hint

NONE, BEGIN, INSIDE = range(3)
MOST_LABEL_WORDS = 6
Prompt = tuple[str, str]
"""A label and its context: the key of a choice, the label of a subject, or nothing."""


def prompts() -> list[Prompt]:
    """Return every prompt that a schema can produce, in a fixed order."""
    inner: Mapping[str, Wordings] = {**LABELS.inner, **LABELS.choices}
    return [(label, "") for label in LABELS.spans] + [(label, key) for key, among in inner.items() for label in among]


def wordings(asked: Prompt) -> list[str]:
    """Return every text that stands for a prompt."""
    label, within = asked
    if within in LABELS.choices:
        return [prompt(word, within) for word in (label, *LABELS.choices[within][label])]
    if not within:
        return [prompt(word) for word in (label, *LABELS.spans[label])]
    return [prompt(word, within) for word in (label, *LABELS.inner[within][label])]


def label_rows(texts: Sequence[str]) -> Ids:
    """Return padded features of label texts."""
    rows = np.zeros((len(texts), MOST_LABEL_WORDS, PER_TOKEN), np.int64)
    for i, text in enumerate(texts):
        found = label_features(text)
        rows[i, : len(found)] = found
    return rows


@dataclass(frozen=True)
class View:
    """One example: a text, optionally with a marked subject, and the correct tags of the prompts it covers."""

    rows: Ids
    marks: Ids
    tags: dict[int, list[tuple[int, int]]]
    """Prompt to its spans in tokens; a prompt without spans is trained as absent."""
    choice: int | None = None
    hinted: bool = False

    @property
    def says_something(self) -> bool:
        """Whether the example is more than a subject without relations."""
        return not self.marks.any() or any(self.tags.values())

    def fill(self, tags: NDArray[np.int8], asked: NDArray[np.float32]) -> None:
        """Write the correct tags into `[t, prompts]` and the covered prompts into `[prompts]`."""
        for number, spans in self.tags.items():
            asked[number] = 1
            for first, last in spans:
                tags[first:last, number] = INSIDE
                tags[first, number] = BEGIN


class Views:
    """Creates examples from sentences."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._number = {asked: i for i, asked in enumerate(prompts())}

    def of(self, sentence: Sentence, *, lower_case: bool = False, hinted: bool = False) -> Iterator[View]:
        """Yield the text itself and the text per subject; `hinted` simulates a vocabulary that lists all its names."""
        tokens = tokens_of(sentence.text)
        hints = [""] * len(tokens)
        for label in CLASSES if hinted else ():
            for span in sentence.spans.get(label, ()):
                first, last = _words(tokens, span)
                hints[first:last] = [hint(label, i) for i in range(last - first)]
        rows = text_features(tokens, self._vocabulary, lower_case=lower_case, hints=hints)
        key = CLASSIFIED.get(sentence.family, "")
        found = {**sentence.spans, **sentence.slots}
        plain = {
            self._number[label, ""]: [_words(tokens, span) for span in found.get(label, ())]
            for label in LABELS.spans
            if sentence.family == "requests" or label not in IN_REQUESTS_ONLY
        }
        choice = self._number[sentence.choice, key] if key else None
        yield View(rows, np.zeros(len(tokens), np.int64), plain, choice, hinted)
        for label, subjects in sentence.spans.items():
            for subject in sorted(subjects):
                if label in LABELS.inner:
                    yield self._seen_from(sentence, tokens, rows, label, subject)

    def _seen_from(self, sentence: Sentence, tokens: list[Token], rows: Ids, label: str, subject: Span) -> View:
        asked = {
            self._number[relation, label]: [
                _words(tokens, known.object)
                for known in sorted(sentence.relations)
                if (known.subject, known.label) == (subject, relation)
            ]
            for relation in LABELS.inner[label]
        }
        return View(rows, marks(len(tokens), *_words(tokens, subject)), asked)


def _words(tokens: list[Token], span: Span) -> tuple[int, int]:
    inside = [i for i, token in enumerate(tokens) if span.start <= token.start < span.end]
    return inside[0], inside[-1] + 1
