"""Reading a catalogue file: what is no clean YAML never gets as far as the models."""

from pathlib import Path

import pytest

import catalog
from models.errors import ConfigurationError


def reading(folder: Path, name: str = "shop") -> str:
    with pytest.raises(ConfigurationError) as raised:
        catalog.read(name, folder)
    (fault,) = raised.value.faults
    assert "\n" not in fault
    return fault


def test_an_entry_is_given_as_plain_data(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("name: shop\nservices: {web: {port: 5000}}\n")
    assert catalog.read("shop", tmp_path) == {"name": "shop", "services": {"web": {"port": 5000}}}


def test_an_unknown_entry_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    for name in ("shop", "store"):
        (tmp_path / f"{name}.yaml").touch()
    assert reading(tmp_path, "shpo") == (
        "slipway:system.entry: 'shpo' is not in the catalogue (shop, store); did you mean 'shop'?"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: a\nname: b\n", ", line 2, name: not valid YAML: the key occurs twice"),
        ("services:\n  web: {port: 1, port: 2}\n", ", line 2, services.web.port: not valid YAML: the key occurs twice"),
        ("name: [unclosed\n", ", line 2: not valid YAML: did not find expected"),
        ("name: !!python/object/apply:os.system [ls]\n", "python/object/apply:os.system is not supported"),
        ("a: b: c\n", ", line 1: not valid YAML: mapping values are not allowed"),
        ("{[a]: 1}\n", "a key must be text"),
    ],
)
def test_what_is_no_clean_yaml_is_refused_with_its_file(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "shop.yaml").write_text(text)
    fault = reading(tmp_path)
    assert fault.startswith("catalog/shop.yaml, line ")
    assert reason in fault


def test_bytes_that_are_no_text_are_refused_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_bytes(b"name: \xff\xfe\n")
    assert reading(tmp_path) == "catalog/shop.yaml, line 1: not UTF-8; save the file as UTF-8"


def test_the_shipped_catalogue_is_not_empty() -> None:
    assert "classifier" in catalog.names()
