"""The init container puts a verified model in place, or none."""

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from serving.fetch import FetchError, fetch, main
from serving.models.cache import ABANDONED_SECONDS, INCOMING
from serving.models.checksums import SUMS_FILE, ChecksumError, read_sums, verify, write_sums

CONTENTS = {"model.onnx": b"weights", "metadata.json": b"{}"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sums(tmp_path / "source", CONTENTS)
    return tmp_path / "source"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_model_is_copied_and_proven(source: Path, tmp_path: Path) -> None:
    assert fetch(f"file://{source}", tmp_path / "models").files == 2
    assert names(tmp_path / "models") == sorted([*CONTENTS, SUMS_FILE])
    verify(tmp_path / "models")


def test_files_that_are_not_listed_stay_behind(source: Path, tmp_path: Path) -> None:
    (source / "notes.txt").write_text("private")
    fetch(f"file://{source}", tmp_path / "models")
    assert "notes.txt" not in names(tmp_path / "models")


def test_fetching_again_replaces_the_model(source: Path, tmp_path: Path) -> None:
    fetch(f"file://{source}", tmp_path / "models")
    write_sums(source, {**CONTENTS, "model.onnx": b"better"})
    fetch(f"file://{source}", tmp_path / "models")
    assert (tmp_path / "models" / "model.onnx").read_bytes() == b"better"
    verify(tmp_path / "models")


def test_a_damaged_file_changes_nothing_at_the_destination(source: Path, tmp_path: Path) -> None:
    fetch(f"file://{source}", tmp_path / "models")
    write_sums(source, {**CONTENTS, "model.onnx": b"better"})
    (source / "model.onnx").write_bytes(b"bettre")
    with pytest.raises(FetchError, match=r"model\.onnx: SHA-256 is"):
        fetch(f"file://{source}", tmp_path / "models")
    assert (tmp_path / "models" / "model.onnx").read_bytes() == b"weights"
    assert names(tmp_path / "models") == sorted([*CONTENTS, SUMS_FILE])


@pytest.mark.parametrize("missing", [SUMS_FILE, "model.onnx"])
def test_a_missing_file_is_named_and_nothing_is_left(source: Path, tmp_path: Path, missing: str) -> None:
    (source / missing).unlink()
    with pytest.raises(FetchError, match=missing):
        fetch(f"file://{source}", tmp_path / "models")
    assert names(tmp_path / "models") == []


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/b", SUMS_FILE, ".."])
def test_a_listed_name_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(ChecksumError, match="plain file name"):
        read_sums(f"{'0' * 64}  {name}\n", "here")


@pytest.mark.parametrize("text", ["", "\n", "abc  model.onnx\n", f"{'0' * 64} model.onnx\n"])
def test_lines_that_sha256sum_does_not_write_are_refused(text: str) -> None:
    with pytest.raises(ChecksumError, match="sha256sum"):
        read_sums(text, "here")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("ftp://host/model", "scheme 'ftp' is not supported; use one of file, s3"),
        ("/opt/model", "scheme '' is not supported"),
        ("file://host/model", "use file:///absolute/path"),
        ("s3://[models/digits", "Invalid IPv6 URL"),
    ],
)
def test_a_uri_that_cannot_be_read_is_refused(uri: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=reason):
        fetch(uri, tmp_path / "models")


def test_leftovers_of_a_killed_container_are_removed(source: Path, tmp_path: Path) -> None:
    left = tmp_path / "models" / ".incoming-abc"
    left.mkdir(parents=True)
    (left / "model.onnx").write_bytes(b"half")
    fetch(f"file://{source}", tmp_path / "models")
    assert names(tmp_path / "models") == sorted([*CONTENTS, SUMS_FILE])


def test_only_old_leftovers_of_a_cache_are_removed(source: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for name, age in (("young", 0), ("old", ABANDONED_SECONDS + 60)):
        folder = cache / f"{INCOMING}{name}"
        folder.mkdir(parents=True)
        then = time.time() - age
        os.utime(folder, (then, then))
    fetch(f"file://{source}", tmp_path / "models", cache=cache)
    assert [name for name in names(cache) if name.startswith(INCOMING)] == [f"{INCOMING}young"]


def test_the_command_says_what_it_did(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"file://{source}", str(tmp_path / "models")]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["files"], line["fromCache"], line["uri"]) == (2, False, f"file://{source}")
    assert line["bytesFetched"] == sum(path.stat().st_size for path in source.iterdir())
    assert line["checksum"] == f"sha256:{hashlib.sha256((source / SUMS_FILE).read_bytes()).hexdigest()}"


def test_the_command_fails_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"file://{tmp_path}/no", str(tmp_path / "models")]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("fetch: ")
    assert output.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["file:///m", "/models", "--checksum", "md5:0"], ["--chache", "x"]])
def test_wrong_usage_is_another_exit_code(arguments: list[str]) -> None:
    assert main(arguments) == 2
