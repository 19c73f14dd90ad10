import json
import tarfile
from pathlib import Path

import pytest
from rich.console import Console

from local import images
from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "catatonit"
    file.write_bytes(b"\x7fELF")
    return file


def test_a_program_s_image_is_one_static_program_run_by_nobody(tmp_path: Path, program: Path) -> None:
    target = tmp_path / "image"
    target.mkdir()
    images.make_program(target, program, "bin/pause", "-P")
    with tarfile.open(target / "layer.tar") as layer:
        members = layer.getmembers()
        assert [(member.name, member.mode, member.mtime) for member in members] == [("bin/pause", 0o755, 0)]
        content = layer.extractfile("bin/pause")
        assert content is not None
        assert content.read() == program.read_bytes()
    config = json.loads((target / "config.json").read_text())["config"]
    assert (config["Entrypoint"], config["User"]) == (["/bin/pause", "-P"], "65535:65535")


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


def test_packages_never_cover_the_base_s_links_into_usr(tmp_path: Path) -> None:
    for name in ("lib/systemd/redis.service", "usr/lib/libz.so", "usr/bin/redis-server", "etc/redis.conf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    images.merge_usr(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["etc", "usr"]
    assert (tmp_path / "usr/lib/systemd/redis.service").is_file()
    assert (tmp_path / "usr/lib/libz.so").is_file()


def test_another_base_makes_another_redis_image(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def make(target: Path, base: Path, _log: Path) -> None:
        made.append(base)
        (target / "layer1.tar").touch()

    monkeypatch.setattr(images, "_make_redis", make)
    quiet = Progress(Console(quiet=True))
    first = images.make_redis(paths, paths.cache / "images/base-1", quiet)
    assert images.make_redis(paths, paths.cache / "images/base-1", quiet) == first
    assert images.make_redis(paths, paths.cache / "images/base-2", quiet) != first
    assert [base.name for base in made] == ["base-1", "base-2"]
