"""A fault names the file and the line of the value."""

from pathlib import Path

import pytest
import yaml

from catalog.fault_lines import located

STACK = """\
config:
  # the cluster
  slipway:cluster:
    context: prod
  slipway:release:
    web:
      slots:
        a.b: {image: x}
  slipway:source: staging
"""
ENTRY = """\
name: shop
services:
  web:
    port: 5000
    mounts:
      - {path: /a}
      - {path: b}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    (tmp_path / "shop.yaml").write_text(ENTRY)
    return tmp_path


def of(files: Path, *faults: str, **changed: object) -> list[str]:
    config = yaml.safe_load(STACK)["config"]
    values = {key.removeprefix("slipway:"): value for key, value in config.items()} | changed
    return located(faults, values, files / "Pulumi.prod.yaml", files)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("slipway:cluster.context: 'prod': x", 4),
        ("slipway:cluster.missing.key: required, but not set", 3),
        ("slipway:release.web.slots.a.b.image: x", 8),
        ("slipway:source: x: y", 9),
    ],
)
def test_a_fault_of_the_stack_names_the_deepest_line_on_its_path(files: Path, fault: str, line: int) -> None:
    assert of(files, fault) == [f"Pulumi.prod.yaml, line {line}: {fault}"]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("services.web.port: 70000: x", 4),
        ("services.web.mounts.1.path: must be absolute", 7),
        ("services.web.probes.x: required", 3),
    ],
)
def test_a_fault_of_an_entry_names_the_deepest_line_on_its_path(files: Path, said: str, line: int) -> None:
    assert of(files, f"catalog/shop.yaml: {said}") == [f"catalog/shop.yaml, line {line}: {said}"]


@pytest.mark.parametrize(
    "fault",
    [
        "slipway:image.tag: x",  # in another file, such as Pulumi.yaml
        "catalog/other.yaml: services.web: x",
        "catalog/shop.yaml: unknown: x",
        "catalog/shop.yaml, line 2, name: x",  # has its line
        "the cluster does not answer",
    ],
)
def test_a_fault_whose_value_is_nowhere_stays_as_it_is(files: Path, fault: str) -> None:
    assert of(files, fault) == [fault]


def test_a_file_with_another_value_is_not_named(files: Path) -> None:
    """The values come from another file: ``pulumi up --config-file``."""
    fault = "slipway:source: 5: x"
    assert of(files, fault, source=5) == [fault]


def test_a_value_that_is_stored_as_json_or_encrypted_has_the_line_of_its_key(files: Path) -> None:
    text = "config:\n  slipway:tracing: '{\"url\": 5}'\n  slipway:image:\n    secure: abc\n"
    (files / "Pulumi.prod.yaml").write_text(text)
    faults = of(files, "slipway:tracing.url: 5: x", "slipway:image.tag: x", tracing={"url": 5}, image={"tag": "x"})
    assert [fault.split(": ")[0] for fault in faults] == ["Pulumi.prod.yaml, line 2", "Pulumi.prod.yaml, line 3"]


def test_a_file_that_cannot_be_read_ends_the_search(files: Path) -> None:
    (files / "Pulumi.prod.yaml").write_text("config: [\n")
    (files / "shop.yaml").unlink()
    faults = ["slipway:source: x", "catalog/shop.yaml: services.web: x"]
    assert of(files, *faults) == faults
