"""Settings and environment: accepted as documented, and refused with one line that names the key."""

import json
from pathlib import Path

import pytest
from pydantic.alias_generators import to_camel

from serving.identity import UNKNOWN, Identity
from serving.settings import Ports, Settings, SettingsError, load, ports

KEYS = [to_camel(name) for name in Settings.model_fields]


def given(tmp_path: Path, content: object) -> dict[str, str]:
    path = tmp_path / "settings.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return {"SLIPWAY_SETTINGS": str(path)}


def test_every_documented_key_is_read(tmp_path: Path) -> None:
    content = {
        "modelName": "numerals",
        "modelPath": "/m",
        "queueLimit": 1,
        "requestTimeoutSeconds": 2.5,
        "drainSeconds": 3,
        "logLevel": "debug",
        "topK": 4,
        "variant": "int8",
    }
    assert sorted(content) == sorted(KEYS)
    settings = load(given(tmp_path, content))
    assert settings.model_dump(by_alias=True) == content
    assert settings.request_timeout_seconds == 2.5


def test_every_key_is_optional(tmp_path: Path) -> None:
    assert load(given(tmp_path, {})) == Settings()


def test_without_the_variable_a_missing_default_file_means_defaults() -> None:
    assert load({}) == Settings()


@pytest.mark.parametrize("key", KEYS)
def test_a_key_with_one_letter_changed_is_refused_with_the_right_name(tmp_path: Path, key: str) -> None:
    typo = "x" + key[1:]
    with pytest.raises(SettingsError, match=f"{typo}: unknown key; did you mean {key}\\?") as caught:
        load(given(tmp_path, {typo: 1}))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("modelName", "a/b"),
        ("modelPath", ""),
        ("queueLimit", -1),
        ("queueLimit", "64"),
        ("requestTimeoutSeconds", 0),
        ("drainSeconds", 0.5),
        ("logLevel", "loud"),
        ("topK", 0),
    ],
)
def test_a_value_outside_its_limits_is_refused_by_key(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"{key}: ") as caught:
        load(given(tmp_path, {key: value}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError, match=r"settings\.json"):
        load(given(tmp_path, content))


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load({"SLIPWAY_SETTINGS": str(tmp_path / "no.json")})


@pytest.mark.parametrize("value", ["", "0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    for variable in ("PORT", "SLIPWAY_MANAGEMENT_PORT"):
        with pytest.raises(SettingsError, match=f"^{variable}: "):
            ports({variable: value})


def test_the_port_is_5000_unless_given_and_there_is_no_management_port() -> None:
    assert ports({}) == Ports(5000, None)
    assert ports({"PORT": "8080", "SLIPWAY_MANAGEMENT_PORT": "9090"}) == Ports(8080, 9090)


def test_the_two_ports_differ() -> None:
    with pytest.raises(SettingsError, match="SLIPWAY_MANAGEMENT_PORT: 5000 is also PORT; use another number"):
        ports({"SLIPWAY_MANAGEMENT_PORT": "5000"})


def test_the_identity_comes_from_the_pods_environment_and_is_unknown_without() -> None:
    assert Identity.from_environment({}).slot == UNKNOWN
    assert Identity.from_environment({"SLIPWAY_SLOT": "green"}).slot == "green"


def test_an_identity_that_would_break_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="SLIPWAY_VERSION"):
        Identity.from_environment({"SLIPWAY_VERSION": "a\r\nSet-Cookie: x"})
