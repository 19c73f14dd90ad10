"""Answers: spans, relations and choices, computed from the model's scores of words and labels."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from serving.payloads.nlu.features import PER_TOKEN, Ids, label_features, marks, text_features
from serving.payloads.nlu.model import Floats, Language
from serving.payloads.nlu.schema import ChoiceTask, Question, SpanTask
from serving.payloads.nlu.text import Token, tokens_of
from serving.telemetry.metrics import Telemetry

REACH = 64
"""Words on either side of a subject in which its relations are searched."""
_SUBJECTS_AT_ONCE = 32
_EVEN = 0.5
_DIGITS = 4
"""Decimal digits of a score: more digits would be floating-point noise."""


class Found(NamedTuple):
    """Tokens `first` to `last` (excluded) with their score."""

    first: int
    last: int
    score: float


@dataclass(frozen=True)
class Answerer:
    """Answers one question; the text is encoded once by itself and once per subject."""

    language: Language
    question: Question
    telemetry: Telemetry | None = None

    def answer(self) -> dict[str, Any]:
        """Return the answer by the labels as given in the schema."""
        question, language = self.question, self.language
        tokens = tokens_of(question.text)
        if not tokens:
            nothing: dict[str, Any] = {task.given: [] for task in question.spans}
            return nothing | {task.given: _none(task) for task in question.choices}
        rows = text_features(tokens, language.vocabulary, lower_case=language.config.lower_case)
        asked = [task.known.wording for task in question.spans]
        options = [text for task in question.choices for text in task.wordings]
        texts = [*asked, *question.kinds, *options]
        tags, whole = self._compare(rows[np.newaxis], np.zeros((1, len(tokens)), np.int64), texts)
        found = [list(spans_of(tags[0, :, i], language.config.thresholds.span)) for i in range(len(asked))]
        kinds = {kind: list(spans_of(tags[0, :, i], _EVEN)) for i, kind in enumerate(question.kinds, start=len(asked))}
        inner = self._relations(rows, found, kinds)
        answer: dict[str, Any] = {}
        for task, spans, relations in zip(question.spans, found, inner, strict=True):
            answer[task.given] = [
                self._named(tokens, span) | self._inner(tokens, task, relation)
                for span, relation in zip(spans, relations, strict=True)
            ]
        at = len(texts) - len(options)
        for task in question.choices:
            answer[task.given] = self._chosen(task, whole[0, at : at + len(task.options)])
            at += len(task.options)
        return answer

    def _compare(self, rows: Ids, marked: Ids, texts: Sequence[str]) -> tuple[Floats, Floats]:
        labels = _padded([label_features(text) for text in texts])
        with self.telemetry.inference_seconds.time() if self.telemetry else nullcontext():
            return self.language.compare(rows, marked, labels)

    def _relations(
        self, rows: Ids, found: Sequence[Sequence[Found]], kinds: Mapping[str, Sequence[Found]]
    ) -> list[list[list[list[Found]]]]:
        """Return the spans of every inner label of every span of every task."""
        tasks, threshold = self.question.spans, self.language.config.thresholds.relation
        results = [
            [[list[Found]() for _ in task.inner] for _ in spans] for task, spans in zip(tasks, found, strict=True)
        ]
        subjects = [(number, i) for number, spans in enumerate(found) if tasks[number].inner for i in range(len(spans))]
        texts = [text for task in tasks for text in task.wordings]
        starts = np.cumsum([0, *(len(task.inner) for task in tasks)]).tolist()
        for at in range(0, len(subjects), _SUBJECTS_AT_ONCE):
            some = subjects[at : at + _SUBJECTS_AT_ONCE]
            windows = [_Window.around(found[number][i], len(rows)) for number, i in some]
            tags, _ = self._compare(*_seen_from(rows, windows), texts)
            for (number, i), window, scores in zip(some, windows, tags, strict=True):
                for j, task in enumerate(tasks[number].inner):
                    among = kinds[task.kind] if task.kind else None
                    results[number][i][j] = window.spans(scores[:, starts[number] + j], threshold, among)
        return results

    def _inner(self, tokens: Sequence[Token], task: SpanTask, found: Sequence[Sequence[Found]]) -> dict[str, Any]:
        if not task.inner:
            return {}
        named = [[self._named(tokens, span) for span in spans] for spans in found]
        return {"inner": {one.given: spans for one, spans in zip(task.inner, named, strict=True)}}

    def _named(self, tokens: Sequence[Token], span: Found) -> dict[str, Any]:
        start, end = tokens[span.first].start, tokens[span.last - 1].end
        skipped = self.question.skipped
        return {
            "text": self.question.text[start:end],
            "start": start + skipped,
            "end": end + skipped,
            "score": round(span.score, _DIGITS),
        }

    def _chosen(self, task: ChoiceTask, scores: Floats) -> dict[str, Any]:
        grown = np.exp(scores - scores.max())
        shares = {
            given: round(float(share), _DIGITS)
            for (given, _), share in zip(task.options, grown / grown.sum(), strict=True)
        }
        best = max(shares, key=lambda given: shares[given])
        sure = shares[best] >= self.language.config.thresholds.choice
        return {"label": best if sure else None, "score": shares[best], "scores": shares}


class _Window(NamedTuple):
    """Tokens `first` to `last` of a text that contain the subject."""

    first: int
    last: int
    subject: Found

    @classmethod
    def around(cls, subject: Found, count: int) -> "_Window":
        return cls(max(0, subject.first - REACH), min(count, subject.last + REACH), subject)

    def marks(self) -> Ids:
        """Return the marks of the tokens of the window."""
        return marks(self.last - self.first, self.subject.first - self.first, self.subject.last - self.first)

    def spans(self, tags: Floats, threshold: float, among: Sequence[Found] | None) -> list[Found]:
        """Return spans of an inner label at positions in the whole text; if `among` is given, only from those."""
        if among is None:
            found = spans_of(tags[: self.last - self.first], threshold)
            return [Found(span.first + self.first, span.last + self.first, span.score) for span in found]
        near = [span for span in among if self.first <= span.first and span.last <= self.last]
        scored = [Found(s.first, s.last, _within(tags[s.first - self.first : s.last - self.first])) for s in near]
        return [span for span in scored if span.score >= threshold]


def _seen_from(rows: Ids, windows: Sequence[_Window]) -> tuple[Ids, Ids]:
    seen = _padded([rows[window.first : window.last] for window in windows])
    marked = np.zeros(seen.shape[:2], np.int64)
    for i, window in enumerate(windows):
        marked[i, : window.last - window.first] = window.marks()
    return seen, marked


def _padded(parts: Sequence[Ids]) -> Ids:
    whole = np.zeros((len(parts), max(map(len, parts), default=0), PER_TOKEN), np.int64)
    for i, part in enumerate(parts):
        whole[i, : len(part)] = part
    return whole


def _none(task: ChoiceTask) -> dict[str, Any]:
    """Return the answer for a text without words."""
    return {"label": None, "score": 0.0, "scores": dict.fromkeys((given for given, _ in task.options), 0.0)}


def _within(tags: Floats) -> float:
    """Return the mean probability that these words are inside a span."""
    return float(1 - tags[:, 0].mean())


def spans_of(tags: Floats, threshold: float) -> Iterator[Found]:
    """Yield spans of one label from the shares `[t, 3]` of outside, begin and inside.

    A span is a run of words that are more likely in than out, split where a word more likely begins than continues a
    span. A threshold below one half also includes words that are more likely out; a threshold above one half only drops
    whole spans and shortens none.
    """
    within = 1 - tags[:, 0]
    taken = within >= min(threshold, _EVEN)
    begins = tags[:, 1] > tags[:, 2]
    at, count = 0, len(tags)
    while at < count:
        if not taken[at]:
            at += 1
            continue
        end = at + 1
        while end < count and taken[end] and not begins[end]:
            end += 1
        score = _within(tags[at:end])
        if score >= threshold:
            yield Found(at, end, score)
        at = end


def answer(language: Language, question: Question, telemetry: Telemetry | None = None) -> dict[str, Any]:
    """Answer a question."""
    return Answerer(language, question, telemetry).answer()
