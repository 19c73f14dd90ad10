import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from local import definitions
from local.definitions import SOURCES, Source
from local.errors import LocalError
from local.progress import Progress
from local.toolchain.golang import Go

KEDA = Source(module="example/keda", folder="crd", files=("scaledobjects.yaml", "*auth.yaml"))


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "crd").mkdir()
    for name in ("scaledobjects.yaml", "trigger_auth.yaml", "scaledjobs.yaml"):
        (tmp_path / "crd" / name).touch()
    return tmp_path


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.module)
def test_a_module_with_definitions_is_pinned_with_a_checksum(source: Source) -> None:
    version = re.search(rf"{re.escape(source.module)} (v\S+)", (definitions.PINS / "go.mod").read_text())
    assert version
    sums = (definitions.PINS / "go.sum").read_text()
    assert f"{source.module} {version[1]} h1:" in sums
    assert f"{source.module} {version[1]}/go.mod h1:" in sums


def test_only_the_named_definitions_are_taken(module: Path) -> None:
    assert [file.name for file in definitions.files_in(module, KEDA)] == ["scaledobjects.yaml", "trigger_auth.yaml"]


def test_a_definition_that_moved_is_named(module: Path) -> None:
    (module / "crd/trigger_auth.yaml").unlink()
    with pytest.raises(LocalError, match=r"example/keda: no file matches crd/\*auth\.yaml"):
        definitions.files_in(module, KEDA)


def _any_go(cache: Path, _progress: Progress) -> Go:
    return Go(binary=cache / "go", version="go1.26.4")


def test_what_a_part_needs_beside_them_is_taken_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = Source(module="example/extra", folder="crd", files=("extra.yaml",))
    (tmp_path / "crd").mkdir()
    for name in ("scaledobjects.yaml", "some_auth.yaml", "extra.yaml"):
        (tmp_path / "crd" / name).touch()

    def downloaded(_command: object, *, cwd: Path, environment: object) -> str:
        assert cwd == definitions.PINS
        assert environment
        return json.dumps({"Dir": str(tmp_path)})

    monkeypatch.setattr(definitions, "require_go", _any_go)
    monkeypatch.setattr(definitions, "run", downloaded)
    monkeypatch.setattr(definitions, "SOURCES", (KEDA,))
    quiet = Progress(Console(quiet=True))
    usual = definitions.provide(tmp_path / "cache", quiet)
    more = definitions.provide(tmp_path / "cache", quiet, [extra])
    assert {file.name for file in more.iterdir()} - {file.name for file in usual.iterdir()} == {"extra.yaml"}
    assert definitions.provide(tmp_path / "cache", quiet) == usual
