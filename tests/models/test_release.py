"""What each slot runs, and how requests are split: for each rule, what is accepted and what is refused."""

from typing import Any

import pytest

from models.release import BUILT, ServiceRelease, SlotRelease
from tests.each import each
from tests.samples import IMAGE, OTHER_IMAGE, Config, accepted, refused, release

ONE = {"slots": {"blue": {"image": IMAGE}}}


@each(
    "data",
    [
        ONE,
        {"slots": {"blue": {}}},
        {"slots": {"green": {"image": IMAGE}}, "live": "green"},
        release(),
        release(weight=0),
        release(weight=100),
        release(live="green", weight=20),
        release(match={"header": {"name": "X-Canary"}}),
        release(match={"header": {"name": "X-Forwarded"}, "cookie": "Host"}),
        release(match={"header": {"name": "X-Canary", "value": "a b\tc"}}),
        release(match={"header": {"name": "X-Canary", "value": "yes"}}),
        release(match={"header": {"name": "X-Canary", "pattern": "^b"}, "cookie": "canary"}),
        {"slots": {"blue": {"image": IMAGE, "server": {"queueLimit": 3}}}},
    ],
)
def test_a_release_that_keeps_the_rules_is_accepted(data: dict[str, Any]) -> None:
    assert accepted(ServiceRelease, data)


@each(
    ("data", "line"),
    [
        ({"slots": {}}, "given: slots: "),
        ({}, "given: slots: required, but not set"),
        ({**ONE, "live": "green"}, "given: live is green, but slots contains only blue; fill slots.green"),
        ({**ONE, "live": "red"}, "given: live: 'red': "),
        ({"slots": {"red": {}}}, "given: slots.red: 'red': "),
        ({**ONE, "weight": 20}, "given: weight and match require the other slot, which is not filled"),
        ({**ONE, "match": {"cookie": "c"}}, "given: weight and match require the other slot"),
        (release(weight=101), "given: weight: 101: must be at most 100"),
        (release(weight=-1), "given: weight: -1: "),
        (release(weight="20"), "given: weight: '20': "),
        (release(weight=0.2), "given: weight: 0.2: "),
        (
            release(match={"header": {"name": "X", "value": "a", "pattern": "b"}}),
            "given: match.header: set value or pattern, not both",
        ),
        (release(match={"header": {"name": "X", "pattern": "("}}), "given: match.header.pattern: '(': not a regular"),
        (release(match={"header": {"name": "X Y"}}), "given: match.header.name: 'X Y': a header or cookie name"),
        (release(match={"header": {"name": "X", "value": ""}}), "given: match.header.value: '': "),
        *(
            (
                release(match={"header": {"name": name}}),
                f"given: match.header.name: {name!r}: proxies remove or replace this header before they match it",
            )
            for name in ("Host", "connection", "Transfer-Encoding", "X-Forwarded-For", "X-Real-IP")
        ),
        *(
            (
                release(match={"header": {"name": "X", "value": value}}),
                f"given: match.header.value: {value!r}: a header's value contains no line break and no space at its",
            )
            for value in (" a", "a ", "a\nb", "\ta")
        ),
        (release(match={"cookie": "a;b"}), "given: match.cookie: 'a;b': a header or cookie name"),
        ({"slots": {"blue": {"image": "server:v1"}}}, "given: slots.blue.image: 'server:v1': an image must be"),
        ({"slots": {"blue": {"imag": IMAGE}}}, "given: slots.blue.imag: unknown key; did you mean 'image'?"),
        ({"slots": {"blue": {"server": {"topK": 0}}}}, "given: slots.blue.server.topK: 0: "),
    ],
)
def test_a_release_that_breaks_a_rule_is_refused_in_one_line(data: dict[str, Any], line: str) -> None:
    (fault,) = refused(ServiceRelease, data)
    assert fault.startswith(line)


def test_the_weight_is_what_the_other_slot_answers() -> None:
    given = accepted(ServiceRelease, release(weight=20))
    assert (given.canary, given.weight_of("blue"), given.weight_of("green")) == ("green", 80, 20)
    swapped = accepted(ServiceRelease, release(weight=20, live="green"))
    assert (swapped.canary, swapped.weight_of("blue"), swapped.weight_of("green")) == ("blue", 20, 80)


def test_one_filled_slot_answers_everything_and_has_no_canary() -> None:
    given = accepted(ServiceRelease, ONE)
    assert (given.canary, given.weight_of("blue")) == (None, 100)


def test_each_slot_keeps_its_own_image() -> None:
    slots = accepted(ServiceRelease, release()).slots
    assert {slot: content.image for slot, content in slots.items()} == {"blue": IMAGE, "green": OTHER_IMAGE}


def test_without_a_release_the_built_image_runs_in_blue() -> None:
    assert (BUILT.live, BUILT.canary, BUILT.slots["blue"].image) == ("blue", None, None)


@pytest.mark.parametrize("own", [{"server": {"topK": 5}}, {"files": {"a": "b"}}])
def test_a_revision_holds_model_settings_and_files_already(own: Config) -> None:
    (line,) = refused(SlotRelease, {"revision": "0123456789abcdef", **own})
    assert f"already contains model, server and files; remove {next(iter(own))}" in line
    assert accepted(SlotRelease, {"revision": "tree", **own}).pinned is None


def test_a_revision_is_a_hash_or_the_keyword() -> None:
    (line,) = refused(SlotRelease, {"revision": "head"})
    assert line.startswith("given: revision: ")
