"""The schemas that editors use: fresh, true of what is shipped, and as strict about keys as the models are."""

import copy
from typing import Any, cast

import jsonschema
import pytest
import yaml

import catalog
from models.entry import CatalogueEntry
from models.schema import catalogue_schema, stack_schema
from models.stack import StackSettings
from schema import FOLDER, texts
from tests.each import each
from tests.program.keys import Keys, misspelt, one_of_each, renamed
from tests.program.maximal import ENTRY, STACK
from tests.recording import PROJECT
from tests.samples import Config, put

CATALOGUE, STACKS = catalogue_schema(), stack_schema()


def valid(schema: dict[str, Any], data: object) -> bool:
    return bool(cast("Any", jsonschema.Draft202012Validator(schema)).is_valid(data))


def entry() -> dict[str, Any]:
    return copy.deepcopy(cast("dict[str, Any]", catalog.read("classifier")))


@pytest.mark.parametrize("name", texts())
def test_the_committed_schema_is_what_the_models_say(name: str) -> None:
    assert (FOLDER / name).read_text() == texts()[name], "stale: run make schema"


def undescribed(name: str, schema: dict[str, Any]) -> list[str]:
    """The keys of a model that an editor shows without a word. A block is described by its own model."""
    return [
        f"{name}.{key}"
        for key, field in schema.get("properties", {}).items()
        if not {"description", "$ref"} & field.keys() and "$ref" not in str(field.get("items")) and "oneOf" not in field
    ]


def test_every_field_is_described() -> None:
    """Except those of an overlay, which are the service's own."""
    models = {**CATALOGUE["$defs"], **STACKS["$defs"]}
    models.pop("ServiceOverlay")
    assert len(models) > 100
    assert [key for name, model in models.items() for key in undescribed(name, model)] == []


def test_every_shipped_file_is_valid() -> None:
    assert catalog.names()
    assert all(valid(CATALOGUE, catalog.read(name)) for name in catalog.names())
    stacks = sorted(PROJECT.glob("Pulumi.*.yaml"))
    assert len(stacks) >= 3
    for stack in stacks:
        jsonschema.validate(yaml.safe_load(stack.read_text()), STACKS)


def test_a_mistyped_key_is_marked_in_the_editor() -> None:
    broken = entry()
    broken["services"]["classifier"]["prot"] = broken["services"]["classifier"].pop("port")
    assert not valid(CATALOGUE, broken)
    stack = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())
    stack["config"]["slipway:clustr"] = {}
    assert not valid(STACKS, stack)


def written(config: Config) -> Config:
    """A stack's settings as they stand in its file."""
    return {"config": {f"slipway:{key}": value for key, value in config.items()}}


def test_the_schemas_are_schemas_and_take_every_key_that_there_is() -> None:
    for schema, data in ((CATALOGUE, ENTRY), (STACKS, written(STACK))):
        cast("Any", jsonschema.Draft202012Validator).check_schema(schema)
        jsonschema.validate(data, schema)


@each("path", one_of_each(CatalogueEntry, ENTRY))
def test_a_mistyped_key_is_marked_at_every_level_of_an_entry(path: Keys) -> None:
    assert not valid(CATALOGUE, renamed(ENTRY, path, misspelt(path[-1])))


@each("path", one_of_each(StackSettings, STACK))
def test_a_mistyped_key_is_marked_at_every_level_of_a_stack(path: Keys) -> None:
    assert not valid(STACKS, written(renamed(STACK, path, misspelt(path[-1]))))


@pytest.mark.parametrize("path", ["services.Web", "stores.7", "environments.dev.jobs.a_b"])
def test_a_name_that_is_none_is_marked(path: str) -> None:
    assert not valid(CATALOGUE, put(ENTRY, path, {}))


@pytest.mark.parametrize(
    ("value", "fits"), [("text", True), ({"secure": "v1:abc"}, True), ({"secured": "v1:abc"}, False), (1, False)]
)
def test_a_secret_stands_in_the_file_encrypted_or_as_text(value: object, fits: bool) -> None:
    stack = put(STACK, "secrets.database.values.DATABASE_USER", value)
    assert valid(STACKS, written(stack)) == fits


def test_keys_of_other_namespaces_are_left_alone() -> None:
    stack = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())
    stack["config"]["kubernetes:suppressDeprecationWarnings"] = True
    assert valid(STACKS, stack)


@pytest.mark.parametrize(
    ("duration", "fits"), [("90s", True), ("1m30s", True), ("90", False), ("", False), (90, False)]
)
def test_durations_carry_their_unit(duration: object, fits: bool) -> None:
    given = entry()
    given["services"]["classifier"]["drain"] = {"preStop": duration}
    assert valid(CATALOGUE, given) == fits


def test_defaults_are_written_as_people_write_them() -> None:
    assert CATALOGUE["$defs"]["Drain"]["properties"]["preStop"]["default"] == "5s"
