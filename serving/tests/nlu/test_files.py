"""config.json and vocab.txt: mounted files take precedence, change answers in place, and bad ones are one line."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from serving.errors import ModelUnusableError
from serving.payloads.nlu import PAYLOAD, model, understand
from serving.payloads.nlu.config import Config
from serving.payloads.nlu.features import text_features
from serving.payloads.nlu.model import Language
from serving.payloads.nlu.text import tokens_of
from serving.payloads.nlu.vocabulary import Vocabulary, VocabularyError, read
from serving.role import reloading
from serving.tests.nlu.conftest import Configured
from serving.tests.roles import mount
from serving.tests.support import Running, serve, wait_until

ASKED = ("person", "place", "organisation", "product")


def answer(language: Language, text: str, asked: dict[str, Any]) -> dict[str, Any]:
    return understand.answer(language, language.reader.question(text, asked))


def found(language: Language, text: str, asked: tuple[str, ...] = ASKED) -> dict[str, list[str]]:
    answered = answer(language, text, dict.fromkeys(asked))
    return {label: [one["text"] for one in spans] for label, spans in answered.items()}


def test_the_shipped_configuration_is_that_of_an_empty_file(nlu_folder: Path) -> None:
    shipped = (nlu_folder / "config.json").read_bytes()
    assert Config.model_validate_json(shipped) == Config.model_validate_json(b"{}") == Config()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("{", "Invalid JSON"),
        ("[]", "Input should be an object"),
        (
            '{"treshold": 1}',
            "treshold: unknown key; known keys: thresholds.span, thresholds.relation, thresholds.choice, ",
        ),
        ('{"thresholds": {"spans": 1}}', "thresholds.spans: unknown key; known keys: thresholds.span, "),
        ('{"thresholds": {"span": 1.5}}', "thresholds.span: Input should be less than or equal to 1"),
        ('{"maxLength": "512"}', "maxLength: Input should be a valid integer"),
        ('{"maxLength": 5000}', "maxLength: Input should be less than or equal to 4096"),
        ('{"lowerCase": "yes"}', "lowerCase: Input should be a valid boolean"),
        ('{"synonyms": {"celebrity": "preson"}}', "synonyms: 'preson' is an unknown label; use one that the model has"),
        ('{"synonyms": {"": "person"}}', "synonyms"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told_in_one_line(
    language: Language, nlu_folder: Path, content: str, line: str
) -> None:
    with pytest.raises(ModelUnusableError) as refused:
        language.configured(nlu_folder, {"config.json": content.encode()})
    assert str(refused.value).startswith("mounted config.json: ")
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "vocab.txt: is empty; write a word, or a name, a tab and its class, on each line"),
        (b"# only a comment\n\n", "vocab.txt: is empty"),
        (b"a\n\xff\n", "vocab.txt: is not UTF-8 text (invalid start byte at byte 2)"),
        (
            b"a\nOslo\ttown\n",
            "vocab.txt: line 2: 'town' is not a class; use entry<TAB>class, one of person, place, ",
        ),
        (b"a\nOslo\tplace\tNorway\n", "vocab.txt: line 2: 'place Norway' is not a class"),
        (b"a\n \tplace\n", "vocab.txt: line 2: the name has 0 words; use 1 to 8"),
        (b"a\n" + b"x " * 9 + b"\tplace\n", "vocab.txt: line 2: the name has 9 words; use 1 to 8"),
        (b"a" * (4 * 1024 * 1024 + 1), "vocab.txt: has 4194305 bytes, the limit is 4194304; shorten it"),
    ],
)
def test_a_vocabulary_that_cannot_be_used_is_told_in_one_line(content: bytes, line: str) -> None:
    with pytest.raises(VocabularyError) as refused:
        read(content, "vocab.txt", lower_case=False)
    assert str(refused.value).startswith(line)


def test_names_of_several_words_are_found_whole_and_the_longest_wins() -> None:
    vocabulary = read(
        b"in\nYork\tplace\nNew York\tplace\nNew York Times\torganisation\n", "vocab.txt", lower_case=False
    )
    tokens = ["In", "New", "York", "Times", "of", "York"]
    expected = ["", "organisation 0", "organisation 1", "organisation 1", "", "place 0"]
    assert vocabulary.hints(tokens, lower_case=False) == expected
    assert vocabulary.hints(["new", "york"], lower_case=False) == ["", ""]


def test_in_lower_case_names_are_found_however_they_are_written() -> None:
    vocabulary = read(b"in\nNew York\tplace\n", "vocab.txt", lower_case=True)
    assert vocabulary.hints(["NEW", "york"], lower_case=True) == ["place 0", "place 1"]


def test_in_lower_case_a_word_has_the_same_features_however_it_is_written() -> None:
    vocabulary = read(b"moved\n", "vocab.txt", lower_case=True)
    text = "McDonald moved to Paris on 3 May."
    once, shouted = (text_features(tokens_of(said), vocabulary, lower_case=True) for said in (text, text.upper()))
    assert once.tolist() == shouted.tolist()
    cased = text_features(tokens_of(text.upper()), vocabulary, lower_case=False)
    assert cased.tolist() != shouted.tolist(), "the shape of a word counts otherwise"


def test_words_are_known_in_any_case() -> None:
    assert read(b"Hello\r\n", "vocab.txt", lower_case=False) == Vocabulary(frozenset({"hello"}), {}, 0)


def test_a_mounted_file_wins_over_the_shipped_one_and_the_other_stays(nlu_folder: Path) -> None:
    language = model.load(nlu_folder, 1, {"config.json": b'{"maxLength": 99}'})
    assert language.config.max_length == 99
    assert len(language.vocabulary.words) > 300


def test_a_mounted_vocabulary_adds_to_the_shipped_one_and_wins_where_both_name_something(nlu_folder: Path) -> None:
    shipped = model.load(nlu_folder, 1, {}).vocabulary
    name, kind = next(iter(shipped.names.items()))
    other = "place" if kind == "person" else "person"
    both = model.load(
        nlu_folder, 1, {"vocab.txt": f"{' '.join(name)}\t{other}\nZorblax\tproduct\n".encode()}
    ).vocabulary
    assert both.words == shipped.words
    assert both.names == {**shipped.names, name: other, ("Zorblax",): "product"}


def test_a_missing_vocabulary_is_named(nlu_folder: Path, tmp_path: Path, language: Language) -> None:
    assert language.configured(nlu_folder, {})
    with pytest.raises(ModelUnusableError, match=r"config\.json: cannot be read"):
        language.configured(tmp_path, {})


INVENTED = ("Zorblax", "Quimby", "Tarvon", "Melkida", "Brunox", "Velisto", "Harkle", "Dunova")


def test_a_line_of_the_vocabulary_changes_what_a_name_is_taken_for(configured: Configured) -> None:
    """Counted over several names: the weights, and with them any one answer, differ from CPU to CPU.

    Each name stands alone and is listed as either class: an answer that ignores the line is right once at most.
    """
    followed = [
        found(configured(f"{name}\t{kind}"), f"{name}.", ("person", "place")) == {kind: [name], other: []}
        for name in INVENTED
        for kind, other in permutations(("person", "place"))
    ]
    assert sum(followed) > 1.25 * len(INVENTED)


def scores(*found: list[dict[str, Any]]) -> list[float]:
    return sorted(one["score"] for spans in found for one in spans)


def test_a_threshold_keeps_the_surer_part_of_what_is_found(configured: Configured) -> None:
    """Several names are found more and less surely on whatever CPU; a single one may be sure to the last bit."""
    text = " ".join(f"Anna {name} met Peter in {name}." for name in INVENTED)
    asked: dict[str, None] = dict.fromkeys(("person", "place"))
    plain = scores(*answer(configured(), text, asked).values())
    threshold = round((plain[0] + plain[-1]) / 2, 2)
    surer = answer(configured(thresholds={"span": threshold}), text, asked)
    assert scores(*surer.values()) == [s for s in plain if s >= threshold] != plain


def test_the_relation_threshold_is_one_of_its_own(configured: Configured) -> None:
    text, asked = " ".join(f"Anna Weber works for {name}." for name in INVENTED), {"person": {"employer": None}}
    plain, surer = (
        answer(configured(thresholds={"relation": threshold}), text, asked)["person"] for threshold in (0.5, 1.0)
    )
    assert scores(plain) == scores(surer)
    employers, fewer = (sum(len(person["inner"]["employer"]) for person in found) for found in (plain, surer))
    assert employers > fewer


def test_in_lower_case_a_text_says_the_same_however_it_is_written(configured: Configured) -> None:
    language = configured(lowerCase=True)
    text = "Anna Weber moved to Paris on Friday."
    plain = answer(language, text, dict.fromkeys(ASKED))
    shouted = answer(language, text.upper(), dict.fromkeys(ASKED))
    assert (
        [one["start"] for one in plain["place"]] == [one["start"] for one in shouted["place"]] == [text.index("Paris")]
    )
    assert shouted["place"][0]["text"] == "PARIS"


def environment(folder: Path) -> dict[str, str]:
    return {"SLIPWAY_CONFIG": str(folder)}


def ask(running: Running, asked: dict[str, Any]) -> tuple[int, str]:
    reply = running.client.post("/", json={"text": "Anna Weber moved to Paris.", "schema": asked})
    return reply.status_code, reply.headers["x-slipway-files"]


def test_mounted_files_are_taken_up_in_place_and_bad_ones_leave_the_old_ones_serving(
    nlu_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "LOOK_SECONDS", 0.02)
    folder = tmp_path / "config"
    mount(folder, "1", config_json="{}")
    with serve(PAYLOAD, environment=environment(folder), modelPath=str(nlu_folder)) as running:
        running.wait_ready()
        loaded = running.service.lifecycle.serving_model()
        first = ask(running, {"celebrity": None})
        assert first[0] == 422
        mount(folder, "2", config_json=json.dumps({"synonyms": {"celebrity": "person"}}))
        wait_until(lambda: ask(running, {"celebrity": None})[0] == 200, "the synonym is known")
        second = ask(running, {"celebrity": None})
        assert second[1] != first[1]
        assert running.service.lifecycle.serving_model().onnx is loaded.onnx, "the model was loaded again"
        mount(folder, "3", config_json='{"synonyms": {"celebrity": "nobody"}}')
        wait_until(lambda: running.metric("config_reloads_total", outcome="failed") == 1, "the file was refused")
        assert ask(running, {"celebrity": None}) == second
        assert running.client.get("/health").status_code == 200


@pytest.mark.parametrize("limit", [1, 4096])
def test_the_warm_up_fits_any_limit_of_the_configuration(nlu_folder: Path, tmp_path: Path, limit: int) -> None:
    mount(tmp_path / "config", "1", config_json=json.dumps({"maxLength": limit}))
    with serve(PAYLOAD, environment=environment(tmp_path / "config"), modelPath=str(nlu_folder)) as running:
        running.wait_ready()
