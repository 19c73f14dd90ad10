"""A model is published as a whole or not at all; bytes that have arrived are neither fetched nor copied again."""

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from loader import chunks
from loader.errors import LoaderError
from loader.store import Store
from tests.loader.models import FILES, checksum_of, content, fetched, manifest_of, publish
from tests.loader.servers import Seen, Watched, serving

Served = tuple[str, Seen, Path]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1_000)


def test_the_folder_holds_exactly_the_model(served: Served, tmp_path: Path) -> None:
    uri, _, folder = served
    done = fetched(uri, tmp_path / "store")
    assert content(tmp_path / "store/tiny") == content(folder)
    assert (done.files, done.bytesFetched, done.fromCache) == (4, sum(map(len, content(folder).values())), False)


@pytest.mark.usefixtures("small_chunks")
def test_a_large_file_comes_in_ranges(served: Served, tmp_path: Path) -> None:
    uri, seen, folder = served
    fetched(uri, tmp_path / "store")
    assert content(tmp_path / "store/tiny") == content(folder)
    asked = [ranged for path, ranged, _ in seen.requests if path.endswith("model.onnx")]
    assert sorted(asked)[:3] == ["bytes=0-0", "bytes=0-999", "bytes=1000-1999"]
    assert len(asked) == 1 + 16


