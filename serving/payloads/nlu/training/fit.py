"""Fit the network to the training part of the corpus."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from serving.payloads.nlu.features import PER_TOKEN, Lost, without
from serving.payloads.nlu.text import tokens_of
from serving.payloads.nlu.training import network
from serving.payloads.nlu.training.corpus import lexicon
from serving.payloads.nlu.training.corpus.lexicon import Fillings
from serving.payloads.nlu.training.corpus.templates import Sentence, joined, sentences
from serving.payloads.nlu.training.corpus.wordings import LABELS
from serving.payloads.nlu.training.network import Batch, Floats, Pass, Weights
from serving.payloads.nlu.training.views import BEGIN, INSIDE, View, Views, label_rows, prompts, wordings
from serving.payloads.nlu.vocabulary import read

COUNTS = {"entities": 1500, "relations": 1800, "events": 900, "reviews": 1000, "requests": 800}
"""Training sentences of each family."""
ROUNDS = 8
_ASIDES = 0.15
"""Share of places in a sentence where a word is inserted, so that the words between two names vary."""
_BEFORE, _AFTER, _BESIDE = 0.3, 0.4, 0.35
_NOTHING_TO_SAY = 0.3
"""Share of subjects without relations that is kept: they would outnumber all other examples."""
_LINKS = (". ", ", and ", " and ", " but ", ", ", ", while ", ", because ", "; ")
_BATCH = 32
_LEARNING_RATE = 6e-3
_LOWER_CASE = 0.12
"""Share of sentences that are read in lower case, for configurations with `lowerCase`."""
_HINTED = 0.2
"""Share of sentences whose names are all in the vocabulary: hints are valuable, but may be absent."""
_LOSE_WORD, _LOSE_HINT, _LOSE_SPELLING, _LOSE_INPUT = 0.12, 0.1, 0.2, 0.1
_LOSE_WORD_WITH_HINT = 0.5
"""Higher loss of words with hints: while neighboring words identify a name, the model learns nothing from its hint."""
_FEWEST = 3
"""Occurrences from which on a word is known to the model."""
_NAMES = {
    "first_name": "person",
    "last_name": "person",
    "place": "place",
    "organisation_stem": "organisation",
    "brand": "product",
}
_CHOICE_WEIGHT = 0.5
_MOMENTS = (0.9, 0.98)


def corpus(rng: np.random.Generator, counts: Mapping[str, int], *, held_out: bool) -> list[Sentence]:
    """Return sentences of every family from one part of the templates and lexicons."""
    fill = Fillings(rng, held_out=held_out)
    asides = 0 if held_out else _ASIDES
    made = {
        family: sentences(family, count, fill, held_out=held_out, asides=asides) for family, count in counts.items()
    }
    if not held_out:
        made = {family: [_varied(one, made, fill) for one in among] for family, among in made.items()}
    return [one for among in made.values() for one in among]


def _varied(sentence: Sentence, made: dict[str, list[Sentence]], fill: Fillings) -> Sentence:
    """Return the sentence, often with text before, after or beside it that does not change its annotations."""
    if sentence.family == "requests":
        return sentence
    if fill.chance(_BEFORE):
        sentence = joined(_aside("before", sentence, fill), " ", sentence)
    elif fill.chance(_AFTER):
        sentence = joined(sentence, " ", _aside("after", sentence, fill))
    if fill.chance(_BESIDE):
        other = fill.pick(made["reviews" if sentence.choice else fill.pick(["entities", "relations", "events"])])
        if other.choice in {sentence.choice, "neutral"}:
            sentence = joined(sentence, fill.pick(_LINKS), other)
    return sentence


def _aside(family: str, sentence: Sentence, fill: Fillings) -> Sentence:
    """Return a sentence to add; next to relations it has no time or place, which could belong to a relation."""
    while True:
        (aside,) = sentences(family, 1, fill, held_out=False)
        if sentence.family == "entities" or not aside.spans.keys() & {"time", "place"}:
            return aside


def vocabulary_of(learnt: Sequence[Sentence]) -> bytes:
    """Return vocab.txt: the common words of the training sentences outside names, and the training lexicons' names."""
    words: Counter[str] = Counter()
    for sentence in learnt:
        names = [span for kind in set(_NAMES.values()) for span in sentence.spans.get(kind, ())]
        inside = [(span.start, span.end) for span in names]
        words.update(
            token.text.casefold()
            for token in tokens_of(sentence.text)
            if not any(start <= token.start < end for start, end in inside)
        )
    for name in ("organisation_ending", "organisation_field"):
        words.update({entry.casefold(): _FEWEST for entry in lexicon.entries(name)})
    lines = sorted(word for word, count in words.items() if count >= _FEWEST)
    for name, kind in _NAMES.items():
        lines += [f"{entry}\t{kind}" for entry in lexicon.part(name, held_out=False)]
    return "".join(f"{line}\n" for line in lines).encode()


