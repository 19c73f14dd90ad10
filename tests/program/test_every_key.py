"""A misspelt key of every model, and of every map that is referred to: refused with its path, before anything else.

One key of each model is enough: whether unknown keys are refused is a setting of the model, not of its keys.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import catalog
from models.entry import CatalogueEntry
from models.stack import StackSettings
from tests.program.keys import Keys, dotted, fields_below, given_keys, misspelt, one_of_each, renamed
from tests.program.maximal import DEPLOYABLE, ENTRY, STACK, VARIABLES
from tests.recording import Recorded, refusal_of, run_main
from tests.samples import Config, refused

SAMPLES: list[tuple[type[BaseModel], Config]] = [(StackSettings, STACK), (CatalogueEntry, ENTRY)]
STACK_KEYS, ENTRY_KEYS = one_of_each(StackSettings, STACK), one_of_each(CatalogueEntry, ENTRY)
STACK_REFERENCES: list[Keys] = [
    ("images", "redis"),
    ("secrets", "database"),
    ("release", "wide"),
    ("release", "fixed"),
    ("release", "wide", "slots", "blue"),
]
ENTRY_REFERENCES: list[Keys] = [
    ("images", "server"),
    ("images", "trainer"),
    ("secrets", "database"),
    ("secrets", "storage"),
    ("volumes", "hub"),
    ("volumes", "work"),
    ("stores", "queue"),
    ("services", "wide"),
    ("services", "worker"),
    ("environments", "dev"),
    ("environments", "dev", "services", "wide"),
    ("environments", "dev", "stores", "queue"),
    ("environments", "dev", "volumes", "hub"),
]
"""Keys of maps that something else refers to by name."""

Catalogue = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """Let the program find one entry, and that one alone."""
    monkeypatch.setattr(catalog, "read", partial(catalog.read, folder=tmp_path))

    def write(data: dict[str, Any]) -> None:
        (tmp_path / "maximal.yaml").write_text(yaml.dump(data, sort_keys=False, Dumper=yaml.CSafeDumper))

    return write


@pytest.fixture
def maximal(catalogue: Catalogue) -> None:
    catalogue(ENTRY)


@pytest.mark.parametrize(("model", "data"), SAMPLES)
def test_the_sample_names_every_key_of_every_model(model: type[BaseModel], data: Config) -> None:
    given = {(str(owner), path[-1]) for path, owner in given_keys(model, data)}
    assert {(str(owner), key) for owner, key in fields_below(model)} == given


@pytest.mark.usefixtures("maximal")
def test_the_sample_is_accepted_as_it_stands() -> None:
    recorded: Recorded = run_main(DEPLOYABLE)
    assert len(recorded.of_kind("Deployment")) == 6


def test_there_is_a_key_of_every_model_to_misspell() -> None:
    for (model, _), keys in zip(SAMPLES, (STACK_KEYS, ENTRY_KEYS), strict=True):
        assert len(keys) == len({owner for owner, _ in fields_below(model)}) > 25


def test_no_model_takes_a_key_that_it_does_not_know() -> None:
    owners = {owner for model, _ in SAMPLES for owner, _ in fields_below(model)}
    assert [owner.__name__ for owner in owners if owner.model_config.get("extra") != "forbid"] == []


def test_every_letter_of_a_model_counts() -> None:
    """All keys of one model, so that not only the one that is tried on the others is refused."""
    for key in ENTRY:
        wrong = misspelt(key)
        lines = refused(CatalogueEntry, renamed(ENTRY, (key,), wrong))
        assert any(line.startswith(f"given: {wrong}: unknown key") for line in lines), key


@pytest.mark.usefixtures("maximal")
@pytest.mark.parametrize("path", STACK_KEYS, ids=dotted)
def test_the_program_tells_of_a_misspelt_key_of_the_stack(path: Keys) -> None:
    wrong = misspelt(path[-1])
    lines = refusal_of(renamed(STACK, path, wrong))
    assert any(line.startswith(f"slipway:{dotted((*path[:-1], wrong))}: unknown key") for line in lines)


@pytest.mark.parametrize("path", ENTRY_KEYS, ids=dotted)
def test_the_program_tells_of_a_misspelt_key_of_the_catalogue(catalogue: Catalogue, path: Keys) -> None:
    wrong = misspelt(path[-1])
    catalogue(renamed(ENTRY, path, wrong))
    lines = refusal_of(STACK)
    assert any(line.startswith(f"catalog/maximal.yaml: {dotted((*path[:-1], wrong))}: unknown key") for line in lines)


@pytest.mark.usefixtures("maximal")
@pytest.mark.parametrize("path", STACK_REFERENCES, ids=dotted)
def test_a_misspelt_name_in_the_stack_is_refused(path: Keys) -> None:
    wrong = misspelt(path[-1])
    lines = refusal_of(renamed(STACK, path, wrong))
    assert any(line.startswith(f"slipway:{dotted((*path[:-1], wrong))}: ") for line in lines)


@pytest.mark.parametrize("path", ENTRY_REFERENCES, ids=dotted)
def test_a_misspelt_name_in_the_catalogue_is_refused(catalogue: Catalogue, path: Keys) -> None:
    wrong = misspelt(path[-1])
    catalogue(renamed(ENTRY, path, wrong))
    assert any(wrong in line or repr(path[-1]) in line for line in refusal_of(STACK))


@pytest.mark.usefixtures("maximal")
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("systm", "system"),
        ("clustr", "cluster"),
        ("imagee", "image"),
        ("imagess", "images"),
        ("relase", "release"),
        ("delivry", "delivery"),
        ("sorce", "source"),
        ("secret", "secrets"),
        ("object_storage", "objectStorage"),
        ("traceing", "tracing"),
    ],
)
def test_a_misspelt_section_is_refused_with_the_right_one(wrong: str, right: str) -> None:
    lines = refusal_of(renamed(STACK, (right,), wrong))
    assert f"slipway:{wrong}: unknown key; did you mean {right!r}?" in lines
