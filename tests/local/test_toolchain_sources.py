"""Modules are copied only with the checksum that is written down, and changed only where the change fits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.toolchain import sources
from local.toolchain.golang import Go, ToolchainError

GO = Go(binary=Path("/nowhere/go"), version="go1.26.6")


class Module:
    """A module folder of the project, and the published module that it copies."""

    def __init__(self, root: Path) -> None:
        self.published = root / "published"
        self.origin = root / "modules/example"
        self.cache = root / "cache"
        self.downloads: list[list[str]] = []
        self._write(self.published / "api/api.go", "package api\n\nvar limit = 1\n")
        self._write(self.published / "clouds/one/one.go", "package one\n")
        self._write(self.published / "data.json", "{}")
        self._write(self.origin / "go.mod", "module example\n")
        self.describe(patched=True)

    @staticmethod
    def _write(file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def describe(self, **settings: Any) -> None:
        source = {"path": "example.org/api", "version": "v1.2.3", "sum": "h1:right", **settings}
        self._write(self.origin / "module.json", json.dumps({"modules": [source]}))

    def overlay(self, name: str, text: str) -> None:
        self._write(self.origin / "patches/example.org/api" / name, text)

    def download(self, command: list[str], **_: Any) -> str:
        self.downloads.append(command)
        return json.dumps({"Sum": "h1:right", "Dir": str(self.published)})

    def prepare(self, run: Callable[..., str] | None = None) -> Path:
        return sources.prepare("example", self.cache, GO, run or self.download)

    def copy(self, name: str) -> Path:
        return self.prepare() / "patched/example.org/api" / name


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    monkeypatch.setattr(sources, "MODULES", tmp_path / "modules")
    return Module(tmp_path)


def test_a_patched_module_is_copied_beside_our_own_files(module: Module) -> None:
    assert (module.prepare() / "go.mod").read_text() == "module example\n"
    assert module.copy("api/api.go").read_text() == "package api\n\nvar limit = 1\n"


def test_the_download_names_the_pinned_version(module: Module) -> None:
    module.prepare()
    assert [command[1:] for command in module.downloads] == [["mod", "download", "-json", "example.org/api@v1.2.3"]]


def test_a_read_only_module_cache_gives_a_writable_copy(module: Module) -> None:
    (module.published / "api").chmod(0o555)
    (module.published / "api/api.go").chmod(0o444)
    module.overlay("api/api.go", "package api\n")
    assert module.copy("api/api.go").read_text() == "package api\n"


def test_omitted_folders_are_left_out(module: Module) -> None:
    module.describe(patched=True, omit=["clouds/*/*"])
    assert not module.copy("clouds/one/one.go").exists()
    assert module.copy("api/api.go").exists()


def test_our_files_are_laid_over_the_copy(module: Module) -> None:
    module.overlay("api/api.go", "package api\n")
    assert module.copy("api/api.go").read_text() == "package api\n"


def test_an_edit_changes_one_line(module: Module) -> None:
    module.describe(patched=True, edits=[{"file": "api/api.go", "old": "limit = 1", "new": "limit = 2"}])
    assert module.copy("api/api.go").read_text() == "package api\n\nvar limit = 2\n"


@pytest.mark.parametrize(("old", "times"), [("limit = 9", 0), ("api", 1), ("i", 3)])
def test_an_edit_that_does_not_fit_exactly_once_is_refused(module: Module, old: str, times: int) -> None:
    module.describe(patched=True, edits=[{"file": "api/api.go", "old": old, "new": "x"}])
    if times == 1:
        module.prepare()
        return
    with pytest.raises(ToolchainError, match=f"occurs {times} times, not once"):
        module.prepare()


def test_single_files_are_copied_without_patching_the_module(module: Module) -> None:
    module.describe(copies={"data.json": "cmd/data.json"})
    prepared = module.prepare()
    assert (prepared / "cmd/data.json").read_text() == "{}"
    assert not (prepared / "patched").exists()


def test_another_checksum_is_refused_and_leaves_nothing_behind(module: Module) -> None:
    def download(*_: Any, **__: Any) -> str:
        return json.dumps({"Sum": "h1:wrong", "Dir": str(module.published)})

    with pytest.raises(ToolchainError, match=r"example.org/api@v1.2.3 has checksum h1:wrong, not h1:right"):
        module.prepare(download)
    assert list(module.cache.iterdir()) == []


def test_a_prepared_module_is_used_again(module: Module) -> None:
    assert module.prepare() == module.prepare()
    assert len(module.downloads) == 1


def test_a_changed_file_prepares_anew(module: Module) -> None:
    first = module.prepare()
    module.overlay("api/api.go", "package api\n")
    assert module.prepare() != first


def test_a_module_without_a_description_copies_nothing(module: Module) -> None:
    (module.origin / "module.json").unlink()
    assert [file.name for file in module.prepare().iterdir()] == ["go.mod"]
    assert module.downloads == []
