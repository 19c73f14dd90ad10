"""Every configuration key with one letter changed: refused with its path, before anything is registered."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

import catalog
from models.entry import CatalogueEntry
from models.stack import StackSettings
from tests.program.maximal import ENTRY, STACK, Keys, fields_below, given_keys, misspelt, renamed
from tests.recording import Recorded, refusal_of, run_main

STACK_KEYS = [path for path, _ in given_keys(StackSettings, STACK)]
ENTRY_KEYS = [path for path, _ in given_keys(CatalogueEntry, ENTRY)]
STACK_REFERENCES: list[Keys] = [("release", "wide"), ("release", "fixed"), ("release", "wide", "slots", "blue")]
ENTRY_REFERENCES: list[Keys] = [
    ("images", "server"),
    ("services", "wide"),
    ("environments", "dev"),
    ("environments", "dev", "services", "wide"),
]
"""Keys of maps that something else refers to by name."""

Catalogue = Callable[[dict[str, Any]], None]


def dotted(path: Keys) -> str:
    return ".".join(path)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """Let the program find one entry, and that one alone."""
    monkeypatch.setattr(catalog, "read", partial(catalog.read, folder=tmp_path))

    def write(data: dict[str, Any]) -> None:
        (tmp_path / "maximal.yaml").write_text(yaml.safe_dump(data, sort_keys=False))

    return write


@pytest.fixture
def maximal(catalogue: Catalogue) -> None:
    catalogue(ENTRY)


@pytest.mark.parametrize(("model", "data"), [(StackSettings, STACK), (CatalogueEntry, ENTRY)])
def test_the_sample_names_every_key_of_every_model(model: type[Any], data: dict[str, Any]) -> None:
    given = {(owner, path[-1]) for path, owner in given_keys(model, data)}
    assert {(m.__name__, key) for m, key in fields_below(model)} == {(m.__name__, key) for m, key in given}


@pytest.mark.usefixtures("maximal")
def test_the_sample_is_accepted_as_it_stands() -> None:
    recorded: Recorded = run_main(STACK)
    assert len(recorded.of_kind("Deployment")) == 4


def test_there_are_keys_to_misspell() -> None:
    assert len(STACK_KEYS) > 40
    assert len(ENTRY_KEYS) > 100


@pytest.mark.usefixtures("maximal")
@pytest.mark.parametrize("path", STACK_KEYS, ids=dotted)
def test_a_misspelt_key_of_the_stack_is_refused_with_its_path(path: Keys) -> None:
    wrong = misspelt(path[-1])
    lines = refusal_of(renamed(STACK, path, wrong))
    assert any(line.startswith(f"slipway:{dotted((*path[:-1], wrong))}: unknown key") for line in lines)


@pytest.mark.parametrize("path", ENTRY_KEYS, ids=dotted)
def test_a_misspelt_key_of_the_catalogue_is_refused_with_its_path(catalogue: Catalogue, path: Keys) -> None:
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
    assert any(wrong in line for line in refusal_of(STACK))


@pytest.mark.usefixtures("maximal")
@pytest.mark.parametrize(
    ("wrong", "right"), [("systm", "system"), ("clustr", "cluster"), ("images", "image"), ("relase", "release")]
)
def test_a_misspelt_section_is_refused_with_the_right_one(wrong: str, right: str) -> None:
    lines = refusal_of(renamed(STACK, (right,), wrong))
    assert f"slipway:{wrong}: unknown key; did you mean {right!r}?" in lines
