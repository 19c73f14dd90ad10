"""Answers: positions of spans, relations of the right subject, choices; no text or schema breaks the server."""

import json
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.payloads.nlu import understand
from serving.payloads.nlu.text import tokens_of
from serving.payloads.nlu.training.corpus.wordings import LABELS
from serving.payloads.nlu.training.measure import Ask
from serving.payloads.nlu.understand import spans_of
from serving.tests.nlu.conftest import Configured
from serving.tests.support import Running

FLIGHT = "I need a flight from Berlin to Madrid."


def texts(spans: list[dict[str, Any]]) -> list[str]:
    return [span["text"] for span in spans]


def test_entities_are_found_with_their_places_in_the_text(ask: Ask) -> None:
    text = "Anna Weber moved to Paris."
    answer = ask(text, {"person": None, "place": None, "product": None})
    assert texts(answer["person"]) == ["Anna Weber"]
    assert texts(answer["place"]) == ["Paris"]
    assert answer["product"] == []
    for spans in answer.values():
        assert all(text[span["start"] : span["end"]] == span["text"] for span in spans)


def test_a_relation_belongs_to_its_subject(ask: Ask) -> None:
    answer = ask(
        "Anna Weber works for Siemens. Peter Koch lives in Paris.", {"person": {"employer": None, "residence": None}}
    )
    anna, peter = (person["inner"] for person in answer["person"])
    assert texts(anna["employer"]) == ["Siemens"]
    assert texts(peter["residence"]) == ["Paris"]
    assert anna["employer"][0]["score"] > max([0, *(one["score"] for one in peter["employer"])])
    assert peter["residence"][0]["score"] > max([0, *(one["score"] for one in anna["residence"])])


def test_the_intent_and_the_slots_of_a_request_are_found_in_one_answer(ask: Ask) -> None:
    answer = ask(FLIGHT, {"intent": None, "origin": None, "destination": None})
    assert answer["intent"]["label"] == "book flight"
    assert sum(answer["intent"]["scores"].values()) == pytest.approx(1, abs=0.001)
    assert texts(answer["origin"])[0] == "Berlin"
    assert texts(answer["destination"]) == ["Madrid"]


def test_a_label_is_read_in_the_words_of_the_client(ask: Ask) -> None:
    plain = ask(FLIGHT, {"destination": None})
    other = ask(FLIGHT, {"target city": None})
    assert list(other) == ["target city"]
    assert texts(other["target city"]) == texts(plain["destination"]) == ["Madrid"]


def test_what_else_a_schema_asks_changes_no_answer_and_neither_does_its_order(ask: Ask) -> None:
    alone = ask(FLIGHT, {"origin": None})
    among = ask(FLIGHT, {"intent": None, "time": None, "origin": None, "person": {"employer": None}})
    turned = ask(FLIGHT, {"origin": None, "intent": None})
    assert alone["origin"] == turned["origin"]
    assert texts(alone["origin"]) == texts(among["origin"])
    assert alone["origin"][0]["score"] == pytest.approx(among["origin"][0]["score"], abs=1e-3)


def test_sentiment_is_chosen_among_the_given_labels(ask: Ask) -> None:
    praise, blame = (
        ask(f"The room is {word}.", {"sentiment": ["negative", "positive"]})["sentiment"]
        for word in ("excellent", "terrible")
    )
    assert praise["scores"]["positive"] > blame["scores"]["positive"]
    for answer in (praise, blame):
        assert list(answer["scores"]) == ["negative", "positive"]
        assert answer["label"] == max(answer["scores"], key=answer["scores"].get)
    only = ask("The room is terrible.", {"sentiment": ["positive"]})["sentiment"]
    assert (only["label"], only["score"]) == ("positive", 1.0)


def test_labels_before_the_text_are_no_part_of_it(ask: Ask) -> None:
    text = "positive,negative|Anna Weber moved to Paris."
    answer = ask(text, {"sentiment": None, "person": None})
    assert set(answer["sentiment"]["scores"]) == {"positive", "negative"}
    (person,) = answer["person"]
    assert text[person["start"] : person["end"]] == person["text"] == "Anna Weber"


def test_a_text_without_a_word_has_empty_answers(ask: Ask) -> None:
    assert tokens_of("\u2003") == []
    assert ask("positive,negative|\u2003.", {"person": None})["person"] == []


def test_subjects_far_apart_keep_their_own_relations(configured: Configured) -> None:
    one = "Anna Weber works for Siemens. "
    language = configured(maxLength=4096)
    text = one + "It rained. " * 100 + one
    answer = understand.answer(language, language.reader.question(text, {"person": {"employer": None}}))
    employers = [employer["start"] for person in answer["person"] for employer in person["inner"]["employer"]]
    assert employers == [text.index("Siemens"), text.rindex("Siemens")]


