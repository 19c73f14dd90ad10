"""A fault reads: where, what was given, the rule, what to do. One line each, and never a secret."""

from typing import Any

import pytest

from models.base import Model
from models.entry import CatalogueEntry
from models.errors import SECRET_LOOKING, nearest
from models.image import ImageSettings
from models.parsing import decoded
from models.service import ServiceSpec
from models.stack import StackSettings
from tests.each import each
from tests.samples import accepted, entry, put, refused, service, stack


@each(
    ("data", "line"),
    [
        (put(entry(), "services.web.prot", 1), "given: services.web.prot: unknown key; did you mean 'port'?"),
        (
            put(entry(), "services.web.scaling.metrics.cpu.utilisation", 70),
            "given: services.web.scaling.metrics.cpu.utilisation: unknown key; did you mean 'utilization'?",
        ),
        (put(entry(), "services.web.route.zzz", 1), "given: services.web.route.zzz: unknown key; known keys: host, "),
        (put(entry(), "services.web.resources.limits.cpu", "1x"), "given: services.web.resources.limits.cpu: '1x': a "),
        (put(entry(), "services.W", service()), "given: services.W: 'W': a name contains only lowercase"),
        (put(entry(), "services", []), "given: services: must be a map"),
        (put(entry(), "environments.dev", None), "given: environments.dev: None: must be a map"),
        ("text", "given: 'text': must be a map"),
        (None, "given: None: must be a map"),
    ],
)
def test_a_line_names_the_path_the_value_and_the_rule(data: object, line: str) -> None:
    (fault,) = refused(CatalogueEntry, data)
    assert fault.startswith(line)


@pytest.mark.parametrize(
    ("scaling", "path"),
    [
        ({"replicas": 0}, "scaling.replicas"),
        ({"minReplicas": 0, "maxReplicas": 1, "metrics": {"cpu": {"utilization": 1}}}, "scaling.minReplicas"),
        ({"minReplicas": 2, "maxReplicas": 1, "metrics": {"cpu": {"utilization": 1}}}, "scaling"),
        (5, "scaling"),
    ],
)
def test_the_arms_of_a_union_are_no_part_of_the_path(scaling: object, path: str) -> None:
    (fault,) = refused(ServiceSpec, service(scaling=scaling))
    assert fault.startswith(f"given: {path}: ")


def test_every_fault_has_a_line_and_no_fault_has_two() -> None:
    data = put(put(put(service(), "port", 0), "model.path", "x"), "resources.requests.cpu", "1x")
    assert [fault.split(": ")[1] for fault in refused(ServiceSpec, data)] == [
        "port",
        "model.path",
        "resources.requests.cpu",
    ]


@each(
    ("given", "line"),
    [
        ({"args": "serve"}, "args: 'serve': must be a list"),
        ({"args": [1]}, "args.0: 1: must be text; quote it"),
        ({"env": {"A": True}}, "env.A: True: must be text; quote it"),
        ({"env": ["A"]}, "env: must be a map"),
        ({"drain": "30s"}, "drain: '30s': must be a map"),
        ({"files": {"files": {}}}, "files.files: must not be empty; add at least one"),
        ({"account": {"permissions": [{"resources": ["*"], "verbs": ["get"]}]}}, (
            "account.permissions.0.resources.0: '*': a wildcard grants access to more than intended; name each resource"
        )),
    ],
)  # fmt: skip
def test_what_belongs_there_is_said_in_words_of_the_file_and_once(given: dict[str, Any], line: str) -> None:
    assert refused(ServiceSpec, service(**given)) == (f"given: {line}",)


@pytest.mark.parametrize(
    "key", ["two\nlines", "two\r\nlines", "tab\there", "\u2028", "k" * 100_000], ids=lambda x: x[:10]
)
@pytest.mark.parametrize("path", ["services", "environments.dev.services", "services.web.env", "services.web"])
def test_a_key_of_any_content_stays_on_one_short_line(path: str, key: str) -> None:
    faults = refused(CatalogueEntry, put(entry(), path, {**entry()["services"], key: 1}))
    assert all(len(fault) < 600 and len(fault.splitlines()) == 1 for fault in faults)
    assert any(key[:3] in fault or "\\u2028" in fault for fault in faults)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"env": {"A": "x\x07y"}}, "env.A"),
        ({"args": ["a", "x\x00"]}, "args.1"),
        ({"files": {"files": {"a": "\ufffe"}}}, "files.files.a"),
        ({"env": {"two\nlines": "\x1b[0m"}}, "env.two\\nlines"),
    ],
)
def test_text_that_no_manifest_can_hold_is_refused_and_not_repeated(given: dict[str, Any], path: str) -> None:
    (fault,) = refused(ServiceSpec, service(**given))
    code = {"env.A": "0007", "args.1": "0000", "files.files.a": "FFFE"}.get(path, "001B")
    assert fault == f"given: {path}: contains U+{code}, which a manifest cannot contain; remove it, or encode the text"