def fit(rng: np.random.Generator, learnt: Sequence[Sentence], vocabulary: bytes, rounds: int) -> Weights:
    """Return the trained weights. Uses one thread, so that the same seed and CPU type give the same bytes."""
    plain, lower = (Views(read(vocabulary, "vocab.txt", lower_case=low)) for low in (False, True))
    views: list[View] = []
    for sentence in learnt:
        low, hinted = rng.random(2) < (_LOWER_CASE, _HINTED)
        made = (lower if low else plain).of(sentence, lower_case=bool(low), hinted=bool(hinted))
        views += [view for view in made if view.says_something or rng.random() < _NOTHING_TO_SAY]
    weights = network.initial(rng)
    trainer = _Trainer(rng, weights, steps=rounds * -(-len(views) // _BATCH))
    with cast("Any", threadpool_limits)(1):
        for _ in range(rounds):
            for batch in _batches(rng, views):
                trainer.step(batch)
    return weights


def _batches(rng: np.random.Generator, views: list[View]) -> Iterator[list[View]]:
    """Yield all examples in random order, in batches of similar length."""
    lengths = [len(view.rows) for view in views]
    order: list[int] = sorted(rng.permutation(len(views)).tolist(), key=lengths.__getitem__)
    starts = np.arange(0, len(order), _BATCH)
    for start in rng.permutation(starts).tolist():
        yield [views[i] for i in order[start : start + _BATCH]]


class _Trainer:
    """Adam with a learning rate that decreases to zero."""

    def __init__(self, rng: np.random.Generator, weights: Weights, steps: int) -> None:
        self._rng = rng
        self._weights = weights
        self._steps = steps
        self._done = 0
        self._first = {name: np.zeros_like(value) for name, value in weights.items()}
        self._second = {name: np.zeros_like(value) for name, value in weights.items()}
        self._wordings = [wordings(asked) for asked in prompts()]
        self._groups = {key: [i for i, (_, within) in enumerate(prompts()) if within == key] for key in LABELS.choices}

    def step(self, views: list[View]) -> None:
        """Train on one batch."""
        batch, tags, asked, choices = self._arrays(views)
        kept = (self._rng.random((*batch.mask.shape, network.EMBEDDING)) >= _LOSE_INPUT) / (1 - _LOSE_INPUT)
        run = Pass(self._weights, batch, kept.astype(np.float32))
        on_tags = _tag_gradient(run.tags, tags, batch.mask, asked)
        self._update(run.gradients(on_tags, self._choice_gradient(run.whole, choices)))

    def _arrays(self, views: list[View]) -> tuple[Batch, NDArray[np.int8], Floats, list[int | None]]:
        rng, longest, asked_count = self._rng, max(len(view.rows) for view in views), len(self._wordings)
        text = np.zeros((len(views), longest, PER_TOKEN), np.int64)
        marks = np.zeros((len(views), longest), np.int64)
        mask = np.zeros((len(views), longest), np.float32)
        tags = np.zeros((len(views), longest, asked_count), np.int8)
        asked = np.zeros((len(views), asked_count), np.float32)
        for i, view in enumerate(views):
            count = len(view.rows)
            text[i, :count], marks[i, :count], mask[i, :count] = view.rows, view.marks, 1
            view.fill(tags[i], asked[i])
        shape = (len(views), longest)
        words = np.where([[view.hinted] for view in views], _LOSE_WORD_WITH_HINT, _LOSE_WORD)
        text = without(text, Lost(*(rng.random(shape) < share for share in (words, _LOSE_HINT, _LOSE_SPELLING))))
        worded = [among[max(0, int(rng.integers(1 - len(among), len(among))))] for among in self._wordings]
        return Batch(text, marks, mask, label_rows(worded)), tags, asked, [view.choice for view in views]

    def _choice_gradient(self, whole: Floats, choices: list[int | None]) -> Floats:
        gradient = np.zeros_like(whole)
        for i, choice in enumerate(choices):
            if choice is None:
                continue
            group = next(among for among in self._groups.values() if choice in among)
            grown = np.exp(whole[i, group] - whole[i, group].max())
            gradient[i, group] = grown / grown.sum()
            gradient[i, choice] -= 1
        return gradient * np.float32(_CHOICE_WEIGHT / max(1, sum(choice is not None for choice in choices)))

    def _update(self, gradients: Weights) -> None:
        first_share, second_share = _MOMENTS
        self._done += 1
        rate = _LEARNING_RATE * (1 - self._done / (self._steps + 1))
        rate *= np.sqrt(1 - second_share**self._done) / (1 - first_share**self._done)
        for name, gradient in gradients.items():
            first, second = self._first[name], self._second[name]
            first += (1 - first_share) * (gradient - first)
            second += (1 - second_share) * (gradient * gradient - second)
            self._weights[name] -= np.float32(rate) * first / (np.sqrt(second) + np.float32(1e-8))


def _tag_gradient(scores: Floats, tags: NDArray[np.int8], mask: Floats, asked: Floats) -> Floats:
    """Return the gradient of the cross entropy between outside (score 0), begin and inside."""
    begin, inside = scores[..., 0], scores[..., 1]
    highest = np.maximum(np.maximum(begin, inside), 0)
    grown_begin, grown_inside = np.exp(begin - highest), np.exp(inside - highest)
    counted = mask[:, :, None] * asked[:, None, :] / mask.sum()
    share = counted / (grown_begin + grown_inside + np.exp(-highest))
    gradient = np.empty_like(scores)
    gradient[..., 0] = grown_begin * share - (tags == BEGIN) * counted
    gradient[..., 1] = grown_inside * share - (tags == INSIDE) * counted
    return gradient