def test_what_is_said_of_a_late_subject_is_found_where_it_stands(configured: Configured) -> None:
    language = configured(maxLength=4096)
    late = "The battery is really terrible. The room is very good. The staff was rude. "
    text = "It rained. " * 100 + late
    found = understand.answer(language, language.reader.question(text, {"aspect": {"opinion": None}}))["aspect"]
    opinions = [one["text"] for aspect in found if aspect["start"] > 1100 for one in aspect["inner"]["opinion"]]
    assert set(opinions) & {"terrible", "good", "rude"}
    assert all(set(opinion.split()) <= set(late.replace(".", " ").split()) for opinion in opinions)


def test_many_subjects_are_taken_in_parts(configured: Configured) -> None:
    language = configured(maxLength=4096)
    text = "Anna Weber works for Siemens. " * 70
    answer = understand.answer(language, language.reader.question(text, {"person": {"employer": None}}))
    assert len(answer["person"]) == 70
    assert sum(len(person["inner"]["employer"]) >= 1 for person in answer["person"]) >= 60


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), max_size=12), st.floats(0, 1))
def test_spans_are_in_order_apart_and_score_what_was_asked(rows: list[tuple[float, ...]], threshold: float) -> None:
    tags = np.array(rows, np.float32).reshape(-1, 3) + np.float32(1e-6)
    tags /= tags.sum(-1, keepdims=True)
    spans = list(spans_of(tags, threshold))
    edges = [edge for span in spans for edge in span[:2]]
    assert edges == sorted(edges)
    assert all(0 <= span.first < span.last <= len(rows) and span.score >= threshold for span in spans)


@pytest.mark.parametrize(("lower", "higher"), [(0.5, 0.7), (0.6, 0.95)])
def test_a_higher_threshold_only_drops_spans(ask: Ask, configured: Configured, lower: float, higher: float) -> None:
    text = "Anna Weber and Zolmer Brix met Nokia in Paris, Oslo and Klemberton."
    found: list[set[tuple[str, str]]] = []
    for threshold in (lower, higher):
        language = configured(thresholds={"span": threshold})
        answer = understand.answer(language, language.reader.question(text, {"person": None, "place": None}))
        found.append({(label, one) for label, spans in answer.items() for one in texts(spans)})
    assert found[1] <= found[0]
    assert ask(text, {"person": None})["person"]


def test_a_choice_below_the_threshold_is_null(configured: Configured) -> None:
    unsure = configured(thresholds={"choice": 1.0})
    answer = understand.answer(unsure, unsure.reader.question("The lamp.", {"sentiment": None}))
    assert answer["sentiment"]["label"] is None
    assert 0 < answer["sentiment"]["score"] < 1


LABEL = st.sampled_from(
    ["person", "acquisition", "sentiment", "intent", "origin", "employer", "buyer", "PEOPLE", "x", ""]
)
INSIDE = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=3),
    st.lists(st.one_of(LABEL, st.sampled_from(["positive", "bad", "music"]), st.none()), max_size=3),
    st.dictionaries(LABEL, st.one_of(st.none(), st.dictionaries(LABEL, st.none(), max_size=1)), max_size=3),
)
WORDS = st.lists(
    st.sampled_from(["Anna", "Weber", "bought", "Nokia", "in", "Oslo", ".", ",", "|", "'s", "$5"]), max_size=9
)
TEXTS = st.one_of(st.text(max_size=60), WORDS.map(" ".join))


def every_span(output: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for answer in output.values():
        if isinstance(answer, list):
            for span in cast("list[dict[str, Any]]", answer):
                yield span
                for inner in span.get("inner", {}).values():
                    yield from inner


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.dictionaries(LABEL, INSIDE, max_size=4))
def test_no_text_and_no_schema_breaks_the_server_and_spans_lie_in_the_text(
    running: Running, text: str, asked: dict[str, Any]
) -> None:
    body = json.dumps({"text": text, "schema": asked}).encode()
    reply = running.client.post("/", content=body)
    assert reply.status_code in {200, 400, 422}, reply.text
    if reply.status_code != 200:
        assert list(reply.json()) == ["error"]
        return
    output = reply.json()["output"]
    assert output.keys() == asked.keys()
    for span in every_span(output):
        assert 0 <= span["start"] < span["end"] <= len(text)
        assert text[span["start"] : span["end"]] == span["text"]
        assert 0 <= span["score"] <= 1


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_no_body_breaks_the_server(running: Running, body: bytes) -> None:
    assert running.client.post("/", content=body).status_code in {200, 400, 422}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_tokens_are_the_text_without_its_white_space(text: str) -> None:
    tokens = tokens_of(text)
    assert "".join(token.text for token in tokens) == "".join(text.split())
    assert all(text[token.start : token.end] == token.text for token in tokens)


def test_every_label_of_the_model_can_be_asked_for(ask: Ask) -> None:
    for label in LABELS.spans:
        inner = LABELS.inner.get(label)
        assert label in ask(FLIGHT, {label: dict.fromkeys(inner) if inner else None})
