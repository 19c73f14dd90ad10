"""The schemas that editors use: fresh, true of what is shipped, and as strict about keys as the models are."""

import copy
from typing import Any, cast

import jsonschema
import pytest
import yaml

import catalog
from models.schema import catalogue_schema, stack_schema
from schema import FOLDER, texts
from tests.recording import PROJECT


def valid(schema: dict[str, Any], data: object) -> bool:
    return bool(cast("Any", jsonschema.Draft202012Validator(schema)).is_valid(data))


def entry() -> dict[str, Any]:
    return copy.deepcopy(cast("dict[str, Any]", catalog.read("classifier")))


@pytest.mark.parametrize("name", texts())
def test_the_committed_schema_is_what_the_models_say(name: str) -> None:
    assert (FOLDER / name).read_text() == texts()[name], "stale: run make schema"


def test_every_shipped_file_is_valid() -> None:
    assert catalog.names()
    assert all(valid(catalogue_schema(), catalog.read(name)) for name in catalog.names())
    stacks = sorted(PROJECT.glob("Pulumi.*.yaml"))
    assert len(stacks) >= 3
    for stack in stacks:
        jsonschema.validate(yaml.safe_load(stack.read_text()), stack_schema())


def test_a_mistyped_key_is_marked_in_the_editor() -> None:
    broken = entry()
    broken["services"]["classifier"]["prot"] = broken["services"]["classifier"].pop("port")
    assert not valid(catalogue_schema(), broken)
    stack = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())
    stack["config"]["slipway:clustr"] = {}
    assert not valid(stack_schema(), stack)


def test_keys_of_other_namespaces_are_left_alone() -> None:
    stack = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())
    stack["config"]["kubernetes:suppressDeprecationWarnings"] = True
    assert valid(stack_schema(), stack)


@pytest.mark.parametrize(
    ("duration", "fits"), [("90s", True), ("1m30s", True), ("90", False), ("", False), (90, False)]
)
def test_durations_carry_their_unit(duration: object, fits: bool) -> None:
    given = entry()
    given["services"]["classifier"]["drain"] = {"preStop": duration}
    assert valid(catalogue_schema(), given) == fits


def test_defaults_are_written_as_people_write_them() -> None:
    assert catalogue_schema()["$defs"]["Drain"]["properties"]["preStop"]["default"] == "5s"
