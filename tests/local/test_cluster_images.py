import json
import tarfile
from pathlib import Path

import pytest

from local import images, monitoring
from local.errors import LocalError
from local.paths import Paths


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "catatonit"
    file.write_bytes(b"\x7fELF")
    monkeypatch.setattr(images, "_PAUSE_PROGRAM", file)
    return file


def test_the_pause_image_is_one_static_program_run_by_nobody(tmp_path: Path, program: Path) -> None:
    target = tmp_path / "image"
    target.mkdir()
    images.make_pause(target)
    with tarfile.open(target / "layer.tar") as layer:
        members = layer.getmembers()
        assert [(member.name, member.mode, member.mtime) for member in members] == [("catatonit", 0o755, 0)]
        content = layer.extractfile("catatonit")
        assert content is not None
        assert content.read() == program.read_bytes()
    config = json.loads((target / "config.json").read_text())["config"]
    assert (config["Entrypoint"], config["User"]) == (["/catatonit", "-P"], "65535:65535")


def test_an_interrupted_image_is_made_anew(paths: Paths) -> None:
    folder = paths.cache / "images/base"

    def interrupted(target: Path) -> None:
        (target / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        images.cached(folder, interrupted)
    assert not folder.exists()
    images.cached(folder, lambda target: (target / "whole").touch())
    assert [file.name for file in folder.iterdir()] == ["whole"]


def test_a_cached_image_is_not_made_again(paths: Paths) -> None:
    def unwanted(_target: Path) -> None:
        raise AssertionError

    images.cached(paths.cache / "images/pause", lambda target: (target / "layer.tar").touch())
    images.cached(paths.cache / "images/pause", unwanted)


def test_an_unknown_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images.platform, "machine", lambda: "riscv64")
    with pytest.raises(LocalError, match="machine: riscv64 is not supported"):
        images.architecture()


def test_the_monitoring_definitions_are_pinned_with_a_checksum() -> None:
    pinned = (Path(monitoring.__file__).parent / "crds/go.sum").read_text()
    assert f"{monitoring.MODULE} {monitoring.version()} h1:" in pinned
    assert f"{monitoring.MODULE} {monitoring.version()}/go.mod h1:" in pinned