def states(folder: Path) -> list[tuple[Path, int, int]]:
    return [(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")]


def test_a_second_fetch_reads_nothing_from_the_source_and_changes_no_file(served: Served, tmp_path: Path) -> None:
    uri, seen, _ = served
    fetched(uri, tmp_path / "store")
    before = states(tmp_path / "store/tiny")
    seen.requests.clear()
    again = fetched(uri, tmp_path / "store")
    assert (again.bytesFetched, again.fromCache, seen.requests) == (0, True, [])
    assert states(tmp_path / "store/tiny") == before


@pytest.mark.parametrize(
    ("field", "value"), [("checksum", "sha256:" + "0" * 64), ("manifest", manifest_of({"a": b"a"}))]
)
def test_another_pin_is_not_the_model_in_the_store(served: Served, tmp_path: Path, field: str, value: str) -> None:
    uri, _, _ = served
    fetched(uri, tmp_path / "store")
    with pytest.raises(LoaderError):
        fetched(uri, tmp_path / "store", None, **{field: value})


def test_a_flipped_bit_is_refused_in_one_line_and_nothing_is_published(served: Served, tmp_path: Path) -> None:
    uri, _, folder = served
    damaged = bytearray(FILES["model.onnx"])
    damaged[777] ^= 1
    (folder / "model.onnx").write_bytes(damaged)
    with pytest.raises(LoaderError) as refused:
        fetched(uri, tmp_path / "store")
    said = str(refused.value)
    assert "model.onnx: sha256 hash is " in said
    assert said.endswith("the file is damaged or another one, so nothing was published")
    assert "\n" not in said
    assert not (tmp_path / "store/tiny").exists()
    publish(folder)  # repaired at the source
    fetched(uri, tmp_path / "store")
    assert content(tmp_path / "store/tiny") == content(folder)


@pytest.mark.usefixtures("small_chunks")
def test_bytes_that_arrived_before_a_kill_are_not_fetched_again(served: Served, tmp_path: Path) -> None:
    uri, seen, folder = served
    half = tmp_path / "store/.partial-tiny"
    half.mkdir(parents=True)
    (half / "model.onnx").write_bytes(FILES["model.onnx"][:8_000])
    with (half / ".journal").open("a", encoding="utf-8") as journal:
        for start in range(0, 8_000, 1_000):
            journal.write(json.dumps({"path": "model.onnx", "start": start, "end": start + 1_000}) + "\n")
        journal.write('{"path": "model.onnx", "start": 8000, "e')  # killed while it wrote
    done = fetched(uri, tmp_path / "store")
    assert content(tmp_path / "store/tiny") == content(folder)
    assert done.bytesResumed == 8_000
    asked = {ranged for path, ranged, _ in seen.requests if path.endswith("model.onnx")}
    assert "bytes=7000-7999" not in asked
    assert "bytes=8000-8999" in asked


@pytest.mark.usefixtures("small_chunks")
def test_bytes_that_a_crash_of_the_node_lost_are_fetched_again(served: Served, tmp_path: Path) -> None:
    uri, _, folder = served
    half = tmp_path / "store/.partial-tiny"
    half.mkdir(parents=True)
    (half / "model.onnx").write_bytes(b"\0" * 16_000)
    (half / ".journal").write_text(json.dumps({"path": "model.onnx", "start": 0, "end": 9_000}) + "\n", "utf-8")
    fetched(uri, tmp_path / "store")
    assert content(tmp_path / "store/tiny") == content(folder)


def test_a_broken_connection_continues_after_its_last_byte(served: Served, tmp_path: Path) -> None:
    uri, seen, folder = served
    seen.cut_after, seen.cuts = 7_000, 2
    fetched(uri, tmp_path / "store")
    assert content(tmp_path / "store/tiny") == content(folder)
    asked = [ranged for path, ranged, _ in seen.requests if path.endswith("model.onnx")]
    assert asked[-2:] == ["bytes=7000-15999", "bytes=14000-15999"]


def test_a_server_without_ranges_sends_the_file_as_a_whole(tmp_path: Path) -> None:
    folder = publish(tmp_path / "published")
    with serving(Watched, folder, ranges=False) as (url, _):
        fetched(f"{url}/", tmp_path / "store")
    assert content(tmp_path / "store/tiny") == content(folder)


def overwritten(path: Path) -> None:
    path.write_bytes(b"other")


def touched(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("spoil", [overwritten, touched, Path.unlink])
def test_a_changed_file_in_the_store_is_noticed_by_size_and_time_and_repaired(
    served: Served, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    uri, seen, folder = served
    fetched(uri, tmp_path / "store")
    spoil(tmp_path / "store/tiny/model.onnx")
    seen.requests.clear()
    fetched(uri, tmp_path / "store")
    assert content(tmp_path / "store/tiny") == content(folder)
    assert not any("vocab" in path and ranged == "bytes=0-7" for path, ranged, _ in seen.requests), (
        "an intact file was fetched again"
    )
    assert fetched(uri, tmp_path / "store").fromCache


def test_two_pods_with_one_volume_fetch_a_model_once(served: Served, tmp_path: Path) -> None:
    uri, seen, folder = served
    store = tmp_path / "store"
    pods = [threading.Thread(target=fetched, args=(uri, store)) for _ in range(2)]
    for pod in pods:
        pod.start()
    for pod in pods:
        pod.join()
    assert content(store / "tiny") == content(folder)
    assert seen.paths().count("/tiny/SHA256SUMS") == 2, "the list, and the file of the model: by one pod"


def test_models_share_a_store_and_old_partial_files_go(served: Served, tmp_path: Path) -> None:
    uri, _, _ = served
    store = tmp_path / "store"
    for name, age in (("old", 1.0), ("young", None)):
        store.mkdir(exist_ok=True)
        Store(store, name).prepare()
        if age is not None:
            os.utime(store / f".partial-{name}", (age, age))
    fetched(uri, store, name="other")
    fetched(uri, store)
    assert sorted(path.name for path in store.iterdir() if path.is_dir()) == [".partial-young", "other", "tiny"]


def test_a_pin_of_the_sums_is_checked(served: Served, tmp_path: Path) -> None:
    uri, _, folder = served
    fetched(uri, tmp_path / "store", checksum=checksum_of(folder / "SHA256SUMS"))
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(LoaderError, match="is required; correct the model or the pin"):
        fetched(uri, tmp_path / "store", checksum="sha256:" + "0" * 64)