@pytest.mark.parametrize("text", ["tab\t", "two\nlines\r\n", "ä€😀", "", "~"])
def test_text_that_yaml_can_hold_is_accepted(text: str) -> None:
    assert accepted(ServiceSpec, service(env={"A": text})).env["A"] == text


@pytest.mark.parametrize("key", [5, True, None, 1.5])
def test_a_key_that_is_no_text_is_refused(key: object) -> None:
    (fault,) = refused(ServiceSpec, {**service(), key: 1})
    assert fault.endswith("Keys should be strings")


@pytest.mark.parametrize("word", SECRET_LOOKING)
def test_what_looks_like_a_secret_is_never_repeated(word: str) -> None:
    data = {"registry": "localhost:5050", "args": {f"REGISTRY_{word.upper()}": 12345678}}
    (fault,) = refused(ImageSettings, data)
    assert fault.startswith(f"given: args.REGISTRY_{word.upper()}: [secret]: ")
    assert "12345678" not in fault


def test_a_value_under_an_unknown_key_is_never_repeated() -> None:
    (fault,) = refused(ImageSettings, {"registry": "localhost:5050", "passwort": "hunter2"})
    assert "hunter2" not in fault


def test_a_long_value_is_shortened_and_a_value_of_two_lines_stays_on_one() -> None:
    (fault,) = refused(StackSettings, stack(image={"registry": "x\n" + "y" * 5000}))
    assert len(fault) < 250
    assert "\n" not in fault


@pytest.mark.parametrize(
    "data",
    [
        service(health={"progress_deadline": "1s"}),
        service(rollout={"max_surge": 2}),
        put(service(), "resources.requests.ephemeral_storage", "1Gi"),
        {
            **service(scaling={}),
            "scaling": {"min_replicas": 1, "max_replicas": 2, "metrics": {"cpu": {"utilization": 1}}},
        },
    ],
    ids=["health", "rollout", "resources", "scaling"],
)
def test_keys_of_python_are_no_keys_of_the_configuration(data: dict[str, Any]) -> None:
    assert any("unknown key" in fault for fault in refused(ServiceSpec, data))


@pytest.mark.parametrize(
    ("given", "valid", "phrase"),
    [
        ("contxt", ["context", "traffic"], "; did you mean 'context'?"),
        ("zzz", ["context"], ""),
        ("anything", [], ""),
    ],
)
def test_the_nearest_name_is_suggested_only_when_one_is_near(given: str, valid: list[str], phrase: str) -> None:
    assert nearest(given, valid) == phrase


@each(
    ("text", "value"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("[1, 2]", [1, 2]),
        ("plain", "plain"),
        ("1.10", "1.10"),
        ("true", "true"),
        ("{broken", "{broken"),
        ("[1,", "[1,"),
    ],
)
def test_only_json_objects_and_lists_are_decoded(text: str, value: object) -> None:
    assert decoded(text) == value


def test_a_model_is_frozen() -> None:
    given = accepted(ServiceSpec, service())
    with pytest.raises(ValueError, match="frozen"):
        given.port = 1  # pyright: ignore[reportAttributeAccessIssue]


class _Arms(Model):
    maybe: ServiceSpec | None = None


def test_a_path_goes_through_an_optional_block() -> None:
    (fault,) = refused(_Arms, {"maybe": put(service(), "model.nme", "x")})
    assert fault.startswith("given: maybe.model.nme: unknown key; did you mean 'name'?")


def test_an_unknown_kind_is_one_line_with_those_that_there_are() -> None:
    (line,) = refused(ServiceSpec, service(release={"strategy": "canari"}))
    assert line == ("given: release: 'canari' is not one of rolling, blueGreen, canary, ab; did you mean 'canary'?")
