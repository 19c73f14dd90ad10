"""Held-out templates and names never occur in training, and the labels of every sentence are correct."""

import numpy as np
import pytest

from serving.payloads.nlu.text import tokens_of
from serving.payloads.nlu.train import HELD_OUT, held_out
from serving.payloads.nlu.training.corpus import lexicon
from serving.payloads.nlu.training.corpus.lexicon import OPEN, Fillings, part
from serving.payloads.nlu.training.corpus.templates import FAMILIES, Relation, Sentence, Span, joined, templates
from serving.payloads.nlu.training.corpus.wordings import LABELS
from serving.payloads.nlu.training.fit import corpus
from serving.training.runner import Trained

SOME: dict[str, int] = dict.fromkeys(FAMILIES, 60)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_held_out_template_is_trained_on(family: str) -> None:
    learnt = {template.text for template in templates(family, held_out=False)}
    asked = {template.text for template in templates(family, held_out=True)}
    assert len(asked) >= 10
    assert not learnt & asked


@pytest.mark.parametrize("name", sorted(OPEN))
def test_a_part_of_every_open_lexicon_is_never_trained_on(name: str) -> None:
    learnt, asked = part(name, held_out=False), part(name, held_out=True)
    assert len(asked) >= 2
    assert not set(learnt) & set(asked)
    assert sorted(learnt + asked) == sorted(lexicon.entries(name))


def test_training_sentences_hold_no_held_out_name() -> None:
    unseen = {entry for name in ("first_name", "last_name", "brand") for entry in part(name, held_out=True)}
    elsewhere = {word for name in OPEN for entry in part(name, held_out=False) for word in entry.split()}
    words = {
        token.text
        for sentence in corpus(np.random.default_rng(0), SOME, held_out=False)
        for label in ("person", "product")
        for span in sentence.spans.get(label, ())
        for token in tokens_of(sentence.text[span.start : span.end])
    }
    assert len(words) > 100
    assert not words & (unseen - elsewhere)


def test_the_vocabulary_names_nothing_that_is_held_out(small: Trained) -> None:
    named = {line.partition("\t")[0] for line in small.files["vocab.txt"].decode().splitlines() if "\t" in line}
    learnt = {entry for name in OPEN for entry in part(name, held_out=False)}
    assert len(named) > 300
    assert named <= learnt


def test_hundreds_of_sentences_are_held_out_the_same_every_time() -> None:
    sentences = held_out()
    assert sentences == held_out()
    assert len(sentences) == sum(HELD_OUT.values()) >= 900
    assert len({sentence.text for sentence in sentences}) > 0.95 * len(sentences)


def test_a_held_out_sentence_is_no_training_sentence() -> None:
    learnt = {sentence.text for sentence in corpus(np.random.default_rng(0), SOME, held_out=False)}
    assert not learnt & {sentence.text for sentence in held_out()}


@pytest.mark.parametrize("held", [False, True])
def test_every_span_begins_and_ends_with_a_token_and_every_label_is_known(held: bool) -> None:
    for sentence in corpus(np.random.default_rng(1), SOME, held_out=held):
        tokens = tokens_of(sentence.text)
        starts, ends = {token.start for token in tokens}, {token.end for token in tokens}
        labelled = {**sentence.spans, **sentence.slots}
        assert labelled.keys() <= LABELS.spans.keys()
        objects = {relation.object for relation in sentence.relations}
        for span in [*objects, *(span for spans in labelled.values() for span in spans)]:
            assert span.start in starts, sentence.text
            assert span.end in ends, sentence.text
        for relation in sentence.relations:
            within = [label for label, spans in sentence.spans.items() if relation.subject in spans]
            assert any(relation.label in LABELS.inner.get(label, {}) for label in within), sentence


def test_joining_moves_what_is_said_of_the_second_text() -> None:
    first = Sentence("entities", "Anna slept.", spans={"person": {Span(0, 4)}})
    second = Sentence(
        "relations",
        "The boss of Jon is Acme",
        spans={"person": {Span(12, 15)}, "organisation": {Span(19, 23)}},
        relations={Relation(Span(12, 15), "employer", Span(19, 23))},
    )
    both = joined(first, ", and ", second)
    assert both.text == "Anna slept, and the boss of Jon is Acme"
    assert {both.text[a:b] for a, b in both.spans["person"]} == {"Anna", "Jon"}
    (relation,) = both.relations
    assert (both.text[slice(*relation.subject)], both.text[slice(*relation.object)]) == ("Jon", "Acme")


def test_fillings_of_a_kind_are_of_that_kind() -> None:
    fill = Fillings(np.random.default_rng(2), held_out=True)
    assert {fill.make("weekday").text for _ in range(60)} == set(lexicon.entries("weekday"))
    assert {fill.make("clock").lead for _ in range(20)} == {"at"}
