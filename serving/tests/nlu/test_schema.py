"""Valid schemas; an invalid one is refused in one line with the nearest known label."""

import json
from typing import Any

import pytest

from serving.payloads.nlu import schema
from serving.payloads.nlu.config import Config
from serving.payloads.nlu.labels import Lookup
from serving.payloads.nlu.schema import MOST_LABELS, BadRequestError, Question, Reader, UnanswerableError
from serving.payloads.nlu.training.corpus.wordings import LABELS

TEXT = "Anna Weber works for Nokia."


def question(asked: dict[str, Any], text: str = TEXT, **config: Any) -> Question:
    return Reader(LABELS, Config.model_validate(config)).question(text, asked)


def test_labels_are_known_by_every_wording_that_was_learnt_in_any_case() -> None:
    for given in ("organisation", "Organization", "COMPANY", "institution"):
        (task,) = question({given: None}).spans
        assert (task.given, task.known.label) == (given, "organisation")
    for given in ("party size", "party_size", "Party-Size"):
        assert question({given: None}).spans[0].known.wording == "party size"


def test_an_inner_label_is_known_where_it_stands() -> None:
    (task,) = question({"person": {"company": None, "born in": None}}).spans
    assert [(one.known.label, one.kind) for one in task.inner] == [
        ("employer", "organisation"),
        ("birthplace", "place"),
    ]
    assert task.wordings == ["person company", "person born in"]


def test_choices_are_made_among_the_given_labels_in_their_order() -> None:
    (task,) = question({"sentiment": ["bad", "positive"]}).choices
    assert [(given, known.label) for given, known in task.options] == [("bad", "negative"), ("positive", "positive")]


def test_without_a_list_a_choice_has_all_its_labels() -> None:
    (task,) = question({"intent": None}).choices
    assert [given for given, _ in task.options] == list(LABELS.choices["intent"])


def test_labels_before_a_bar_are_the_choice_as_siamese_uninlu_writes_it() -> None:
    asked = question({"sentiment": None}, "positive,negative|The room was clean.")
    assert [given for given, _ in asked.choices[0].options] == ["positive", "negative"]
    assert asked.text == "The room was clean."
    assert asked.skipped == len("positive,negative|")


@pytest.mark.parametrize("text", ["this|that is text", "positive,sunny|that is text", "positive|", "positive| "])
def test_a_bar_in_a_text_is_text(text: str) -> None:
    asked = question({"sentiment": None}, text)
    assert (asked.text, asked.skipped) == (text, 0)
    assert len(asked.choices[0].options) == 3


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"preson": None}, "schema: 'preson' is an unknown label; did you mean 'person'?"),
        ({"zzz": None}, "schema: 'zzz' is an unknown label; known labels: acquisition, alarm time, artist, "),
        ({"employer": None}, "schema: 'employer' is known only inside 'person'"),
        (
            {"person": {"emploier": None}},
            "schema.person.emploier: 'emploier' is an unknown label; did you mean 'employer'?",
        ),
        (
            {"person": {"employer": {"x": None}}},
            "schema.person.employer: must be null; a schema is nested one level deep",
        ),
        ({"place": {"employer": None}}, "schema.place: no labels are known inside 'place', only inside ["),
        ({"person": ["positive"]}, "schema.person: finds spans; use null, or an object of labels"),
        ({"person": 3}, "schema.person: finds spans; use null, or an object of labels"),
        ({"sentiment": ["positve"]}, "schema.sentiment: 'positve' is an unknown label; did you mean 'positive'?"),
        ({"sentiment": []}, "schema.sentiment: chooses a label; use a list of labels, or null for all of them"),
        ({"sentiment": {"positive": None}}, "schema.sentiment: chooses a label; use a list of labels"),
        ({"sentiment": [1]}, "schema.sentiment: chooses a label; use a list of labels"),
        ({}, f"schema: has 0 labels; send 1 to {MOST_LABELS}"),
        ({f"l{i}": None for i in range(65)}, f"schema: has 65 labels; send 1 to {MOST_LABELS}"),
        ({"intent": ["book flight"] * 64}, f"schema: has 65 labels; send 1 to {MOST_LABELS}"),
    ],
)
def test_an_unanswerable_schema_is_refused_with_a_remedy(asked: dict[str, Any], line: str) -> None:
    with pytest.raises(UnanswerableError) as refused:
        question(asked)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_the_length_of_a_text_is_bounded_by_the_configuration() -> None:
    assert question({"person": None}, "x" * 20, maxLength=20)
    with pytest.raises(UnanswerableError, match="text: has 21 characters, the limit is 20; send it in parts"):
        question({"person": None}, "x" * 21, maxLength=20)
    with pytest.raises(UnanswerableError, match="text: is empty"):
        question({"person": None}, " \n")


def test_synonyms_of_the_configuration_are_labels_and_keys_too() -> None:
    synonyms = {"celebrity": "person", "boss": "employer", "mood": "sentiment", "super": "positive"}
    asked = question({"Celebrity": {"boss": None}, "mood": ["super", "negative"]}, synonyms=synonyms)
    assert asked.spans[0].known.label == "person"
    assert asked.spans[0].inner[0].known.label == "employer"
    assert asked.choices[0].key == "sentiment"
    assert [known.label for _, known in asked.choices[0].options] == ["positive", "negative"]


def test_a_synonym_never_takes_a_label_s_place() -> None:
    assert "person" in Lookup({"person": ()}, {})
    assert question({"person": None}, synonyms={"person": "place"}).spans[0].known.label == "person"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", "the body is not JSON ("),
        (b"{", "the body is not JSON ("),
        (b'{"text": "\\ud800", "schema": {}}', "the body is not JSON ("),
        (b"[" * 100_000, "the body is not JSON ("),
        (b"[]", "the body is a JSON list; send {"),
        (b"{}", "the body has nothing; send exactly a string 'text' and an object 'schema': {"),
        (b'{"text": 1, "schema": {}}', "the body has text, schema; send exactly a string 'text'"),
        (b'{"text": "x", "schema": []}', "the body has text, schema; send exactly a string 'text' and an object"),
        (b'{"text": "x", "schema": {}, "id": 1}', "the body has text, schema, id; send exactly"),
    ],
)
def test_an_invalid_body_is_answered_with_an_example(body: bytes, line: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        schema.read(body)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_the_example_in_the_message_is_a_request() -> None:
    text, asked = schema.read(schema.EXAMPLE.encode())
    assert (text, asked) == (json.loads(schema.EXAMPLE)["text"], {"person": None})
    assert question(asked, text)
