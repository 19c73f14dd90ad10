"""The drawings of imports are those of the sources, and no package imports itself in a circle."""

from pathlib import Path

import pytest

from bench import imports
from bench.imports import FOLDER, PACKAGES, CycleError, Imports

MOST_LEVELS = {"delivery": 5}
"""Rows of the picture: what a newcomer can keep in mind."""


@pytest.mark.slow  # reads every source
@pytest.mark.parametrize("package", PACKAGES)
def test_the_committed_drawing_is_that_of_the_sources(package: str) -> None:
    drawn = imports.drawing(imports.imports(package))
    assert (FOLDER / f"{package}.svg").read_text("utf-8") == drawn, "run make drawings"


@pytest.mark.parametrize(("package", "most"), MOST_LEVELS.items())
def test_a_package_has_few_levels(package: str, most: int) -> None:
    assert max(imports.imports(package).level.values()) <= most


def test_a_circle_is_named() -> None:
    circle = Imports("x", {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("b")})
    with pytest.raises(CycleError, match=r"^b → c → b$"):
        _ = circle.level


def test_an_import_that_a_longer_path_implies_is_not_drawn() -> None:
    found = Imports("x", {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()})
    assert found.reduced == {"a": ["b"], "b": ["c"], "c": []}
    assert found.level == {"a": 3, "b": 2, "c": 1}


def test_imports_of_types_alone_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PROJECT", tmp_path)
    folder = tmp_path / "p"
    folder.mkdir()
    for name, text in {
        "__init__": "",
        "a": "from typing import TYPE_CHECKING\nfrom p import b\nif TYPE_CHECKING:\n    from p.c import x\n",
        "b": "",
        "c": "def f():\n    from p.a import g\n",
    }.items():
        (folder / f"{name}.py").write_text(text)
    assert imports.imports("p").edges == {"a": {"b"}, "b": frozenset(), "c": {"a"}}
